"""The hints on the pairs: never later than the gate, and swept without locks."""

from datetime import timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from calls.choices import Scope
from calls.services import hints, terminal
from calls.tests import worlds
from calls.tests.factories import CallingPolicyFactory, callable_pair, first_point
from config.kernel import prepared
from config.kernel.gate import Asked, gate
from config.testing import NOON, examples
from crm.choices import Channel
from crm.models import HoursProfile, Project, ProjectContact
from crm.tests.factories import (
    ContactFactory,
    ProjectContactFactory,
    ProjectFactory,
    SuppressionFactory,
    TouchFactory,
    give_point,
)

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)

# What no hint foretells: the clock of the place, a lease, what others do with a shared line, and the end of all calls.
NOT_FORETOLD = {"outside_hours", "leased", "number_leased", "number_day_cap", "number_week_cap", "terminal_everyone"}


@examples(15)
@given(data=st.data())
def test_a_fresh_hint_hides_nobody_is_never_late_and_is_due_when_nothing_else_stands_against_some_number(data):
    """One world for all of it, because making it is most of the work."""
    with worlds.undone():
        world = worlds.build(data.draw)
        hints.refresh(at=NOON, pair_ids=[pair.pk for pair in world.pairs])

        it_never_hides_a_pair_that_the_gate_passes()
        it_never_comes_later_than_the_first_moment_that_passes(world)
        when_it_comes_due_nothing_else_stands_against_some_number(world)


def it_never_hides_a_pair_that_the_gate_passes():
    passing = ProjectContact.objects.callable(Asked(at=NOON, channel="call"))

    assert set(passing.values_list("pk")) <= set(ProjectContact.objects.hinted(NOON).values_list("pk"))


def it_never_comes_later_than_the_first_moment_that_passes(world):
    hinted = dict(ProjectContact.objects.values_list("pk", "callable_from"))
    for pair, verdicts in world.verdicts(user_id=world.user.pk).items():
        passes = [gate.earliest(verdict) for verdict in verdicts]
        earliest = min((moment for moment in passes if moment), default=None)

        assert earliest is None or (hinted[pair.pk] is not None and hinted[pair.pk] <= earliest)


def when_it_comes_due_nothing_else_stands_against_some_number(world):
    verdicts = world.verdicts()
    for pair in ProjectContact.objects.filter(callable_from__isnull=False):
        due = max(pair.callable_from, NOON)
        left = [{block.code for block in gate.judge(verdict.facts, due, Channel.CALL)} for verdict in verdicts[pair]]

        assert any(codes <= NOT_FORETOLD for codes in left), (pair.callable_from, left)


@pytest.mark.parametrize(("caps", "hours"), [((2, 9), 25 - 3), ((3, 9), 25 - 5), ((3, 4), 7 * 24 - 8)])
def test_a_hint_heeds_the_caps_of_its_project(caps, hours):
    pair = callable_pair()
    CallingPolicyFactory(project=pair.project, day_cap=caps[0], week_cap=caps[1])
    for ago in (1, 3, 5, 8):
        TouchFactory(contact=pair.contact, channel=Channel.SMS, at=NOON - timedelta(hours=ago))

    hints.refresh(at=NOON, pair_ids=[pair.pk])

    assert ProjectContact.objects.get(pk=pair.pk).callable_from == NOON + timedelta(hours=hours)


def test_of_two_numbers_that_rest_the_hint_waits_for_the_one_that_is_back_first():
    pair = callable_pair()
    second = give_point(pair.contact, "phone", "+15125550177")
    for point, days in ((pair.contact.points.get(is_primary=True), 9), (second, 2)):
        point.endpoint.failed_until = NOON + timedelta(days=days)
        point.endpoint.save()

    hints.refresh(at=NOON, pair_ids=[pair.pk])

    assert ProjectContact.objects.get(pk=pair.pk).callable_from == NOON + timedelta(days=2)


def test_the_hint_waits_until_a_closed_number_is_free_again():
    pair, until = callable_pair(), NOON + timedelta(days=2)
    line = first_point(pair.contact).endpoint

    terminal.close(scope=Scope.ENDPOINT, subject=line, reason="Not in service", at=NOON, until=until)

    assert ProjectContact.objects.get(pk=pair.pk).callable_from == until


def test_the_hint_has_the_hours_of_the_primary_number_though_another_is_verified():
    pair = callable_pair()
    other = give_point(pair.contact, "phone", "+16716465001", verified_at=NOON)  # on Guam

    hints.refresh(at=NOON, pair_ids=[pair.pk])

    primary = first_point(pair.contact).endpoint.hours_profile
    assert ProjectContact.objects.get(pk=pair.pk).hours_profile == primary != other.endpoint.hours_profile


