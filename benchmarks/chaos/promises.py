"""Time passes until nothing moves any more; then every promise of trust 3.5 is looked at, most of them by SQL."""

import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import connection, connections

from calls.services import deciding
from campaigns.choices import LIVE, SETTLED, MessageState
from campaigns.models import Attempt, CampaignCount, Enrollment, EnrollmentEvent, EnrollmentRun, Message
from campaigns.rules.history import replay
from campaigns.services import enrolling
from campaigns.services.dispatch import exits, ledgers, reconciling, running, sweeping
from campaigns.services.engine import running as engine
from config.kernel import clock
from crm.models import Contact, GateDecision
from crm.tests.factories import UserFactory
from integrations.inbox import reading
from integrations.models import News
from integrations.simulated.carrier.behaviour import Behaviour

PATIENCE: Final = 240.0  # seconds of ours until quiet must be reached
STEP, LONGEST_STEP = timedelta(seconds=20), timedelta(hours=2)
SENT: Final = {MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.UNDELIVERED}
THEIRS: Final = ZoneInfo("America/Chicago")


def broken(carrier: Any, *, meanwhile: int) -> list[str]:
    """Let it become quiet; return the promises that do not hold then, in words."""
    connections.close_all()
    began, end = clock.now(), _quiet(carrier)
    with clock.standing_at(end):
        compared = ledgers.compare(since=began - timedelta(days=2), until=end + timedelta(hours=1), at=end)
    told = carrier.messages()
    messages = Counter(Message.objects.filter(direction="outbound").values_list("state", flat=True))
    heard = Counter(Message.objects.filter(direction="inbound").values_list("reason", flat=True))
    walks = Counter(Enrollment.objects.values_list("state", flat=True))
    answers = {kind or "reply": number for kind, number in heard.items()}
    print(f"messages {dict(messages)}, answers {answers}, walks {dict(walks)}; {_said(compared)}", flush=True)
    promises = {
        "there was nothing to break": meanwhile > 0 and heard["opt_out"] > 0 and heard[""] > 0,
        "the ledgers do not match": all(one.is_clean for one in compared),
        "a message was left lying": set(messages) <= {*SETTLED, MessageState.NOT_SENT_PRESUMED},
        "a walk was left lying": not set(walks) & {*LIVE},
        "somebody was not let in": _everybody_is_in(),
        "news was not understood": not News.objects.exclude(state="understood").exists(),
        "the numbers do not add up": _counted() == walks,
        "a history does not lead to where somebody stands": all(map(_replays, Enrollment.objects.all())),
        "a permission does not replay": not any(map(deciding.replay, GateDecision.objects.filter(allowed=True))),
        **_of_the_carrier(carrier, told),
        **{name: not _rows(statement) for name, statement in _BROKEN.items()},
        "somebody was written to outside their hours": all(map(_is_in_hours, _tries_by_telephone())),
    }
    return [name for name, holds in promises.items() if not holds]


# Becoming quiet


def _quiet(carrier: Any) -> datetime:
    """Do what is to be done, and let time pass ever faster while there is nothing; return the last moment."""
    at, step, give_up = clock.now(), STEP, time.monotonic() + PATIENCE
    user = UserFactory(admin=True)
    while not _is_over(carrier) and time.monotonic() < give_up:
        with clock.standing_at(at):
            done = _turn(at, user)
        waits = carrier.facts()["news_waiting"]
        if waits:
            time.sleep(0.1)
        step = STEP if done or waits else min(step * 2, LONGEST_STEP)
        at += step
    return at


def _turn(at: datetime, user: Any) -> int:
    done = sum(1 for run in enrolling.running() if enrolling.take(run, at=at))
    done += engine.run(at=at)[0]
    done += running.dispatch(seconds=5, pipelines=2)
    done += sweeping.sweep(at=at).all
    reconciled = reconciling.reconcile(at=at)
    done += reconciled.found + reconciled.absent + reading.read_due(at=at)
    for message in Message.objects.filter(state=MessageState.NOT_SENT_PRESUMED, decided_at=None):
        exits.write_off(message=message, by=user, at=at)  # what is presumed, people decide
    return done


def _is_over(carrier: Any) -> bool:
    return not (
        Enrollment.objects.filter(state__in=LIVE).exclude(state="parked").exists()
        or enrolling.running()
        or News.objects.filter(state="waiting").exists()
        or Message.objects.filter(direction="outbound").exclude(state__in=[*SETTLED, "not_sent_presumed"]).exists()
        or carrier.facts()["news_waiting"]
    )


# What must hold


def _said(compared: list[ledgers.Matched]) -> str:
    return "ledgers " + ", ".join(f"{one.provider}: {one.matched} match" for one in compared)


def _everybody_is_in() -> bool:
    runs = EnrollmentRun.objects.all()
    return (
        Enrollment.objects.values("contact").distinct().count() == Enrollment.objects.count() == Contact.objects.count()
        and all(run.state == "done" for run in runs)
        and sum(run.enrolled for run in runs) == Enrollment.objects.count()
    )


