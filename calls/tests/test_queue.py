"""Who is called next, and why not the others."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.models import CallingPolicy
from calls.rules import opening
from calls.services import hints, queue, walking
from calls.services.queue import Wanted
from calls.tests import worlds
from calls.tests.factories import CallingPolicyFactory, callable_pair
from config.kernel.gate import Asked
from config.testing import NOON, examples
from crm.choices import Channel, Priority
from crm.models import Contact, Project, ProjectContact, User
from crm.tests.factories import (
    ContactFactory,
    HoursProfileFactory,
    ProjectContactFactory,
    ProjectFactory,
    TouchFactory,
    UserFactory,
    give_point,
)

pytestmark = pytest.mark.django_db
AGES_AGO = NOON - timedelta(days=30)


@pytest.fixture
def rep():
    return UserFactory(bdr=True)


def offered(rep, **wanted):
    return [offer.pair for offer in queue.next_callable(user=rep, at=NOON, wanted=Wanted(**wanted))]


def touched(pair, at):
    TouchFactory(contact=pair.contact, project=pair.project, channel=Channel.CALL, at=at)
    hints.refresh(at=NOON, pair_ids=[pair.pk])
    return pair


def test_due_callbacks_first_then_priority_then_the_longest_silent(rep):
    silent_long = touched(callable_pair(), AGES_AGO - timedelta(days=60))
    silent_short = touched(callable_pair(), AGES_AGO)
    never = callable_pair()
    urgent = touched(callable_pair(priority=Priority.URGENT), AGES_AGO)
    late = touched(callable_pair(callback_at=NOON - timedelta(minutes=5)), NOON - timedelta(hours=3))
    later = callable_pair(callback_at=NOON - timedelta(minutes=1), priority=Priority.LOW)

    assert offered(rep) == [late, later, urgent, never, silent_long, silent_short]


STATES = [
    *("TX", "IL", "MO", "OK", "KS", "NE", "IA", "MN", "WI", "AR"),
    *("TN", "CO", "ND", "SD", "NM", "WY", "MT", "ID", "UT", "AZ"),
]


@pytest.mark.parametrize("places", [3, len(STATES)])
@pytest.mark.parametrize("seed", range(4))
def test_the_best_come_first_however_many_places_are_open(seed, places):
    """Places share the best pairs as they like: from all alike to all of them in one."""
    drawn, user = random.Random(seed), UserFactory(admin=True)
    profiles = [HoursProfileFactory(key=f"America/Chicago US-{state}") for state in STATES[:places]]
    people = Contact.objects.bulk_create(Contact(name=f"Person {number}") for number in range(150))
    project = ProjectFactory()
    pairs = ProjectContact.objects.bulk_create(
        ProjectContact(
            project=project, contact=person, callable_from=AGES_AGO, priority=drawn.randint(1, 4),
            hours_profile=drawn.choices(profiles, [4**seed, *[1] * (len(profiles) - 1)])[0],
            last_touch_at=drawn.choice([None, *(AGES_AGO - timedelta(days=days) for days in range(4))]),
        )
        for person in people
    )  # fmt: skip
    never = datetime.min.replace(tzinfo=UTC)
    pairs.sort(key=lambda pair: (-pair.priority, pair.last_touch_at or never, pair.pk))
    expected = [pair.pk for pair in pairs]
    walk = walking.begin(user=user, at=NOON, wanted=Wanted())
    assert set(walk.params["profiles"]) >= {profile.pk for profile in profiles}
    for size in (1, 2, 7, 8, 40, 64, 256):
        found = [one.pair_id for one in walking.Look(walk, size, first=False).hinted()]
        assert found == expected[:size]


def test_a_promised_callback_is_its_reps_for_a_quarter_of_an_hour_then_everybodys(rep):
    colleague = UserFactory(bdr=True)
    pair = callable_pair(callback_at=NOON - timedelta(minutes=14), callback_by=colleague)

    assert (offered(colleague), offered(rep)) == ([pair], [])

    ProjectContact.objects.filter(pk=pair.pk).update(callback_at=NOON - timedelta(minutes=15))
    assert offered(rep) == [pair]


def test_each_offer_says_why_it_stands_there(rep):
    callable_pair(callback_at=NOON)
    callable_pair(priority=Priority.HIGH)
    touched(callable_pair(), NOON - timedelta(days=12))

    reasons = [offer.reason for offer in queue.next_callable(user=rep, at=NOON)]

    assert reasons == ["callback due", "high priority, never contacted", "silent for 12 days"]


def test_one_pair_per_contact_with_the_number_of_their_other_projects(rep):
    pair = callable_pair(priority=Priority.HIGH)
    callable_pair(contact=pair.contact)

    (offer,) = queue.next_callable(user=rep, at=NOON)

    assert (offer.pair, offer.elsewhere) == (pair, 1)


def test_filters_combine(rep):
    project = ProjectFactory()
    wanted = callable_pair(project=project, priority=Priority.HIGH)
    callable_pair(project=project)
    callable_pair(priority=Priority.HIGH)

    assert offered(rep, project=project, priority=Priority.HIGH) == [wanted]
    assert offered(rep, zone="America/New_York") == []
    assert set(offered(rep, zone="America/Chicago")) == set(ProjectContact.objects.all())


def test_a_zone_is_a_whole_name_and_holds_for_callbacks_too(rep):
    promised = callable_pair(callback_at=NOON - timedelta(minutes=5))

    assert offered(rep, zone="America/Chicago") == [promised]
    assert offered(rep, zone="America/New_York") == []
    assert offered(rep, zone="America/Chi") == []


def test_callbacks_that_nobody_may_make_now_do_not_stand_before_those_that_are_due(rep, monkeypatch):
    monkeypatch.setattr(walking, "CALLBACKS", 2)
    colleague = UserFactory(bdr=True)
    for _ in range(2):
        callable_pair(callback_at=NOON - timedelta(days=2), contact__owner=colleague)
        shut = callable_pair(callback_at=NOON - timedelta(days=2))
        Project.objects.filter(pk=shut.project_id).update(call_suppressed=True)
        hints.refresh(at=NOON, pair_ids=[shut.pk])
    urgent = callable_pair(priority=Priority.URGENT)
    due = callable_pair(callback_at=NOON - timedelta(minutes=1))

    assert offered(rep) == [due, urgent]


def test_a_long_stretch_of_a_colleagues_people_hides_nobody(rep, monkeypatch):
    monkeypatch.setattr(walking, "FIRST_LOOK", 1)
    monkeypatch.setattr(walking, "LOOKS", 1)
    colleague = UserFactory(bdr=True)
    for _ in range(2):
        callable_pair(priority=Priority.URGENT, contact__owner=colleague)
        callable_pair(priority=Priority.URGENT, project__owner=colleague)
    free = callable_pair(priority=Priority.LOW)
    mine = callable_pair(priority=Priority.LOW, contact__owner=rep)

    assert offered(rep) == [free]
    assert offered(rep, owner=rep) == [mine]


def test_the_primary_number_is_offered_if_it_passes_else_the_best_that_does(rep):
    pair = callable_pair()
    second = give_point(pair.contact, "phone", "+15125550177")
    (offer,) = queue.next_callable(user=rep, at=NOON)
    assert offer.point.is_primary

    offer.point.endpoint.failed_until = NOON + timedelta(days=1)
    offer.point.endpoint.save()
    hints.refresh(at=NOON, pair_ids=[pair.pk])

    (offer,) = queue.next_callable(user=rep, at=NOON)
    assert offer.point == second


def test_the_queue_looks_on_where_many_hints_are_stale(rep):
    stale = [callable_pair(priority=Priority.URGENT) for _ in range(3)]
    fresh = callable_pair(priority=Priority.LOW)
    Project.objects.filter(pk__in=[pair.project_id for pair in stale]).update(call_suppressed=True)

    original, walking.FIRST_LOOK = walking.FIRST_LOOK, 2
    try:
        assert offered(rep) == [fresh]
    finally:
        walking.FIRST_LOOK = original


@examples(12)
@given(data=st.data())
def test_the_queue_offers_exactly_those_whom_the_gate_passes(data):
    """With fresh hints nobody is missed, except by a second number in other hours than the best one's (DESIGN 12)."""
    with worlds.undone():
        world = worlds.build(data.draw)
        hints.refresh(at=NOON, pair_ids=[pair.pk for pair in world.pairs])
        User.objects.filter(pk=world.user.pk).update(is_superuser=True)
        user = User.objects.get(pk=world.user.pk)
        passing = ProjectContact.objects.callable(Asked(at=NOON, channel="call", user_id=user.pk))
        found = {pair.contact_id for pair in queue.candidates(user=user, at=NOON, wanted=Wanted())}
        open_ids = opening.book().open_ids(NOON, Channel.CALL)
        expected = {pair.contact_id for pair in passing if pair.hours_profile_id in open_ids}

        assert found == expected


