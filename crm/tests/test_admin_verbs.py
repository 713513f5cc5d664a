"""Verbs of the back office call services, ask what they need, and say what they did."""

from django.contrib import admin

from crm.models import Contact, ContactPoint, Endpoint, ProjectContact, ReviewItem, Suppression
from crm.tests import backoffice
from crm.tests.backoffice import ask, page_url, signed_in
from crm.tests.factories import (
    ContactFactory,
    ProjectFactory,
    ReviewItemFactory,
    SuppressionFactory,
    UserFactory,
    give_point,
)

LABELS = sorted(model._meta.label_lower for model in admin.site._registry if model._meta.app_label == "crm")
SERVICE_OWNED = [
    "crm.auditevent", "crm.consent", "crm.contactpoint", "crm.endpoint", "crm.gatedecision", "crm.hoursprofile",
    "crm.intakerun", "crm.reviewitem", "crm.sourcerecord", "crm.suppression", "crm.touch",
]  # fmt: skip
CONTACTS = "/admin/crm/contact/"

boss, rep = backoffice.boss, backoffice.rep


def test_suppressing_a_person_suppresses_every_number_and_address_of_theirs(boss):
    person = ContactFactory(phone="+15125550142", email="alma@example.com")

    ask(boss, person, "suppress", reason="asked", words="Leave me alone")

    assert Suppression.objects.standing().count() == 2
    assert Endpoint.objects.filter(suppressed_at=None).count() == 0


def test_a_list_says_how_many_rows_a_verb_means_and_does_nothing_before_it_is_confirmed(boss):
    people = [ContactFactory(phone=f"+151255501{n:02}") for n in range(3)]
    ticked = {"action": "suppress", "_selected_action": [str(one.pk) for one in people], "index": "0"}

    asked = boss.post(CONTACTS, ticked)
    before = Suppression.objects.count()
    confirmed = {**ticked, "confirmed": "1", "reason": "list"}
    confirmed.pop("index")
    done = boss.post(CONTACTS, confirmed, follow=True)

    assert "3 contacts" in asked.content.decode()
    assert (before, Suppression.objects.count()) == (0, 3)
    assert "3 contacts suppressed." in done.content.decode()


def test_a_verb_that_asks_nothing_else_still_asks_before_it_is_done_to_many(boss):
    people = [ContactFactory() for _ in range(2)]

    asked = boss.post(CONTACTS, {"action": "claim", "_selected_action": [str(one.pk) for one in people], "index": "0"})

    assert "Make mine: 2 contacts?" in asked.content.decode()
    assert not Contact.objects.exclude(owner=None).exists()


def test_a_refusal_is_told_and_stops_nobody_else(boss):
    lonely, reachable = ContactFactory(name="Lonely"), ContactFactory(phone="+15125550142")
    ticked = {"action": "suppress", "_selected_action": [str(lonely.pk), str(reachable.pk)], "confirmed": "1"}

    done = boss.post(CONTACTS, {**ticked, "reason": "list"}, follow=True).content.decode()

    assert "1 contact suppressed." in done
    assert "Lonely has no number or address to suppress" in done


def test_a_verb_is_not_done_to_more_rows_than_a_person_can_mean(boss):
    Contact.objects.bulk_create(Contact(name=f"Person {n}") for n in range(501))
    first = Contact.objects.first()
    ticked = {"action": "suppress", "_selected_action": [str(first.pk)], "select_across": "1", "index": "0"}

    response = boss.post(CONTACTS, ticked, follow=True)

    assert "more than 500 rows" in response.content.decode()


def test_lifting_needs_an_admin_and_a_reason(boss, rep):
    standing = SuppressionFactory(endpoint=ContactFactory(phone="+15125550142").points.first().endpoint)

    refused = signed_in(rep).post(f"/admin/crm/suppression/{standing.pk}/do/lift/", {"reason": "No"})
    silent = ask(boss, standing, "lift", reason="")
    done = ask(boss, standing, "lift", reason="They called us")

    standing.refresh_from_db()
    assert refused.status_code == 403
    assert "This field is required" in silent.content.decode()
    assert "1 suppression lifted." in done.content.decode()
    assert standing.lift_reason == "They called us"