def _counted() -> Counter[str]:
    counted: Counter[str] = Counter()
    for row in CampaignCount.objects.filter(name__startswith="state:"):
        counted[row.name.partition(":")[2]] += row.value
    return +counted


def _replays(walk: Enrollment) -> bool:
    told = replay(EnrollmentEvent.objects.filter(enrollment=walk).order_by("id"))
    kept = (walk.state, walk.node_id, walk.visit, walk.stage, walk.reason)
    return (told.state, told.node, told.visit, told.stage, told.reason) == kept


def _of_the_carrier(carrier: Any, told: list[dict[str, Any]]) -> dict[str, bool]:
    """What the carrier remembers, against what we do: messages, and the answers of people."""
    keys = Counter(row["key"] for row in told)
    said = {str(key) for key in Message.objects.filter(state__in=SENT).values_list("id", flat=True)}
    return {
        "something was sent twice": all(times == 1 for times in keys.values()),
        "what is said to be sent is not what was sent": said == keys.keys(),
        "an answer was lost, or heard twice": _heard() == _answered(carrier, told),
    }


def _heard() -> Counter[tuple[str, str]]:
    return Counter(Message.objects.filter(direction="inbound").values_list("endpoint__value", "body"))


def _answered(carrier: Any, told: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """What people answered, who are drawn: whatever was delivered to them, they answer the same."""
    does = Behaviour().changed(**carrier.ask("GET", "/control"))
    got = [row for row in told if row["status"] == "delivered" and does.fate(row["to"]) != "silent"]
    answers = ((row["to"], does.answer(row["to"], row["body"])) for row in got)
    return Counter((to, text) for to, text in answers if text)


def _tries_by_telephone() -> Any:
    return Attempt.objects.filter(message__channel="sms").values_list("dispatched_at", "valid_until")


def _is_in_hours(one: tuple[datetime, datetime]) -> bool:
    begin, end = (moment.astimezone(THEIRS) for moment in one)
    return begin.date() == end.date() and begin.hour >= 8 and (end.hour, end.minute) <= (21, 0) and begin < end


def _rows(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


# Each finds what must not be. Who committed first is asked of PostgreSQL, not of anybody's clock.
_BROKEN: Final = {
    "a try has no permission of its own": """
        SELECT a.id FROM campaigns_attempt a LEFT JOIN crm_gatedecision d ON d.id = a.decision_id
        WHERE d.allowed IS NOT TRUE OR d.action <> 'dispatch'
        UNION SELECT min(a.id::text)::uuid FROM campaigns_attempt a GROUP BY a.decision_id HAVING count(*) > 1""",
    "one line got one thing twice": """
        SELECT m.endpoint_id FROM campaigns_message m WHERE m.ever_dispatched
        GROUP BY m.endpoint_id, m.campaign_id, m.node_id, m.visit HAVING count(*) > 1""",
    "somebody was permitted to whom a line was closed": """
        SELECT d.id FROM crm_gatedecision d JOIN crm_suppression s ON s.endpoint_id = d.endpoint_id
        WHERE d.allowed AND s.channel IN ('', d.channel)
          AND pg_xact_commit_timestamp(d.xmin) > pg_xact_commit_timestamp(s.xmin)""",
    "somebody was written to who had answered": """
        SELECT d.id FROM crm_gatedecision d JOIN campaigns_message m ON m.contact_id = d.contact_id
        WHERE d.allowed AND m.direction = 'inbound' AND m.reason IN ('', 'opt_out')
          AND pg_xact_commit_timestamp(d.xmin) > pg_xact_commit_timestamp(m.xmin)""",
    "a line is open to which we were told to write no more": """
        SELECT m.id FROM campaigns_message m WHERE m.direction = 'inbound' AND m.reason = 'opt_out'
          AND NOT EXISTS (SELECT FROM crm_suppression s
                          WHERE s.endpoint_id = m.endpoint_id AND s.channel = '' AND s.lifted_at IS NULL)""",
    "a cap was passed": """
        SELECT id FROM (SELECT t.id, count(*) OVER (PARTITION BY t.contact_id ORDER BY t.at
                                                    RANGE BETWEEN '23 hours' PRECEDING AND CURRENT ROW) AS often
                        FROM crm_touch t WHERE t.counts) day WHERE often > 3""",
    "a try is not counted as a touch, or a touch is of no try": """
        SELECT 1 FROM campaigns_attempt a FULL JOIN crm_touch t ON t.source_id = a.id
        WHERE a.id IS NULL OR t.id IS NULL OR t.counts <> (a.outcome NOT IN ('not_sent', 'rejected'))""",
    "somebody walks on two ways": """
        SELECT s.enrollment_id FROM campaigns_enrollmentstep s JOIN campaigns_enrollmentstep o USING (enrollment_id)
        WHERE (s.node_id, s.visit) <> (o.node_id, o.visit) AND s.begun_at < o.ended_at AND o.begun_at < s.ended_at""",
}
