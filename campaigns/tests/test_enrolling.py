"""Enrolling many: each of them once, in chunks that survive, and an account that adds up."""

from datetime import timedelta
from threading import Barrier, Thread
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.choices import CampaignStatus, Reentry
from campaigns.models import Campaign, Enrollment, EnrollmentEvent, EnrollmentRun, EnrollmentStatus
from campaigns.services import campaigns, counting, enrolling, handling
from campaigns.services.audiences import UnusableAudience
from campaigns.services.enrolling import NotOpen
from campaigns.services.ownership import NotYours
from campaigns.tests.drawings import drawing, node
from campaigns.tests.walks import assert_replays, begun, enrolled, paused, resumed, run
from config.testing import NOON, WAITED
from crm.models import Contact
from crm.tests.factories import CompanyFactory, ContactFactory, ProjectContactFactory, UserFactory

pytestmark = pytest.mark.django_db
END = drawing(node("end", "exit"))
WAIT = drawing(node("wait", "wait"))


def asked(campaign, audience, *, by=None, at=NOON, size=enrolling.CHUNK):
    run_ = enrolling.begin(campaign=campaign, audience=audience, by=by, at=at)
    while enrolling.take(run_.pk, at=at, size=size):
        pass
    run_.refresh_from_db()
    return run_


def account(run_):
    return {name: getattr(run_, name) for name in ("asked", "enrolled", "inside", "through", "elsewhere", "gone")}


@pytest.mark.parametrize("size", [1, 2, 3, 5_000])
def test_whatever_the_size_of_the_chunks_everybody_is_enrolled_once(size):
    campaign = begun(WAIT)
    people = ContactFactory.create_batch(3)
    run_ = asked(campaign, {"contacts": [str(p.pk) for p in people]}, size=size)
    assert account(run_) == {"asked": 3, "enrolled": 3, "inside": 0, "through": 0, "elsewhere": 0, "gone": 0}
    assert (run_.state, run_.ended_at) == ("done", NOON)
    walks = Enrollment.objects.order_by("contact_id")
    assert [walk.contact_id for walk in walks] == sorted(person.pk for person in people)
    assert {(walk.state, walk.run_no, walk.graph_id, walk.wake_at) for walk in walks} == {
        ("pending", 1, campaign.graph_id, NOON)
    }
    assert EnrollmentEvent.objects.filter(kind="enrolled").count() == 3
    assert counting.numbers(campaign)["total_contacts"] == 3


def test_whoever_begins_has_the_first_status_that_is_in_use():
    campaign = begun(WAIT)
    EnrollmentStatus.objects.create(name="Long ago", place=0, is_active=False)
    EnrollmentStatus.objects.filter(name="No Activity").update(place=2)
    first = EnrollmentStatus.objects.get(name="Needs BDR")
    EnrollmentStatus.objects.filter(pk=first.pk).update(place=1)
    walks = enrolled(campaign, 2)
    assert {(walk.status_id, walk.stage) for walk in walks} == {(first.pk, "")}
    assert counting.numbers(campaign)[f"status:{first.pk}"] == 2
    for walk in walks:
        assert_replays(walk)


def test_without_any_status_nobody_has_one():
    campaign = begun(WAIT)
    EnrollmentStatus.objects.update(is_active=False)
    (walk,) = enrolled(campaign)
    assert walk.status is None
    assert_replays(walk)


def test_whoever_is_in_it_is_not_enrolled_again_nor_is_whoever_is_gone():
    campaign = begun(WAIT)
    inside, gone, new = ContactFactory(), ContactFactory(deleted_at=NOON), ContactFactory()
    enrolled(campaign, [inside])
    ids = [str(c.pk) for c in (inside, gone, new)]
    run_ = asked(campaign, {"contacts": [*ids, str(uuid4())]})
    assert account(run_) == {"asked": 4, "enrolled": 1, "inside": 1, "through": 0, "elsewhere": 0, "gone": 2}


@pytest.mark.parametrize(("reentry", "days", "again"), [
    (Reentry.NEVER, 100, False), (Reentry.ENDED, 0, True), (Reentry.RESTED, 29, False), (Reentry.RESTED, 30, True),
])  # fmt: skip
def test_whoever_is_through_begins_again_as_the_campaign_says(reentry, days, again):
    campaign = begun(END, reentry=reentry, reentry_days=30)
    (walk,) = enrolled(campaign)
    run(NOON)
    later = NOON + timedelta(days=days)
    run_ = asked(campaign, {"contacts": [str(walk.contact_id)]}, at=later)
    assert (run_.enrolled, run_.through) == (int(again), int(not again))
    assert Enrollment.objects.filter(contact=walk.contact, run_no=2).exists() == again
    assert counting.numbers(campaign)["total_contacts"] == 1  # it is the same person


def test_nobody_is_in_two_exclusive_campaigns():
    first, second, open_ = begun(WAIT, exclusive=True), begun(WAIT, exclusive=True), begun(WAIT)
    person = ContactFactory()
    enrolled(first, [person])
    assert asked(second, {"contacts": [str(person.pk)]}).elsewhere == 1
    assert asked(open_, {"contacts": [str(person.pk)]}).enrolled == 1