def test_numbers_are_added_marked_and_brought_to_the_front(boss):
    person = ContactFactory(phone="+15125550142")

    ask(boss, person, "add-point", kind="phone", value="(512) 555-0143", label="mobile")
    second = ContactPoint.objects.get(endpoint__value="+15125550143")
    ask(boss, second, "first")
    ask(boss, person.points.get(endpoint__value="+15125550142"), "wrong")

    person.refresh_from_db()
    assert person.primary_phone == "+15125550143"
    assert person.points.get(endpoint__value="+15125550142").state == "wrong_person"


def test_a_label_is_corrected_and_a_line_rests_on_their_pages(boss, rep):
    point = give_point(ContactFactory(), "phone", "+15125550134", label="ofice", extension="1")
    form = signed_in(rep).get(f"/admin/crm/contactpoint/{point.pk}/do/describe/").content.decode()
    ask(signed_in(rep), point, "describe", label="office", extension="")
    refused = signed_in(rep).get(f"/admin/crm/endpoint/{point.endpoint_id}/do/rest/")
    past = ask(boss, point.endpoint, "rest", until="2001-01-01T12:00")
    ask(boss, point.endpoint, "rest", until="2199-01-01T12:00")

    point.refresh_from_db()
    assert 'value="ofice"' in form
    assert (point.label, point.extension) == ("office", "")
    assert refused.status_code == 403
    assert "has passed" in past.content.decode()
    assert point.endpoint.failed_until.year == 2199
    ask(boss, point.endpoint, "rest", until="")
    assert Endpoint.objects.get().failed_until is None


def test_consent_is_kept_as_evidence_and_can_be_taken_back(rep):
    person, client = ContactFactory(phone="+15125550142"), signed_in(rep)

    ask(client, person, "consent", kind="given", channel="sms", source="Web form", evidence="Yes, text me")
    given = Contact.objects.get(pk=person.pk).consent_given
    ask(client, person, "consent", kind="withdrawn", source="Call")

    assert given
    assert not Contact.objects.get(pk=person.pk).consent_given
    assert list(person.consents.order_by("id").values_list("kind", "evidence", "by__name")) == [
        ("given", "Yes, text me", "Rae Rep"), ("withdrawn", "", "Rae Rep"),
    ]  # fmt: skip


def test_somebody_is_put_into_a_project_from_their_page(rep):
    person, project, client = ContactFactory(), ProjectFactory(), signed_in(rep)

    link = client.get(page_url(person)).content.decode().split("Put in a project")[0].rsplit('href="', 1)[1][:-2]
    chosen = client.get(link).context["adminform"].form.initial["contact"]
    client.post(link, {"contact": chosen, "project": project.pk, "roles": "Owner, General contractor", "priority": 3})

    pair = ProjectContact.objects.get(contact=person, project=project)
    assert (pair.roles, pair.priority) == (["owner", "general_contractor"], 3)


def test_deleting_is_soft_and_can_be_undone(boss, rep):
    person = ContactFactory()

    refused = signed_in(rep).get(f"/admin/crm/contact/{person.pk}/do/delete/")
    ask(boss, person, "delete")
    gone = Contact.objects.get(pk=person.pk).deleted_at
    ask(boss, person, "restore")

    assert refused.status_code == 403
    assert gone is not None
    assert Contact.objects.get(pk=person.pk).deleted_at is None


def test_a_rep_makes_a_free_person_theirs_and_only_an_admin_gives_people_away(boss, rep):
    person, other = ContactFactory(), UserFactory(bdr=True)

    ask(signed_in(rep), person, "claim")
    mine = Contact.objects.get(pk=person.pk).owner
    refused = signed_in(rep).get(f"/admin/crm/contact/{person.pk}/do/assign/")
    ask(boss, person, "assign", owner=str(other.pk))

    assert mine == rep
    assert refused.status_code == 403
    assert Contact.objects.get(pk=person.pk).owner == other


def test_review_items_are_put_away_by_admins(boss, rep):
    item = ReviewItemFactory()

    refused = signed_in(rep).post(f"/admin/crm/reviewitem/{item.pk}/do/resolve/")
    ask(boss, item, "resolve")

    assert refused.status_code == 403
    assert ReviewItem.objects.get(pk=item.pk).resolved_by.name == "Ada Admin"
