"""How fast people begin: in no 24 hours more of them than their campaign says, whatever gave them their time."""

from datetime import timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from campaigns.models import Campaign, Enrollment
from campaigns.rules import pace
from campaigns.services import campaigns, handling
from campaigns.services.engine import batches, claiming
from campaigns.tests.drawings import drawing, node
from campaigns.tests.walks import begun, enrolled, run
from config.kernel import prepared
from config.testing import NOON, WAITED, examples
from crm.tests.factories import CompanyFactory, ContactFactory

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
END = drawing(node("end", "exit"))
WAIT = drawing(node("wait", "wait", amount=30), node("end", "exit"), "wait>end")


def began():
    return Enrollment.objects.filter(node__isnull=False).count()


def test_whoever_waited_for_a_place_begins_at_the_pace_of_the_campaign():
    campaign = begun(END, company_limit=1, starts_per_day=2)
    enrolled(campaign, ContactFactory.create_batch(7, company=CompanyFactory()))
    found = []
    for hour in range(0, 24 * 4, 6):
        run(NOON + hour * HOUR)
        found.append(began())
    assert found[:9] == [1, 1, 1, 2, 2, 3, 3, 4, 4]
    assert found[-1] == 7, "nobody waits for ever"


@pytest.mark.parametrize("limit", [3, None])
def test_many_places_that_become_free_at_once_are_no_more_starts(limit):
    campaign = begun(WAIT, company_limit=1, starts_per_day=2)
    for _ in range(2):
        enrolled(campaign, ContactFactory.create_batch(4, company=CompanyFactory()))
    run(NOON + 5 * DAY)
    campaigns.edit(
        row=Campaign.objects.get(pk=campaign.pk), changes={"company_limit": limit}, by=None, at=NOON + 5 * DAY
    )
    for hour in range(1, 24, 3):
        run(NOON + 5 * DAY + hour * HOUR)
    assert began() == 2


def test_whoever_was_paused_by_hand_goes_on_at_the_pace_of_the_campaign():
    campaign = begun(WAIT, starts_per_day=2)
    walks = [walk.pk for walk in enrolled(campaign, 6)]
    handling.pause(walks, by=None, at=NOON)
    handling.resume(walks[:3], by=None, at=NOON + 3 * DAY)
    handling.resume(walks[3:], by=None, at=NOON + 4 * DAY)
    begins = []
    for hour in range(0, 24 * 6, 4):
        before = began()
        run(NOON + 3 * DAY + hour * HOUR)
        begins += [hour] * (began() - before)
    assert len(begins) == 6
    assert all(third - first >= 24 for first, third in zip(begins, begins[2:], strict=False))


def test_fewer_a_day_holds_for_those_who_were_enrolled_before():
    campaign = begun(WAIT, starts_per_day=4)
    enrolled(campaign, 4)
    run(NOON)
    campaigns.edit(row=Campaign.objects.get(pk=campaign.pk), changes={"starts_per_day": 1}, by=None, at=NOON)
    for hour in range(1, 24, 3):
        run(NOON + hour * HOUR)
    assert began() == 1


@pytest.mark.parametrize("often", [1_000, None])
def test_more_a_day_or_all_at_once_holds_for_those_who_were_enrolled_before(often):
    campaign = begun(WAIT, starts_per_day=1)
    enrolled(campaign, 20)
    run(NOON)
    changed = campaigns.edit(
        row=Campaign.objects.get(pk=campaign.pk), changes={"starts_per_day": often}, by=None, at=NOON
    )
    enrolled(changed, 1)
    for hour in range(1, 3):
        run(NOON + hour * HOUR)
    assert began() == (21 if often is None else 3)
    for minute in range(0, 60, 2):
        run(NOON + 3 * HOUR + timedelta(minutes=minute))
    assert began() == 21