def test_whoever_is_in_a_campaign_that_becomes_exclusive_is_in_no_other_until_it_is_so_no_longer():
    draft, second = begun(WAIT, status="draft"), begun(WAIT, exclusive=True)
    (walk,) = enrolled(draft)
    person = {"contacts": [str(walk.contact_id)]}
    campaigns.edit(row=draft, changes={"exclusive": True}, by=None, at=NOON)
    assert asked(second, person).elsewhere == 1
    campaigns.edit(row=draft, changes={"exclusive": False}, by=None, at=NOON)
    assert asked(second, person).enrolled == 1


def test_of_too_many_it_is_decided_before_they_are_enrolled(monkeypatch):
    monkeypatch.setattr(enrolling, "MOST_TOLD", 2)
    draft = begun(WAIT, status="draft")
    enrolled(draft, 2)
    campaigns.edit(row=draft, changes={"exclusive": True}, by=None, at=NOON)
    enrolled(draft, 1)
    with pytest.raises(enrolling.TooManyInIt, match="More than 2 people are in") as refusal:
        campaigns.edit(row=draft, changes={"exclusive": False}, by=None, at=NOON)
    assert set(refusal.value.details) == {"exclusive"}
    assert Campaign.objects.get(pk=draft.pk).exclusive


def test_a_campaign_does_not_become_exclusive_while_somebody_in_it_is_in_another():
    draft, second = begun(WAIT, status="draft"), begun(WAIT, exclusive=True)
    walk, other = enrolled(draft, 2)
    (elsewhere,) = enrolled(second, [walk.contact])
    with pytest.raises(enrolling.ElsewhereToo, match=", 1 are in another exclusive campaign too") as refusal:
        campaigns.edit(row=draft, changes={"exclusive": True}, by=None, at=NOON)
    assert set(refusal.value.details) == {"exclusive"}
    assert not Campaign.objects.get(pk=draft.pk).exclusive
    handling.leave([elsewhere.pk], reason="Moved", by=None, at=NOON)
    campaigns.edit(row=draft, changes={"exclusive": True}, by=None, at=NOON)
    assert set(Enrollment.objects.filter(pk__in=[walk.pk, other.pk]).values_list("exclusive", flat=True)) == {True}


@pytest.mark.parametrize("in_it", [True, False])
def test_whoever_is_enrolled_in_a_pause_or_after_it_begins_behind_those_who_waited(in_it):
    campaign, resumed_at = begun(WAIT, starts_per_day=4), NOON + timedelta(days=2)
    resumed(campaign, NOON)
    walks = enrolled(campaign, 4)
    paused(campaign, NOON)
    if in_it:
        walks += enrolled(campaign, 2, at=NOON + timedelta(days=1))
    resumed(campaign, resumed_at)
    if not in_it:
        walks += enrolled(campaign, 2, at=resumed_at)
    for hour in range(0, 48, 3):
        run(resumed_at + timedelta(hours=hour))
    begins = EnrollmentEvent.objects.filter(node__isnull=False).order_by("at").values_list("enrollment", flat=True)
    assert list(dict.fromkeys(begins)) == [walk.pk for walk in walks]


def test_whoever_begins_when_it_is_their_turn_is_told_no_moment():
    enrolled(begun(WAIT, starts_per_day=4))
    enrolled(begun(WAIT))
    told = EnrollmentEvent.objects.filter(kind="enrolled").order_by("id").values_list("data", flat=True)
    assert [data["wake_at"] is None for data in told] == [True, False]


def test_an_audience_is_whom_the_asker_sees():
    bdr, other = UserFactory(bdr=True), UserFactory(bdr=True)
    mine, hers, free = ContactFactory(owner=bdr), ContactFactory(owner=other), ContactFactory()
    run_ = asked(begun(WAIT, owner=bdr), {"contacts": [str(c.pk) for c in (mine, hers, free)]}, by=bdr)
    assert (run_.enrolled, run_.gone) == (2, 1)
    assert set(Enrollment.objects.values_list("contact", flat=True)) == {mine.pk, free.pk}


def test_a_project_brings_its_people_with_their_pair():
    pair = ProjectContactFactory()
    ContactFactory()
    for audience in ({"project": str(pair.project_id)}, {"filter": {"project": str(pair.project_id)}}):
        asked(begun(WAIT), audience)
    assert set(Enrollment.objects.values_list("contact", "pair")) == {(pair.contact_id, pair.pk)}
    assert Enrollment.objects.count() == 2


@pytest.mark.parametrize(("told", "found"), [
    ({"lifecycle": "qualified"}, {"a"}), ({"source": "scraped"}, {"b"}), ({"search": "OWN"}, {"a"}),
    ({"lead_score_min": 50}, {"b"}), ({"has_phone": True}, {"b"}),
    ({"has_phone": True, "lifecycle": "qualified"}, set()), ({"has_phone": False}, {"a"}),
    ({"has_email": True}, {"a"}), ({"has_email": False}, {"b"}), ({"lead_score_max": 10}, {"a"}),
    ({"region": "tx"}, {"b"}),
])  # fmt: skip
def test_a_filter_finds_those_whom_it_describes(told, found):
    ContactFactory(
        name="a", title="Owner", lifecycle="qualified", lead_score=10, email="a@example.com", region="CO", country="TX"
    )
    ContactFactory(name="b", phone="+15125550109", source="scraped", lead_score=50, region="TX")
    asked(begun(WAIT), {"filter": told})
    assert set(Enrollment.objects.values_list("contact__name", flat=True)) == found