def test_a_project_can_tighten_the_policy_but_never_loosen_it(rep):
    tight = touched(callable_pair(), NOON - timedelta(hours=30))
    CallingPolicyFactory(project=tight.project, cooldown=timedelta(days=3))
    loose = touched(callable_pair(), NOON - timedelta(hours=3))
    CallingPolicyFactory(project=loose.project, cooldown=timedelta(hours=1))

    blocked = {
        pair: [block.code for block in queue.explain(pair=pair, user=rep, at=NOON).blocks] for pair in (tight, loose)
    }

    assert blocked == {tight: ["cooldown"], loose: ["cooldown"]}
    assert CallingPolicy.objects.filter(project=None).count() == 1


def test_explain_names_every_reason_and_the_first_moment_that_passes(rep):
    pair = touched(callable_pair(suppress_for_project=False), NOON - timedelta(hours=3))
    pair.project.next_call_eligible_at = NOON + timedelta(hours=2)
    pair.project.save()

    explained = queue.explain(pair=pair, user=rep, at=NOON)

    assert [block.code for block in explained.blocks] == ["project_not_yet", "cooldown"]
    assert explained.earliest == NOON + timedelta(hours=21)


def test_what_never_ends_by_itself_has_no_earliest_moment(rep):
    pair = callable_pair(suppress_for_project=True)

    assert queue.explain(pair=pair, user=rep, at=NOON).earliest is None


def test_contacts_without_a_number_are_never_offered(rep):
    pair = ProjectContactFactory(contact=ContactFactory())
    hints.refresh(at=NOON, pair_ids=[pair.pk])

    assert offered(rep) == []
    assert [block.code for block in queue.explain(pair=pair, user=rep, at=NOON).blocks] == ["no_callable_number"]
