"""Whoever moves or enrols people may be killed at any named point of it, or lose the database there (trust B7), and it
is done again, once.

A process of its own kills itself with SIGKILL at the point. The points of dispatch, of dialing, of intake and of the
inbox have their tests beside them; a point of whatever package at which no test kills anybody fails here.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from calls.tests.test_deaths import DIALED, NEVER_DIALED
from campaigns.models import CampaignCount, Enrollment, EnrollmentEvent, EnrollmentRun, Message
from campaigns.services import enrolling, letting_go
from campaigns.services.engine import batches, running
from campaigns.tests.drawings import drawing, node
from campaigns.tests.test_dispatch_crashes import AFTERWARDS, COMPARING, LEARNING, SENDING
from campaigns.tests.walks import begun, enrolled, paused, resumed, run
from config.testing import NOON
from crm.tests.factories import ContactFactory
from crm.tests.test_intake_races import POINTS as TAKING_IN
from integrations.tests.dying import Stroke, cut_at, killed_at

DAY = timedelta(days=1)
WAITING = drawing(node("sms", "sms_send"), node("wait", "wait"), node("end", "exit"), "sms>wait", "wait>end")


def the_engine(point: str) -> Callable[[Stroke], None]:
    def dies(struck_at: Stroke) -> None:
        campaign = begun(WAITING)
        walks = enrolled(campaign, 3)
        before = list(EnrollmentEvent.objects.values_list("id", flat=True))

        assert struck_at(point, lambda: batches.due(campaign.pk, at=NOON))
        assert not Message.objects.exists()
        assert list(EnrollmentEvent.objects.values_list("id", flat=True)) == before

        assert running.run(at=NOON)[0] == 3
        assert Message.objects.count() == len(walks)
        assert set(Enrollment.objects.values_list("state", flat=True)) == {"waiting_send"}
        assert counted() == {"pending": 0, "waiting_send": 3}

    return dies


def counted() -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in CampaignCount.objects.filter(name__startswith="state:"):
        name = row.name.partition(":")[2]
        counts[name] = counts.get(name, 0) + row.value
    return counts


def enrolment(struck_at: Stroke) -> None:
    campaign = begun(WAITING)
    who = ContactFactory.create_batch(5)
    audience = {"contacts": [str(contact.pk) for contact in who]}
    asked = enrolling.begin(campaign=campaign, audience=audience, by=None, at=NOON)
    enrolling.take(asked.pk, at=NOON, size=2)

    assert struck_at("enrolling.before_commit", lambda: enrolling.take(asked.pk, at=NOON, size=2))
    assert Enrollment.objects.count() == EnrollmentRun.objects.get().enrolled == 2

    while enrolling.take(asked.pk, at=NOON, size=2):
        pass
    done = EnrollmentRun.objects.get()
    assert (done.state, done.asked, done.enrolled, done.inside) == ("done", 5, 5, 0)
    assert set(Enrollment.objects.values_list("contact", flat=True)) == {contact.pk for contact in who}
    assert counted() == {"pending": 5}


def a_backlog(struck_at: Stroke) -> None:
    """Nobody is let go twice: a second time would shift their wait again."""
    campaign = begun(WAITING, spread_minutes=60)
    enrolled(campaign, 5)
    run(NOON)
    Message.objects.update(state="cancelled")
    Enrollment.objects.update(
        state="waiting", wake_at=NOON + 2 * DAY, wake_rule={"since": NOON.isoformat(), "config": {"mode": "duration"}}
    )
    paused(campaign, NOON + DAY)
    resumed(campaign, NOON + 3 * DAY)

    def let_go() -> bool:
        return letting_go.let_go(campaign=campaign.pk, at=NOON + 3 * DAY, size=2)

    assert let_go()
    assert struck_at("letting_go.before_commit", let_go)
    assert Enrollment.objects.filter(epoch=campaign.epoch).count() == 2

    while let_go():
        pass
    assert set(Enrollment.objects.values_list("epoch", "wake_at")) == {(campaign.epoch, NOON + 4 * DAY)}
    assert letting_go.unfinished() == []


DEATHS: dict[str, Callable[[Stroke], None]] = {
    **{point: the_engine(point) for point in ("engine.after_claim", "engine.before_commit")},
    "enrolling.before_commit": enrolment,
    "letting_go.before_commit": a_backlog,
}


def points() -> tuple[set[str], set[str]]:
    """Return the points that our code registers, and those that it has."""
    registered, there = set(), set()
    for package in Path(__file__).parents[2].glob("*/__init__.py"):
        for path in package.parent.rglob("*.py"):
            if "tests" not in path.parts:
                text = path.read_text()
                for names in re.findall(r"faults\.register\(([^)]*)\)", text):
                    registered.update(re.findall(r'"([^"]+)"', names))
                there.update(re.findall(r'faults\.point\("([^"]+)"\)', text))
    return registered, there


def test_somebody_is_killed_at_every_point_there_is():
    registered, there = points()

    assert registered == there
    inbox = {point for point in registered if point.startswith("inbox.")}  # ``test_inbox_races`` looks at them
    dispatch = {*SENDING, *AFTERWARDS, LEARNING, COMPARING}
    assert registered - inbox == {*DEATHS, *dispatch, NEVER_DIALED, *DIALED, *TAKING_IN}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("struck_at", [killed_at, cut_at])
@pytest.mark.parametrize("point", DEATHS)
def test_whoever_is_struck_there_leaves_nothing_half_done(point, struck_at):
    DEATHS[point](struck_at)
