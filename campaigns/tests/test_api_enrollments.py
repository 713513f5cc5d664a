"""People in campaigns over HTTP: enrolled, followed, moved by hand, marked from a list."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from campaigns.models import Campaign, Enrollment, EnrollmentStatus
from campaigns.services import campaigns, enrolling, handling
from campaigns.tests import over_http, walks
from campaigns.tests.drawings import drawing, node
from campaigns.tests.over_http import enrolled
from config.kernel import clock
from config.kernel.ids import uuid7
from config.testing import NOON
from config.tests.clients import Caller
from config.tests.clients import rep as a_rep
from crm.tests.factories import ContactFactory, ProjectContactFactory, UserFactory

pytestmark = pytest.mark.django_db
caller, campaign = over_http.caller, over_http.campaign


def walk_of(caller: Caller, walk: Enrollment) -> Any:
    return caller.send("get", f"enrollments/{walk.pk}/")[1]


def test_people_are_enrolled_and_the_run_is_followed(caller, campaign):
    ada, bea, theirs = ContactFactory(), ContactFactory(), ContactFactory(owner=UserFactory(bdr=True))
    told = {"contacts": [str(one.pk) for one in (ada, bea, theirs)]}
    answer = caller.post(f"/api/v1/campaigns/{campaign.pk}/enroll/", told)
    assert (answer.status_code, answer.json()["state"]) == (202, "running")
    enrolling.take(answer.json()["id"], at=clock.now())
    run = caller.get(answer["Location"]).json()
    assert [run[name] for name in ("state", "asked", "enrolled", "gone")] == ["done", 3, 2, 1]
    _, said = caller.send("get", f"enrollments/?campaign={campaign.pk}&run={run['id']}")
    assert {row["contact"] for row in said["results"]} == {str(ada.pk), str(bea.pk)}
    assert {row["state"] for row in said["results"]} == {"pending"}


@pytest.mark.parametrize(
    ("told", "code", "field"),
    [
        ({}, "unusable_audience", "audience"),
        ({"filter": {"shoe": 44}}, "unusable_audience", "filter.shoe"),
        ({"filter": {"source": "a", "project": "x"}}, "unusable_audience", "filter.project"),
        ({"filter": {"lead_score_min": [1]}}, "invalid", "filter.lead_score_min"),
        ({"filter": {"region": 1e308}}, "unusable_audience", "filter.region"),
        ({"filter": {"source": 7}}, "unusable_audience", "filter.source"),
        ({"filter": {"search": True}}, "unusable_audience", "filter.search"),
        ({"filter": {"lead_score_max": "50"}}, "unusable_audience", "filter.lead_score_max"),
        ({"filter": {"has_email": 1}}, "unusable_audience", "filter.has_email"),
        ({"filter": {}}, "unusable_audience", "filter"),
        ({"filter": {"source": "a"}, "contacts": [str(uuid7())]}, "unusable_audience", "audience"),
        ({"contacts": ["me"]}, "invalid", "contacts.0"),
        ({"project": str(uuid7())}, "invalid", "project"),
    ],
)  # fmt: skip
def test_what_means_nobody_is_refused_by_field(caller, campaign, told, code, field):
    status, said = caller.send("post", f"campaigns/{campaign.pk}/enroll/", told)
    assert (status, said["error_code"]) == (400, code), said
    assert field in {detail["field"] for detail in said["details"]}


def test_a_project_and_a_filter_mean_people_too(caller, campaign):
    pair = ProjectContactFactory(contact=ContactFactory(source="permits"))
    for told in ({"project": str(pair.project.pk)}, {"filter": {"source": "permits"}}):
        status, said = caller.send("post", f"campaigns/{campaign.pk}/enroll/", told)
        assert status == 202, said
        enrolling.take(said["id"], at=clock.now())
    runs = caller.send("get", f"enrollment-runs/?campaign={campaign.pk}")[1]["results"]
    assert [(run["enrolled"], run["inside"]) for run in runs] == [(0, 1), (1, 0)]


def test_nobody_is_enrolled_in_a_campaign_that_ends_or_is_somebody_elses(caller, campaign):
    told = {"contacts": [str(ContactFactory().pk)]}
    status, said = a_rep().send("post", f"campaigns/{campaign.pk}/enroll/", told)
    assert (status, said["error_code"]) == (409, "not_yours")
    campaigns.drain(row=campaign, by=None, at=clock.now())
    status, said = caller.send("post", f"campaigns/{campaign.pk}/enroll/", told)
    assert (status, said["error_code"]) == (409, "not_open")


def test_a_walk_tells_where_it_was_held_up_and_for_how_long(caller):
    (walk,) = walks.enrolled(walks.begun(drawing(node("rest", "wait"))))
    walks.run(NOON)
    later = NOON + timedelta(hours=5)
    handling.leave([walk.pk], reason="Moved away", by=None, at=later)
    (step,) = caller.send("get", f"enrollments/{walk.pk}/")[1]["steps"]
    assert (step["node_key"], step["visit"], step["outcome"]) == ("rest", 1, "left")
    assert [datetime.fromisoformat(step[name]) for name in ("begun_at", "ended_at")] == [NOON, later]


def test_a_walk_is_paused_resumed_and_left_and_tells_its_history(caller, campaign):
    (walk,) = enrolled(campaign, ContactFactory())
    for verb, state in [("pause", "paused"), ("resume", "pending")]:
        status, said = caller.send("post", f"enrollments/{walk.pk}/{verb}/", {})
        assert (status, said["state"]) == (200, state)
    status, said = caller.send("post", f"enrollments/{walk.pk}/resume/", {})
    assert (status, said["error_code"], said["error"]) == (409, "nothing_to_do", "They are not paused.")
    status, said = caller.send("post", f"enrollments/{walk.pk}/leave/", {"reason": "Moved away"})
    assert (status, said["state"], said["reason"]) == (200, "exited", "“Moved away”")
    assert [event["kind"] for event in said["events"]] == ["enrolled", "paused", "resumed", "exited"]
    assert said["events"][-1]["by"] == str(caller.user.pk)
    assert caller.send("post", f"enrollments/{walk.pk}/leave/", {})[0] == 400


def test_whoever_was_taken_out_in_words_of_ours_is_found_by_them_and_not_by_what_never_happened(caller, campaign):
    asked, taken = enrolled(campaign, *ContactFactory.create_batch(2))
    handling.let_leave([asked.pk], code="opted_out", at=clock.now())
    caller.send("post", f"enrollments/{taken.pk}/leave/", {"reason": " opted_out "})
    named = {"opted_out": [str(asked.pk)], "“opted_out”": [str(taken.pk)]}
    for wanted, found in named.items():
        _, said = caller.send("get", f"enrollments/?campaign={campaign.pk}&reason={quote(wanted)}")
        assert [row["id"] for row in said["results"]] == found, wanted


def test_people_are_found_by_the_stage_that_they_passed_within_their_campaign(caller, campaign):
    ada, *_ = enrolled(campaign, ContactFactory(), ContactFactory())
    Enrollment.objects.filter(pk=ada.pk).update(stage="invited")
    _, said = caller.send("get", f"enrollments/?campaign={campaign.pk}&stage=invited")
    assert [row["id"] for row in said["results"]] == [str(ada.pk)]
    assert caller.send("get", f"enrollments/?campaign={campaign.pk}&stage=")[1]["results"][1:]
    status, said = caller.send("get", "enrollments/?stage=invited")
    assert (status, said["details"][0]["field"]) == (400, "stage")
    assert said["details"][0]["message"].startswith("Say of which campaign: add campaign=ID.")


def test_what_was_parked_is_tried_again(caller, campaign):
    (walk,) = enrolled(campaign, ContactFactory())
    where = {"node": campaign.graph.nodes.get(key="wait"), "visit": 1, "visits": {"wait": 1}}
    Enrollment.objects.update(state="parked", wake_at=None, reason="No content", **where)
    assert caller.send("post", f"enrollments/{walk.pk}/retry/", {})[1]["state"] == "active"
    assert caller.send("post", f"enrollments/{walk.pk}/retry/", {})[0] == 409


def test_a_status_is_set_for_one_and_for_many(caller, campaign):
    ada, bea, cleo = ContactFactory(), ContactFactory(email="bea@example.com"), ContactFactory(phone="+15125550123")
    walks = enrolled(campaign, ada, bea, cleo)
    rsvp = EnrollmentStatus.objects.get(name="Received RSVP")
    _, said = caller.send("post", f"enrollments/{walks[0].pk}/set-status/", {"status": str(rsvp.pk)})
    assert said["status_name"] == "Received RSVP"
    told = {
        "status": str(rsvp.pk), "enrollments": [str(walks[0].pk)],
        "lines": ["Bea <bea@example.com>", "(512) 555-0123", "nobody@example.com", "?"],
    }  # fmt: skip
    status, said = caller.send("post", f"campaigns/{campaign.pk}/set-status/", told)
    assert (status, said) == (200, {"found": 3, "changed": 2, "unknown": ["nobody@example.com", "?"]})
    assert [walk_of(caller, walk)["status_name"] for walk in walks] == ["Received RSVP"] * 3
    assert caller.send("post", f"campaigns/{campaign.pk}/set-status/", {"status": str(rsvp.pk)})[0] == 400


def test_whoever_is_there_again_is_marked_in_their_last_round(caller, campaign):
    Campaign.objects.update(reentry="ended")
    bea = ContactFactory(email="bea@example.com")
    (first,) = enrolled(campaign, bea)
    caller.send("post", f"enrollments/{first.pk}/leave/", {"reason": "Moved away"})
    enrolled(campaign, bea)
    last = Enrollment.objects.get(contact=bea, run_no=2)
    told = {"status": str(EnrollmentStatus.objects.get(name="Attended").pk), "lines": ["bea@example.com"]}
    assert caller.send("post", f"campaigns/{campaign.pk}/set-status/", told)[1]["changed"] == 1
    assert [walk_of(caller, walk)["status_name"] for walk in (first, last)] == ["No Activity", "Attended"]


def test_whoever_works_a_contact_handles_their_walk_in_a_colleagues_campaign(caller, campaign):
    other = a_rep()
    mine, theirs = enrolled(campaign, ContactFactory(owner=other.user), ContactFactory(owner=UserFactory(bdr=True)))
    assert other.send("post", f"enrollments/{mine.pk}/pause/", {})[0] == 200
    status, said = other.send("post", f"enrollments/{theirs.pk}/pause/", {})
    assert (status, said["error_code"]) == (409, "not_yours")
    assert walk_of(other, theirs)["contact"] is None
    told = {"status": str(EnrollmentStatus.objects.first().pk), "enrollments": [str(mine.pk), str(theirs.pk)]}  # type: ignore[union-attr]  # shipped
    assert other.send("post", f"campaigns/{campaign.pk}/set-status/", told)[1]["unknown"] == [str(theirs.pk)]


def test_a_walk_in_a_hidden_campaign_is_hidden(caller, campaign):
    (walk,) = enrolled(campaign, ContactFactory())
    Campaign.objects.update(sender=caller.user)
    assert caller.send("get", f"enrollments/{walk.pk}/")[0] == 200
    other = a_rep()
    for path in (f"enrollments/{walk.pk}/", f"enrollment-runs/{walk.run_id}/"):
        assert other.send("get", path)[0] == 404
    assert other.send("post", f"enrollments/{walk.pk}/leave/", {"reason": "x"})[0] == 404
