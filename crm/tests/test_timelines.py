"""Timelines of a contact, a project or a pair: everything that happened, newest first, as far as one sees it."""

from datetime import timedelta

import pytest

from config.kernel import clock
from config.kernel.audit import acting
from config.kernel.errors import NotThere
from crm.models import AuditEvent, Contact, ContactPoint, Project, ProjectContact
from crm.reports import timelines
from crm.reports.audit import changes
from crm.reports.timelines import Entry, timeline, timeline_sources
from crm.services import consenting, deleting, editing, points, suppressing
from crm.tests.births import born_in_bulk
from crm.tests.factories import (
    CompanyFactory,
    ContactFactory,
    EndpointFactory,
    ProjectContactFactory,
    ProjectFactory,
    SourceRecordFactory,
    TouchFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

AUSTIN = "+15125550134"


@pytest.fixture
def rep():
    return UserFactory(bdr=True, name="Riley Rep")


@pytest.fixture
def sources():
    """The sources as they are; a test may add its own."""
    before = list(timelines._registry.sources), set(timelines._registry.told)
    yield
    timelines._registry.sources[:], timelines._registry.told = before


def kinds(entries):
    return [entry.kind for entry in entries]


def test_a_contact_s_timeline_merges_everything_that_happened_newest_first(at, rep):
    person = born_in_bulk(Contact, name="Pat Sample", created_at=at - timedelta(days=9))
    point = points.add_point(contact=person, kind="phone", value=AUSTIN, at=at, by=rep)
    editing.edit(row=person, changes={"title": "Buyer"}, by=rep, at=at)
    TouchFactory(contact=person, at=at - timedelta(days=3), user=rep, endpoint=point.endpoint)
    consenting.give(contact=person, source="web form", at=at - timedelta(days=2), channel="sms", evidence="Box ticked")
    block = suppressing.suppress(
        endpoint=point.endpoint, reason="asked", source="call", at=at - timedelta(days=1), words="Stop", by=rep
    )
    suppressing.lift(suppression=block, reason="They came back.", by=None, at=at)

    entries = timeline(contact=person, user=rep)

    assert [entry.at for entry in entries] == sorted((entry.at for entry in entries), reverse=True)
    assert kinds(entries)[-5:] == ["lifted", "suppressed", "consent", "touch", "created"]
    assert {"changed", "created"} <= set(kinds(entries)[:-5])
    told = {entry.kind: entry for entry in entries}
    assert told["touch"].title == f"Call to {AUSTIN}"
    assert told["consent"].title == "Consent given for SMS"
    assert told["consent"].text == "Box ticked. web form"
    assert (told["suppressed"].title, told["suppressed"].by) == (f"{AUSTIN} suppressed: Asked us to stop", "Riley Rep")
    assert told["lifted"].text == "They came back."
    edit = next(entry for entry in entries if entry.title == "Contact changed: title")
    assert (edit.by, edit.changes[0].new) == ("Riley Rep", "Buyer")


def test_a_number_that_was_removed_is_still_told_of(at, rep):
    person = ContactFactory(phone=AUSTIN)
    with acting(user=rep.pk):
        points.remove_point(point=person.points.get(), at=at)

    (removed,) = [entry for entry in timeline(contact=person, user=rep) if entry.kind == "removed"]

    assert (removed.title, removed.by) == ("Contact point removed", "Riley Rep")
    assert {each.field: each.old for each in removed.changes}["value_given"] == AUSTIN


def test_a_number_that_came_in_bulk_and_was_removed_has_its_birth_beside_its_end(at, rep):
    person = born_in_bulk(Contact, name="Pat Sample", created_at=at - timedelta(days=9))
    with acting(service="intake", bulk=True):
        lost = points.add_point(contact=person, kind="phone", value=AUSTIN, label="old desk", at=at)
        kept = points.add_point(contact=person, kind="phone", value="+15125550135", at=at)
    moment = lost.created_at
    assert not AuditEvent.objects.filter(entity="crm.contactpoint", operation="create").exists()
    points.describe(point=lost, at=at, by=rep, label="dead desk", extension="")
    points.remove_point(point=lost, at=at, by=rep)

    told = timeline(contact=person, user=rep)
    (birth,) = [entry for entry in told if entry.kind == "created" and "+15125550134" in str(entry.changes)]
    words = {one.field: one.new_text for one in birth.changes}

    assert (birth.at, birth.entity_id, words["value_given"]) == (moment, None, AUSTIN)
    assert words["label"] == "old desk"
    assert [entry.entity_id for entry in told if entry.kind == "created" and entry.entity == "crm.contactpoint"] == [
        kept.pk,
        None,
    ]
    life = [change.operation for change in changes(entity="crm.contactpoint", entity_id=lost.pk)]
    assert (life[0], set(life[1:-1]), life[-1]) == ("delete", {"update"}, "create")


def test_a_birth_in_bulk_says_nothing_of_what_nobody_records(at, rep):
    with acting(service="intake", bulk=True):
        pair = ProjectContactFactory(roles=["owner"], callable_from=at)
    ProjectContact.objects.update(callable_from=at + timedelta(days=3), last_touch_at=at)

    (birth,) = changes(entity="crm.projectcontact", entity_id=pair.pk)

    said = {one.field for one in birth.fields}
    assert {"roles", "project", "contact"} <= said
    assert said.isdisjoint({"callable_from", "last_touch_at", "hours_profile"})


def test_births_in_bulk_are_paged_like_everything_else_and_those_of_one_moment_cost_as_much_as_one(
    at, rep, django_assert_max_num_queries
):
    person = born_in_bulk(Contact, name="Pat", created_at=at)
    with acting(service="intake", bulk=True), clock.standing_at(at):
        for number in range(12):
            points.add_point(contact=person, kind="phone", value=f"+1512555{number:04}", at=at)
            SourceRecordFactory(contact=person)
            ProjectContactFactory(contact=person)
    with django_assert_max_num_queries(25):
        whole = timeline(contact=person, user=rep, limit=200)

    paged, before = [], None
    while page := timeline(contact=person, user=rep, limit=5, before=before):
        paged += page
        before = page[-1].place
    assert paged == whole
    assert len([entry for entry in whole if entry.kind == "created"]) == 25


def test_an_attempt_that_was_never_made_says_so(at, rep):
    person = ContactFactory()
    TouchFactory(contact=person, at=at, counts=False, channel="sms")

    (touch,) = [entry for entry in timeline(contact=person, user=rep) if entry.kind == "touch"]

    assert (touch.title, touch.text) == ("SMS", "It was never made, so it does not count.")


def test_pages_of_a_timeline_are_the_whole_and_nothing_twice_also_where_moments_are_equal(at, rep):
    person = born_in_bulk(Contact, name="Pat", created_at=at)
    for _ in range(4):
        TouchFactory(contact=person, at=at)
        consenting.give(contact=person, source="form", at=at + timedelta(seconds=1), channel="sms", evidence="x")
        TouchFactory(contact=person, at=at - timedelta(hours=1))
    for number in range(3):
        Contact.objects.update(title=f"Title {number}")
    whole = timeline(contact=person, user=rep)

    for limit in (1, 2, 3, 5):
        paged, before = [], None
        while page := timeline(contact=person, user=rep, limit=limit, before=before):
            paged += page
            before = page[-1].place
        assert paged == whole, limit
    assert len(whole) == 14


def test_a_project_s_timeline_tells_of_its_pairs_and_calls_as_far_as_one_sees_them(at, rep):
    project, other = ProjectFactory(), UserFactory(bdr=True)
    mine = ProjectContactFactory(project=project, contact__owner=rep)
    theirs = ProjectContactFactory(project=project, contact__owner=other)
    for pair in (mine, theirs):
        TouchFactory(contact=pair.contact, project=project, at=at)
    TouchFactory(contact=mine.contact, project=ProjectFactory(), at=at)
    ProjectContact.objects.update(suppress_for_project=True)
    deleting.delete(row=project, by=rep, at=at)

    entries = timeline(project=project, user=rep)

    assert len([entry for entry in entries if entry.kind == "touch"]) == 1
    assert {entry.entity_id for entry in entries if entry.entity == "crm.projectcontact"} == {mine.pk}
    assert any(entry.title == "Project changed: deleted at" for entry in entries)
    assert (
        len([entry for entry in timeline(project=project, user=UserFactory(admin=True)) if entry.kind == "touch"]) == 2
    )


def test_a_pair_s_timeline_tells_of_the_person_and_of_this_project_only(at, rep):
    pair = ProjectContactFactory()
    elsewhere = ProjectContactFactory(contact=pair.contact)
    TouchFactory(contact=pair.contact, project=elsewhere.project, at=at)
    ProjectContact.objects.update(is_primary=True)
    Project.objects.filter(pk=pair.project_id).update(stage="Bidding")

    entries = timeline(pair=pair, user=rep)

    assert {entry.entity_id for entry in entries if entry.entity == "crm.projectcontact"} == {pair.pk}
    assert {"Project changed: stage", "Call"} <= {entry.title for entry in entries}


@pytest.mark.parametrize("which", ["contact", "project", "pair"])
def test_whoever_does_not_see_it_is_told_that_it_is_not_there(which, rep):
    other = UserFactory(bdr=True)
    pair = ProjectContactFactory(contact__owner=other, project__owner=other)
    subject = pair if which == "pair" else getattr(pair, which)

    with pytest.raises(NotThere):
        timeline(user=rep, **{which: subject})


def test_a_timeline_is_of_exactly_one_thing(rep):
    with pytest.raises(ValueError, match="one contact"):
        timeline(user=rep)
    with pytest.raises(ValueError, match="one contact"):
        timeline(user=rep, contact=ContactFactory(), project=ProjectFactory())


def test_apps_above_add_what_they_know_and_their_touches_are_told_once(at, rep, sources):
    person = ContactFactory()
    touch = TouchFactory(contact=person, at=at, source="test.call")

    def calls(subject, *, user, limit, before):
        return [Entry(touch.at, str(touch.source_id), "call", f"Called {subject.contact}")]

    timeline_sources(calls, tells=["test.call"])
    timeline_sources(calls)

    told = [entry for entry in timeline(contact=person, user=rep) if entry.at == at]
    assert [entry.title for entry in told] == [f"Called {person}"]


def test_the_cost_of_a_timeline_does_not_grow_with_what_happened(at, rep, django_assert_max_num_queries):
    person = ContactFactory(phone=AUSTIN, email="pat@example.com")
    for number in range(30):
        Contact.objects.update(title=f"Title {number}", company=CompanyFactory())
        TouchFactory(contact=person, at=at, user=UserFactory(), endpoint=EndpointFactory())
    user = UserFactory(admin=True)
    user.sees_everything  # noqa: B018 - permissions are read once per request

    with django_assert_max_num_queries(18):
        assert len(timeline(contact=person, user=user, limit=40)) == 40
    assert AuditEvent.objects.count() > 40
    assert ContactPoint.objects.count() == 2
