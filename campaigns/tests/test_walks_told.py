"""Until when somebody waits, as their page tells it."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from campaigns.models import Campaign, Enrollment
from campaigns.reports import walks
from campaigns.tests.drawings import drawing, node
from campaigns.tests.walks import begun, enrolled, paused, resumed, run
from config.testing import NOON

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("America/Chicago")
DAY = timedelta(days=1)
WAITING = drawing(node("wait", "wait", mode="event", days=-1, time="09:00"), node("end", "exit"), "wait>end")


def told(at: datetime = NOON) -> str:
    return walks.waits(Enrollment.objects.select_related("campaign", "node").get(), ZONE, at=at)


def test_whoever_is_to_begin_and_may_not_yet_is_told_why() -> None:
    enrolled(campaign := begun(WAITING, starts_per_day=1_500))
    assert told() == told(NOON + DAY) == "Begins when it is their turn: at most 1,500 begin in 24 hours"
    Campaign.objects.filter(pk=campaign.pk).update(starts_per_day=None)
    assert told() == f"Begins {NOON.astimezone(ZONE):%a %-d %b, %H:%M} their time"


def test_after_a_pause_the_day_of_an_event_is_told_and_not_the_moment_of_letting_go() -> None:
    campaign = begun(WAITING, event_date=(NOON + 9 * DAY).date())
    enrolled(campaign)
    run(NOON)
    before = told()
    day = NOON + 8 * DAY
    assert before == f"Waits until {day:%a %-d %b}, 09:00 their time: 1 day before the event, 09:00"
    paused(campaign, NOON + DAY)
    resumed(campaign, NOON + 2 * DAY)
    Campaign.objects.filter(pk=campaign.pk).update(event_date=(NOON + 12 * DAY).date())
    run(NOON + 2 * DAY)
    walk = Enrollment.objects.get()
    assert walk.wake_at is not None
    Enrollment.objects.update(wake_at=NOON + 3 * DAY)  # let go, and the engine has not looked yet
    day = NOON + 11 * DAY
    assert told() == f"Waits until {day:%a %-d %b}, 09:00 their time: 1 day before the event, 09:00"
    Campaign.objects.filter(pk=campaign.pk).update(event_date=None)
    assert told().startswith("Waits until ")
