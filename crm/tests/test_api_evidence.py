"""Suppressions, consents and what is to be looked at, as a program writes and reads them."""

import pytest

from config.tests import callers
from crm.models import Consent, Endpoint, Suppression
from crm.tests.factories import (
    ContactFactory,
    EndpointFactory,
    ReviewItemFactory,
    UserFactory,
    give_point,
)

pytestmark = pytest.mark.django_db

admin, rep = callers.admin, callers.rep


def test_a_line_is_suppressed_once_and_freed_by_an_admin_with_a_reason(admin, rep):
    point = give_point(ContactFactory(owner=rep.user), "phone", "+15125550134")
    body = {"endpoint": str(point.endpoint_id), "reason": "asked", "words": "Never again, please."}

    status, made = rep.send("post", "suppressions/", body)
    again, known = rep.send("post", "suppressions/", body)

    assert (status, again, made["id"]) == (201, 200, known["id"])
    assert (made["source"], made["by"], made["words"]) == ("api", str(rep.user.pk), "Never again, please.")
    lift = f"suppressions/{made['id']}/lift/"
    assert rep.send("post", lift, {"reason": "They called back."})[0] == 403
    assert admin.send("post", lift, {})[0] == 400
    assert admin.send("post", lift, {"reason": "They called back."})[1]["lift_reason"] == "They called back."
    assert admin.send("post", lift, {"reason": "Again."})[1]["error_code"] == "already_lifted"
    listed = rep.get("/api/v1/suppressions/", {"phone": "512 555 0134", "standing": "true"}).json()
    assert listed["results"] == []


def test_a_line_that_one_cannot_see_cannot_be_suppressed(rep):
    line = give_point(ContactFactory(owner=UserFactory(bdr=True)), "phone", "+15125550134").endpoint

    assert rep.send("post", "suppressions/", {"endpoint": str(line.pk)})[0] == 400
    assert not Suppression.objects.exists()


def test_a_channel_that_does_not_use_the_line_is_refused(admin):
    body = {"endpoint": str(EndpointFactory().pk), "channel": "email"}

    status, said = admin.send("post", "suppressions/", body)

    assert (status, said["details"][0]["field"]) == (400, "channel")


def test_consent_is_given_and_withdrawn_by_evidence(rep):
    contact = ContactFactory(owner=rep.user)
    body = {"contact": str(contact.pk), "source": "web form", "evidence": "Ticked the box."}

    status, given = rep.send("post", "consents/", {**body, "kind": "given"})
    contact.refresh_from_db()
    assert (status, given["by"], contact.consent_given) == (201, str(rep.user.pk), True)

    rep.send("post", "consents/", {**body, "kind": "withdrawn"})
    contact.refresh_from_db()
    assert contact.consent_given is False
    assert Consent.objects.count() == 2


def test_the_same_evidence_is_kept_once_and_says_when_it_was_given(rep):
    contact = ContactFactory(owner=rep.user)
    body = {"contact": str(contact.pk), "kind": "given", "source": "web form", "evidence": "Ticked the box."}

    first, again = rep.send("post", "consents/", body), rep.send("post", "consents/", body)
    old, old_again = (rep.send("post", "consents/", {**body, "at": "2024-05-06T07:08:09Z"}) for _ in range(2))
    withdrawn = rep.send("post", "consents/", {**body, "kind": "withdrawn"})
    anew = rep.send("post", "consents/", body)

    assert [answer[0] for answer in (first, again, old, old_again, withdrawn, anew)] == [201, 200, 201, 200, 201, 201]
    assert (first[1]["id"], old[1]["id"]) == (again[1]["id"], old_again[1]["id"])
    assert old[1]["at"] == "2024-05-06T07:08:09Z"
    assert Consent.objects.count() == 4
    status, said = rep.send("post", "consents/", {**body, "at": "2198-01-01T00:00:00Z"})
    assert (status, said["details"][0]["field"], said["details"][0]["code"]) == (400, "at", "future")


@pytest.mark.parametrize(("named", "value"), [
    ({"phone": "(512) 555-0134"}, "+15125550134"), ({"email": "Stop@Example.com"}, "stop@example.com"),
])  # fmt: skip
def test_a_list_of_numbers_that_nobody_knows_is_held(rep, named, value):
    body = {**named, "reason": "list", "source": "do-not-call list", "at": "2024-05-06T07:08:09Z"}

    status, made = rep.send("post", "suppressions/", body)
    again, known = rep.send("post", "suppressions/", body)

    line = Endpoint.objects.get()
    assert (status, again, made["id"]) == (201, 200, known["id"])
    assert (made["at"], made["endpoint"]) == ("2024-05-06T07:08:09Z", str(line.pk))
    assert (line.value, line.owner, line.suppressed_at.year) == (value, None, 2024)
    assert rep.send("get", f"suppressions/{made['id']}/")[0] == 200
    # whoever turns up with it later is not called
    _, person = rep.send("post", "contacts/", {"name": "Ada Example", **named})
    assert person["points"][0]["suppressed_at"] == "2024-05-06T07:08:09Z"
    assert Endpoint.objects.get().owner_id is not None


@pytest.mark.parametrize(("body", "field"), [
    ({}, "endpoint"),
    ({"phone": "512 555 0134", "email": "a@example.com"}, "endpoint"),
    ({"phone": "555-0134"}, "phone"),
    ({"email": "nobody@"}, "email"),
    ({"email": "a@example.com", "channel": "sms"}, "channel"),
    ({"phone": "512 555 0134", "at": "2198-01-01T00:00:00Z"}, "at"),
])  # fmt: skip
def test_what_is_to_be_left_alone_is_named_once_and_makes_sense(rep, body, field):
    status, said = rep.send("post", "suppressions/", body)

    assert (status, said["details"][0]["field"]) == (400, field)
    assert not Suppression.objects.exists()
    assert not Endpoint.objects.exists()


def test_a_number_that_reaches_only_somebody_hidden_is_suppressed_by_admins(rep, admin):
    ContactFactory(owner=UserFactory(bdr=True), phone="+15125550134")

    status, said = rep.send("post", "suppressions/", {"phone": "512 555 0134"})

    assert (status, said["error_code"], said["details"]) == (409, "exists_out_of_scope", [])
    assert not Suppression.objects.exists()
    assert admin.send("post", "suppressions/", {"phone": "512 555 0134"})[0] == 201


def test_what_a_person_has_looked_at_is_put_away(admin, rep):
    item = ReviewItemFactory()

    assert rep.send("post", f"review-items/{item.pk}/resolve/")[0] == 403
    status, said = admin.send("post", f"review-items/{item.pk}/resolve/")
    assert (status, said["resolved_by"]) == (200, str(admin.user.pk))
    assert admin.get("/api/v1/review-items/", {"open": "true"}).json()["results"] == []
    assert len(admin.get("/api/v1/review-items/", {"open": "false"}).json()["results"]) == 1
