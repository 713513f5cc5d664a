"""What campaigns promise in the end (trust 3.5), whatever has happened: asked of the rows and of both ledgers."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Exists, Min, OuterRef, Q

from calls.services import deciding
from campaigns.choices import (
    DELIVERIES,
    ENDED,
    LIVE,
    SETTLED,
    EnrollmentEventKind,
    EnrollmentState,
    Exit,
    HappeningKind,
    MessageState,
    WaitMode,
)
from campaigns.models import Attempt, Campaign, Enrollment, EnrollmentEvent, EnrollmentStep, Happening, Message
from campaigns.rules.history import replay
from campaigns.services import counting
from campaigns.tests.watching import SECOND, UNIT, Watch, has_answered
from crm.models import GateDecision, Touch

_S = EnrollmentState
_SENT: Final = {MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.UNDELIVERED}
_DAY: Final = timedelta(days=1)
_PLACES: Final = {f"{channel}:{place}" for channel in ("sms", "email", "voicemail") for place in DELIVERIES}


def faults_found(watch: Watch) -> list[str]:
    """Return what does not hold, in words; [] where all does."""
    return [
        *watch.found, *_once(watch), *_no_loss(), *_truth(watch), *_stop(watch), *_gate(),
        *histories(), *numbers(watch.campaigns.values()), *_waited(watch), *_heard(watch), *_clicked(watch),
        *_paced(watch),
    ]  # fmt: skip


def _ledger(watch: Watch) -> list[dict[str, str]]:
    return [row for carrier in watch.carriers.values() for row in carrier.rows()]


def _once(watch: Watch) -> list[str]:
    sent = Counter(row["key"] for row in _ledger(watch))
    found = [f"{key} was sent {times} times" for key, times in sent.items() if times > 1]
    by_key = {str(message.pk): message for message in Message.objects.filter(direction="outbound")}
    lines = Counter(
        (row["to"], by_key[row["key"]].node_id, by_key[row["key"]].visit)
        for row in _ledger(watch)
        if row["key"] in by_key
    )
    return found + [f"{line} got {times} at one step" for line, times in lines.items() if times > 1]


def _no_loss() -> list[str]:
    messages = Message.objects.filter(direction="outbound").exclude(state__in=SETTLED)
    open_ = [f"message {m.pk} is {m.state}" for m in messages if m.state != MessageState.NOT_SENT_PRESUMED]
    parked = Enrollment.objects.filter(state=_S.PARKED)
    held = {"state": _S.PENDING, "wake_at": None, "company__in": parked.values("company")}
    walks = Enrollment.objects.filter(state__in=LIVE).exclude(state=_S.PARKED).exclude(**held)
    failed = parked.filter(reason__startswith="It could not be moved on")
    news = Happening.objects.filter(handled_at=None).count()
    return [
        *open_,
        *[f"walk {walk.pk} is stuck: {walk.reason}" for walk in failed],
        *[f"walk {walk.pk} still is {walk.state} at {walk.node_id}, wakes {walk.wake_at}" for walk in walks],
        *([f"{news} happenings were not heard"] if news else []),
    ]


def _truth(watch: Watch) -> list[str]:
    sent = {row["key"] for row in _ledger(watch)}
    rows = Message.objects.filter(direction="outbound")
    return [
        f"message {m.pk} is {m.state}, and the carrier {'has' if str(m.pk) in sent else 'has not'} sent it"
        for m in rows
        if (m.state in _SENT) != (str(m.pk) in sent)
    ]


def _stop(watch: Watch) -> list[str]:
    return [
        f"{row['to']} was written to at {row['at']}, after a stop at {watch.forbidden[row['to']]}"
        for row in _ledger(watch)
        if row["to"] in watch.forbidden and datetime.fromisoformat(row["at"]) > watch.forbidden[row["to"]]
    ]


def _gate() -> list[str]:
    decisions = {decision.pk: decision for decision in GateDecision.objects.filter(action="dispatch")}
    tries = Attempt.objects.select_related("message")
    touched = set(Touch.objects.filter(counts=True).values_list("source_id", flat=True))
    return [
        *[f"try {t.pk} has no receipt" for t in tries if t.decision_id not in decisions],
        *[f"the receipt of {t.pk} does not replay" for t in tries if deciding.replay(decisions[t.decision_id])],
        *[f"try {t.pk} counts in no cap" for t in tries if t.outcome == "accepted" and t.pk not in touched],
    ]  # fmt: skip


def histories() -> list[str]:
    """Return which walks are not what their history says."""
    found = []
    events = defaultdict(list)
    for event in EnrollmentEvent.objects.order_by("id"):
        events[event.enrollment_id].append(event)
    for walk in Enrollment.objects.select_related("status"):
        told = replay(events[walk.pk])
        status = walk.status.name if walk.status else ""
        kept = (walk.state, walk.node_id, walk.visit, status, walk.stage, walk.reason)
        if (told.state, told.node, told.visit, told.status, told.stage, told.reason) != kept:
            found.append(f"walk {walk.pk} is {kept}, its history says {told}")
        ends = [event.kind for event in events[walk.pk] if event.state in ENDED]
        if len(ends) > 1 and walk.state != ends[0]:
            found.append(f"walk {walk.pk} ended as {ends}")
    standing = Enrollment.objects.filter(held_since=None, state__in=[_S.WAITING, _S.WAITING_SEND])
    found += [f"walk {walk.pk} waits since never" for walk in standing]
    return found


def numbers(campaigns: Iterable[Campaign]) -> list[str]:
    """Return which of these do not count what there is."""
    found = []
    for campaign in campaigns:
        walks = Enrollment.objects.filter(campaign=campaign)
        there = Counter(f"state:{state}" for state in walks.values_list("state", flat=True))
        there += Counter(f"status:{status}" for status in walks.values_list("status", flat=True) if status)
        told = counting.numbers(campaign)
        said = Counter({k: v for k, v in told.items() if v and k.startswith(("state:", "status:"))})
        people = walks.values("contact").distinct().count()
        if said != there or told.get("total_contacts", 0) != people:
            found.append(f"counted {told}, there are {there}, in all {people}")
        found += _numbers_of_nodes(campaign)
    return found


def _numbers_of_nodes(campaign: Campaign) -> list[str]:
    place_of = {state: place for place, states in DELIVERIES.items() for state in states}
    there: dict[UUID, Counter[str]] = defaultdict(Counter)
    for message in Message.objects.filter(campaign=campaign, direction="outbound"):
        if message.node_id:
            there[message.node_id][f"{message.channel}:{place_of[MessageState(message.state)]}"] += 1
    for node in Enrollment.objects.filter(campaign=campaign).exclude(held_since=None).values_list("node", flat=True):
        there[node]["held"] += 1
    told = {
        node: Counter({k: v for k, v in of.items() if v and (k == "held" or k in _PLACES)})
        for node, of in counting.by_node(campaign).items()
    }
    nodes = there.keys() | told.keys()
    return [f"counted {told.get(n)}, there are {there[n]}" for n in nodes if (told.get(n) or Counter()) != there[n]]


def _waited(watch: Watch) -> list[str]:
    """Nobody waits less than they should; whoever waits for an answer and answers is not thrown out for it."""
    found = []
    steps = EnrollmentStep.objects.filter(node__type__in=["wait", "wait_for"])
    for step in steps.select_related("node", "enrollment"):
        config, visit = step.node.config, (step.enrollment_id, step.node_id, step.visit)
        if (step.outcome == "over" and config.get("mode") == WaitMode.DURATION) or step.exit == Exit.TIMEOUT:
            time = timedelta(minutes=config["amount"] * UNIT[config["unit"]])
            waited = step.ended_at - step.begun_at - watch.stood[visit]
            if waited < time - SECOND:
                found.append(f"walk {step.enrollment_id} waited {waited} instead of {time}")
        thrown_out = step.outcome == "left" and step.enrollment.reason == "replied"
        if thrown_out and config.get("event") == HappeningKind.REPLY:
            found.append(f"walk {step.enrollment_id} waited for an answer and was thrown out for it")
    return found


def _heard(watch: Watch) -> list[str]:
    """What somebody waits for does not come too late, and only what was asked for ends a walk."""
    found = []
    steps = EnrollmentStep.objects.filter(exit=Exit.TIMEOUT).select_related("node", "enrollment")
    for step in steps:
        wanted = step.node.config.get("outcomes")
        news = Happening.objects.filter(
            Q(enrollment=None) | Q(enrollment=step.enrollment_id),
            contact=step.enrollment.contact_id, kind=step.node.config["event"],
            handled_at__gt=step.begun_at, handled_at__lt=step.ended_at,
        )  # fmt: skip
        if any(not wanted or each.data["disposition"] in wanted for each in news):
            found.append(f"walk {step.enrollment_id} was too late, and it had happened")
    ended = Enrollment.objects.filter(reason="terminal_session").exclude(contact__in=watch.closed)
    found += [f"walk {walk.pk} ended by a closing that there was not" for walk in ended]
    led_on = Enrollment.objects.filter(reason="replied").exclude(graph__on_reply="")
    found += [f"walk {walk.pk} ended by an answer that leads on" for walk in led_on if walk.node_id]
    return found + _unheard()


def _unheard() -> list[str]:
    """An answer leads on or ends a walk, whatever else is heard of with it: when it is heard, or once what broke then
    is tried again. Only whoever has answered, and could not begin yet where that led them, has answered already."""
    found = []
    for news in Happening.objects.filter(kind=HappeningKind.REPLY):
        walks = Enrollment.objects.filter(contact=news.contact_id, enrolled_at__lt=news.at, graph__on_reply="")
        for walk in walks.exclude(ended_at__lte=news.handled_at):
            parked = EnrollmentEvent.objects.filter(
                enrollment=walk, kind=EnrollmentEventKind.PARKED, at=news.handled_at
            )
            was_followed_later = walk.ended_at and parked.exists()
            if not was_followed_later and not has_answered(walk.pk, since=news.at, until=news.handled_at or news.at):
                found.append(f"walk {walk.pk} heard nothing of an answer of {news.at}")
    return found


def _clicked(watch: Watch) -> list[str]:
    """Of each message the first click is kept, and only whoever clicked in their own mail went on for it."""
    kept = dict(Message.objects.exclude(clicked_at=None).values_list("pk", "clicked_at"))
    told = {UUID(key): at for key, at in watch.clicks.items()}
    found = [
        f"message {key} was clicked at {told.get(key)}, it says {kept.get(key)}"
        for key in told.keys() | kept
        if told.get(key) != kept.get(key)
    ]
    steps = EnrollmentStep.objects.filter(outcome=HappeningKind.LINK_CLICK)
    clicked = Message.objects.filter(pk__in=told, enrollment=OuterRef("enrollment"))
    found += [f"walk {step.enrollment_id} went on by a click of nobody" for step in steps.exclude(Exists(clicked))]
    return found


def _paced(watch: Watch) -> list[str]:
    """In no 24 hours more begin than their campaign says, whatever gave them their time."""
    found = []
    for campaign in watch.campaigns.values():
        often = campaign.starts_per_day or len(watch.rows)
        walked = EnrollmentEvent.objects.filter(enrollment__campaign=campaign, node__isnull=False).order_by()
        begins = sorted(row["first"] for row in walked.values("enrollment").annotate(first=Min("at")))
        for first, more in zip(begins, begins[often:], strict=False):
            if more - first < _DAY:
                found.append(f"{often + 1} begin between {first} and {more}")
    return found