def test_those_who_are_under_way_are_moved_whoever_waits_to_begin():
    campaign = begun(drawing(node("wait", "wait", amount=1), node("end", "exit"), "wait>end"), starts_per_day=1)
    enrolled(campaign, 1)
    run(NOON)
    enrolled(campaign, 3, at=NOON)
    Enrollment.objects.filter(state="pending").update(wake_at=NOON)
    assert batches.due(campaign.pk, at=NOON + DAY, size=1) == 1
    assert Enrollment.objects.filter(state="completed").count() == 1


@pytest.mark.parametrize("per_day", [None, 100_000])
def test_a_batch_is_no_larger_than_it_may_be_whoever_is_in_it(per_day):
    campaign = begun(WAIT, starts_per_day=per_day)
    enrolled(campaign, 12)
    Enrollment.objects.update(wake_at=NOON)
    assert batches.due(campaign.pk, at=NOON, size=2) + batches.beginning(campaign.pk, at=NOON, size=2) <= 2
    Enrollment.objects.filter(state="waiting").update(wake_at=NOON)
    assert batches.due(campaign.pk, at=NOON + DAY, size=3) <= 3
    assert batches.beginning(campaign.pk, at=NOON + DAY, size=3) == (3 if per_day else 0)


@pytest.mark.parametrize("question", ["_DUE", "_TO_BEGIN"])
def test_nobody_is_looked_for_behind_those_who_wait_for_their_turn_or_to_be_let_go(question):
    campaign = begun(WAIT, starts_per_day=1)
    enrolled(campaign, 30)
    Enrollment.objects.update(wake_at=NOON)
    run(NOON)
    Enrollment.objects.filter(state="waiting").update(wake_at=NOON)
    Enrollment.objects.filter(pk__in=Enrollment.objects.filter(state="pending")[:10]).update(epoch=7)
    with connection.cursor() as cursor:
        for other_way in ("seqscan", "bitmapscan", "sort"):  # so few rows could be found in any way
            cursor.execute(f"SET LOCAL enable_{other_way} = off")
    params = {"campaign": campaign.pk, "epoch": campaign.epoch, "at": NOON, "size": 500}
    told = prepared.rows(f"EXPLAIN ANALYZE {getattr(claiming, question)}", params)
    plan = "\n".join(line for (line,) in told)
    assert "Index Scan" in plan
    assert "Rows Removed" not in plan, plan


@pytest.mark.django_db(transaction=True)
def test_two_engines_at_once_let_no_more_begin_than_one(between):
    campaign = begun(WAIT, starts_per_day=1)
    enrolled(campaign, 2)
    Enrollment.objects.update(wake_at=NOON)
    found = between("engine.before_commit", lambda: batches.beginning(campaign.pk, at=NOON))
    assert batches.beginning(campaign.pk, at=NOON) == 1
    assert found == [WAITED]
    assert batches.beginning(campaign.pk, at=NOON) == 0


@examples(50)
@given(
    per_day=st.sampled_from([1, 3, 7, 1000, 100_000]),
    looks=st.lists(st.tuples(st.floats(0, 1e5), st.integers(1, 500)), min_size=2, max_size=40),
)
def test_in_no_24_hours_more_have_room_than_the_campaign_says(per_day, looks):
    at, last, begins = NOON, None, []
    for seconds, waiting in looks:
        at += timedelta(seconds=seconds)
        number = min(waiting, pace.room(per_day, last=last, at=at))
        if number:
            last = pace.taken(per_day, number, last=last, at=at)
            assert last <= at
            begins += [at] * number
    assert all(more - first >= DAY for first, more in zip(begins, begins[per_day:], strict=False))


def test_an_engine_that_looks_every_few_seconds_loses_no_start():
    at, last, begins = NOON, None, 0
    for _ in range(2_000):
        number = pace.room(100_000, last=last, at=at)
        last = pace.taken(100_000, number, last=last, at=at) if number else last
        begins, at = begins + number, at + timedelta(seconds=4.3)
    assert begins >= 0.99 * 100_000 * (2_000 * 4.3 / 86_400)