@pytest.mark.parametrize("name", ["owner", "company"])
def test_a_filter_by_a_row_finds_those_who_belong_to_it(name):
    company, rep = CompanyFactory(), UserFactory(bdr=True)
    ContactFactory(name="a", company=company)
    ContactFactory(name="b", owner=rep)
    meant = {"owner": rep, "company": company}[name]
    asked(begun(WAIT), {"filter": {name: str(meant.pk)}})
    assert list(Enrollment.objects.values_list("contact__name", flat=True)) == [{"owner": "b", "company": "a"}[name]]


@pytest.mark.parametrize("audience", [
    {}, {"contacts": []}, {"contacts": ["x"]}, {"filter": {}}, {"filter": {"is_staff": True}},
    {"filter": {"owner": "x"}}, {"filter": {"search": " "}}, {"filter": {"source": ""}},
    {"filter": {"has_phone": "yes"}}, {"filter": {"lead_score_min": 10**12}}, {"filter": {"lead_score_min": "x"}},
    {"filter": {"lifecycle": "rich"}}, {"project": "x"}, {"everybody": True},
    {"contacts": [], "project": "x"},
])  # fmt: skip
def test_an_audience_that_cannot_be_read_is_refused_before_anybody_is_enrolled(audience):
    with pytest.raises(UnusableAudience):
        enrolling.begin(campaign=begun(WAIT), audience=audience, by=None, at=NOON)
    assert not EnrollmentRun.objects.exists()


@pytest.mark.parametrize("status", [CampaignStatus.DRAINING, CampaignStatus.COMPLETED, CampaignStatus.ARCHIVED])
def test_nobody_begins_what_is_on_its_way_out(status):
    with pytest.raises(NotOpen):
        enrolling.begin(campaign=begun(WAIT, status=status), audience={"contacts": [str(uuid4())]}, by=None, at=NOON)


def test_an_audience_that_can_be_nobody_is_nobody():
    run_ = asked(begun(WAIT), {"filter": {"search": "nobody is called like this"}})
    assert (run_.state, run_.asked) == ("done", 0)


def test_nobody_enrols_in_the_campaign_of_somebody_else():
    owner, other = UserFactory(bdr=True), UserFactory(bdr=True)
    with pytest.raises(NotYours):
        enrolling.begin(campaign=begun(WAIT, owner=owner), audience={"contacts": [str(uuid4())]}, by=other, at=NOON)


def test_a_chunk_of_many_costs_as_many_statements_as_one():
    def cost(people):
        audience = {"contacts": [str(c.pk) for c in ContactFactory.create_batch(people)]}
        run_ = enrolling.begin(campaign=begun(WAIT), audience=audience, by=None, at=NOON)
        with CaptureQueriesContext(connection) as statements:
            enrolling.take(run_.pk, at=NOON)
        return len(statements)

    assert cost(2) == cost(30)


@pytest.mark.django_db(transaction=True)
def test_many_who_ask_for_the_same_people_enrol_them_once():
    campaign, exclusive = begun(WAIT, exclusive=True), begun(WAIT, exclusive=True)
    ids = [str(c.pk) for c in ContactFactory.create_batch(60)]
    runs = [
        enrolling.begin(campaign=each, audience={"contacts": ids}, by=None, at=NOON)
        for each in (campaign, exclusive) * 4
    ]
    ready, failures = Barrier(len(runs)), []

    def take(run_):
        ready.wait()
        try:
            while enrolling.take(run_.pk, at=NOON, size=7):
                pass
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            failures.append(error)
        connection.close()

    threads = [Thread(target=take, args=[run_]) for run_ in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert Enrollment.objects.count() == Contact.objects.count() == 60
    done = EnrollmentRun.objects.all()
    assert sum(run_.enrolled for run_ in done) == 60
    assert {run_.asked for run_ in done} == {60}


@pytest.mark.django_db(transaction=True)
def test_two_runs_of_one_campaign_take_their_places_one_after_the_other(between):
    """Beside each other both would find the same place of a company free."""
    campaign = begun(WAIT, company_limit=1)
    ids = [str(contact.pk) for contact in ContactFactory.create_batch(2, company=CompanyFactory())]
    first, second = (enrolling.begin(campaign=campaign, audience={"contacts": [one]}, by=None, at=NOON) for one in ids)
    found = between("enrolling.before_commit", lambda: enrolling.take(second.pk, at=NOON))
    enrolling.take(first.pk, at=NOON)
    assert found == [WAITED]
    enrolling.take(second.pk, at=NOON)
    assert Enrollment.objects.filter(wake_at=None).count() == 1