@pytest.mark.parametrize(("channel", "closed"), [("", True), ("call", True), ("sms", False)])
def test_a_number_suppressed_for_calls_or_for_all_is_none_for_the_hint(channel, closed):
    pair = callable_pair()
    SuppressionFactory(endpoint=first_point(pair.contact).endpoint, channel=channel)

    hints.refresh(at=NOON, pair_ids=[pair.pk])

    assert (ProjectContact.objects.get(pk=pair.pk).callable_from is None) is closed


def test_the_sweep_locks_and_moves_only_hints_that_went_stale():
    stale, _, fresh = callable_pair(), callable_pair(), ProjectContactFactory()
    Project.objects.filter(pk=stale.project_id).update(call_suppressed=True)

    locked = []

    def watch(execute, sql, params, many, context):
        if "FOR NO KEY UPDATE" in sql:
            locked.append(params["pairs"])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        assert hints.refresh_all(at=NOON) == 2

    assert [set(pairs) for pairs in locked] == [{stale.pk, fresh.pk}]
    assert ProjectContact.objects.get(pk=stale.pk).callable_from is None
    assert hints.refresh_all(at=NOON) == 0


@pytest.mark.parametrize(("promised", "waits"), [(None, 23), (-2, 23), (0, 0), (5, 5), (30, 23)])
def test_after_a_call_the_hint_waits_for_the_rest_or_for_a_promise_that_is_due_before(promised, waits):
    pair = callable_pair(callback_at=None if promised is None else NOON + promised * HOUR)
    TouchFactory(contact=pair.contact, project=pair.project, channel=Channel.CALL, at=NOON - HOUR)

    hints.refresh(at=NOON, pair_ids=[pair.pk])

    assert ProjectContact.objects.get(pk=pair.pk).callable_from == NOON + waits * HOUR


@pytest.mark.parametrize(
    ("counts", "state", "rests"), [(True, "good", 1), (False, "good", 0), (True, "wrong_person", 0)]
)
def test_a_call_that_reached_nobody_of_theirs_or_was_never_made_delays_no_hint(counts, state, rests):
    pair = callable_pair()
    other = give_point(pair.contact, "phone", "+15125550177", state=state)
    TouchFactory(contact=pair.contact, endpoint=other.endpoint, channel=Channel.CALL, at=NOON - HOUR, counts=counts)

    hints.refresh(at=NOON, pair_ids=[pair.pk])

    assert (ProjectContact.objects.get(pk=pair.pk).callable_from > NOON) == bool(rests)


@pytest.mark.parametrize("few", [1, 100])
def test_more_pairs_than_are_locked_at_once_are_all_made_true(monkeypatch, few):
    monkeypatch.setattr(hints, "BATCH", 2)
    monkeypatch.setattr(hints, "FEW", few)
    project = ProjectFactory()
    pairs = [ProjectContactFactory(project=project) for _ in range(5)]

    assert hints.refresh(at=NOON, project_ids=[project.pk], pair_ids=[pairs[0].pk]) == 5

    assert ProjectContact.objects.filter(callable_from__lte=NOON).count() == 5
    assert hints.refresh(at=NOON, project_ids=[project.pk]) == 0


def test_where_nothing_is_known_of_a_number_its_profile_is_made_when_it_is_needed():
    HoursProfile.objects.filter(key="").delete()
    pair = ProjectContactFactory(contact=ContactFactory())

    hints.refresh(at=NOON, pair_ids=[pair.pk])

    assert ProjectContact.objects.get().hours_profile.key == ""


def test_whoever_is_named_is_found_without_looking_at_others():
    """A plan that is kept expects arrays of ten; of ten projects that can be most of the pairs there are."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            """INSERT INTO crm_projectcontact (id, project_id, contact_id, created_at, updated_at)
               SELECT clearline_uuid7(), md5((n % 9)::text)::uuid, md5(n::text)::uuid, now(), now()
               FROM generate_series(1, 5000) n RETURNING contact_id"""
        )
        *_, (newest,) = cursor.fetchall()
    read = """SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'crm_projectcontact'"""
    ((before,),) = prepared.rows(read)

    assert len(prepared.rows(hints._LOCKED, {**hints.NOBODY, "contacts": [newest], "most": hints.BATCH})) == 1

    ((after,),) = prepared.rows(read)
    assert after - before < 10
