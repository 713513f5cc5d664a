"""What campaigns promise, whatever happens (trust 3.5): looked at after each step of a simulation, and at its end."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Exists, Min, OuterRef, Q

from calls.services import deciding
from campaigns.choices import (
    DELIVERIES,
    ENDED,
    LIVE,
    OVER,
    RUNNING,
    SETTLED,
    EnrollmentEventKind,
    EnrollmentState,
    Exit,
    HappeningKind,
    MessageState,
    WaitMode,
)
from campaigns.models import Attempt, Campaign, Enrollment, EnrollmentEvent, EnrollmentStep, Happening, Message
from campaigns.rules import waits
from campaigns.rules.history import replay
from campaigns.services import counting
from campaigns.tests.carriers import Carrier
from crm.models import Contact, GateDecision, Touch

_S = EnrollmentState
_SENT: Final = {MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.UNDELIVERED}
_UNIT: Final = {"minutes": 1, "hours": 60, "days": 24 * 60}
_COLUMNS: Final = (
    "id", "campaign_id", "contact_id", "company_id", "state", "node_id", "visit", "wake_at", "wake_rule", "epoch",
    "paused_from", "left", "enrolled_at",
)  # fmt: skip
_AUSTIN: Final = ZoneInfo("America/Chicago")
_SECOND: Final = timedelta(seconds=1)
_DAY: Final = timedelta(days=1)
Row = dict[str, Any]
Visit = tuple[UUID, UUID | None, int]


class Watch:
    """Keeps what only can be seen while it happens; ``found`` is what did not hold."""

    def __init__(self, carriers: dict[str, Carrier]) -> None:
        self.carriers = carriers
        self.found: list[str] = []
        self.forbidden: dict[str, datetime] = {}
        self.closed: set[UUID] = set()
        self._replies: dict[UUID, list[datetime]] = defaultdict(list)
        self._clicks: dict[str, datetime] = {}
        self._stood: dict[Visit, timedelta] = defaultdict(timedelta)
        self._late: dict[Visit, timedelta] = defaultdict(timedelta)
        self._on_the_way: Counter[tuple[UUID, UUID]] = Counter()
        self._sent: dict[str, int] = Counter()
        self._rows: list[Row] = []
        self._campaigns: dict[UUID, Campaign] = {}

    # What the simulation tells

    def forbid(self, contact: Contact, line: str, at: datetime) -> None:
        self.forbidden.setdefault(line, at)

    def replied(self, contact: UUID, at: datetime) -> None:
        self._replies[contact].append(at)

    def clicked(self, key: str, at: datetime) -> None:
        self._clicks.setdefault(key, at)

    def passes(self, time: timedelta, at: datetime) -> None:
        """Time passes: for some it does not count."""
        for row in self._rows:
            if not {row["state"], row["paused_from"]} & {_S.WAITING, _S.PENDING}:
                continue
            stands = self._campaigns[row["campaign_id"]].status not in RUNNING
            if stands or row["state"] == _S.PAUSED:
                self._stood[_visit(row)] += time
            elif row["wake_at"] and row["wake_at"] < at + time:
                self._late[_visit(row)] += time

    def digest(self) -> str:
        """Return what has become of everybody, in short."""
        return sha256(repr(self._rows).encode()).hexdigest()[:12]

    def look(self, at: datetime) -> None:
        self._campaigns = Campaign.objects.in_bulk()
        self._rows = list(Enrollment.objects.order_by("id").values(*_COLUMNS))
        self._nobody_is_stuck()
        self._companies()
        self._waits(at)
        self._what_went_out()

    # At each step

    def _nobody_is_stuck(self) -> None:
        for row in self._rows:
            if row["state"] in (_S.ACTIVE, _S.WAITING) and row["wake_at"] is None:
                self._say(f"walk {row['id']} is {row['state']} and never wakes")

    def _companies(self) -> None:
        """Never more than the limit, unless it was lowered; and whoever is held is held by somebody."""
        now = Counter((r["campaign_id"], r["company_id"]) for r in self._rows if r["company_id"] and _is_on_the_way(r))
        for (campaign, company), number in now.items():
            limit = self._campaigns[campaign].company_limit
            if limit and number > max(limit, self._on_the_way[campaign, company]):
                self._say(f"{number} of one company are on the way, {limit} may be")
        self._on_the_way = now
        for row in self._rows:
            campaign = self._campaigns[row["campaign_id"]]
            is_held = row["state"] == _S.PENDING and row["wake_at"] is None and campaign.status not in OVER
            if is_held and now[campaign.pk, row["company_id"]] < (campaign.company_limit or len(self._rows)):
                self._say(f"walk {row['id']} waits for a place, and there is one")

    def _waits(self, at: datetime) -> None:
        """A wait is as long as it says, and the pauses, and for what came due in them the smear."""
        for row in self._rows:
            campaign, rule = self._campaigns[row["campaign_id"]], row["wake_rule"]
            goes = campaign.status in RUNNING and row["epoch"] == campaign.epoch and row["state"] == _S.WAITING
            if not goes or "config" not in (rule or {}):
                continue
            since, smear = datetime.fromisoformat(rule["since"]), campaign.spread * max(1, len(campaign.pauses))
            if waits.is_for_a_time(rule):
                time = timedelta(minutes=rule["config"]["amount"] * _UNIT[rule["config"]["unit"]])
                more = row["wake_at"] - since - time - self._stood[_visit(row)]
                if not -_SECOND <= more <= smear + self._late[_visit(row)]:
                    self._say(f"walk {row['id']} waits {time} since {since}, wakes {row['wake_at']}: {more} too much")
            elif rule["config"]["mode"] == WaitMode.EVENT:
                until = waits.ends_at(rule["config"], since=since, zone=_AUSTIN, event=campaign.event_date)
                if until and row["wake_at"] > max(until, at) + smear:
                    self._say(f"walk {row['id']} wakes {row['wake_at']}, and the event asks for {until}")

    def _what_went_out(self) -> None:
        rows = {row["id"]: row for row in self._rows}
        for channel, carrier in self.carriers.items():
            sent = carrier.rows()
            new, self._sent[channel] = sent[self._sent[channel] :], len(sent)
            if not new:
                continue
            messages = {str(m.pk): m for m in Message.objects.filter(pk__in=[each["key"] for each in new])}
            for each in new:
                message = messages[each["key"]]
                row = rows[message.enrollment_id] if message.enrollment_id else None
                if row:
                    self._went_out(message, row)

    def _went_out(self, message: Message, row: Row) -> None:
        campaign = self._campaigns[row["campaign_id"]]
        if row["state"] == _S.PAUSED:
            self._say(f"message {message.pk} went out to whoever is paused")
        if campaign.status not in RUNNING:
            self._say(f"message {message.pk} went out of a campaign that is {campaign.status}")
        resumed = datetime.fromisoformat(campaign.pauses[-1][1]) if campaign.pauses else None
        tried_before = resumed and Attempt.objects.filter(message=message, dispatched_at__lt=resumed).exists()
        if resumed and message.created_at < resumed and not tried_before:
            self._say(f"message {message.pk} was written before a pause and went out after it")
        for replied in self._replies[row["contact_id"]]:
            if replied <= row["enrolled_at"]:
                continue
            if message.created_at < replied:
                self._say(f"message {message.pk} was written before they answered and went out after it")
            elif message.created_at > replied and not self._leads_on(row, replied):
                self._say(f"message {message.pk} was written to whoever had answered")

    def _leads_on(self, row: Row, since: datetime) -> bool:
        graph = self._campaigns[row["campaign_id"]].graph
        passed = EnrollmentEvent.objects.filter(
            enrollment=row["id"], kind=EnrollmentEventKind.PASSED, at__gte=since, data__outcome=HappeningKind.REPLY
        )
        return bool(graph.on_reply) or passed.exists()

    def _say(self, fault: str) -> None:
        if len(self.found) < 20 and fault not in self.found:
            self.found.append(fault)

    # At the end

    def faults_found(self) -> list[str]:
        """Return what does not hold, in words; [] where all does."""
        return [
            *self.found, *self._once(), *self._no_loss(), *self._truth(), *self._stop(), *self._gate(),
            *self._history(), *self._numbers(), *self._waited(), *self._heard(), *self._clicked(), *self._paced(),
        ]  # fmt: skip

    def _ledger(self) -> list[dict[str, str]]:
        return [row for carrier in self.carriers.values() for row in carrier.rows()]

    def _once(self) -> list[str]:
        sent = Counter(row["key"] for row in self._ledger())
        found = [f"{key} was sent {times} times" for key, times in sent.items() if times > 1]
        by_key = {str(message.pk): message for message in Message.objects.filter(direction="outbound")}
        lines = Counter(
            (row["to"], by_key[row["key"]].node_id, by_key[row["key"]].visit, by_key[row["key"]].run_no)
            for row in self._ledger()
            if row["key"] in by_key
        )
        return found + [f"{line} got {times} at one step" for line, times in lines.items() if times > 1]

    def _no_loss(self) -> list[str]:
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

    def _truth(self) -> list[str]:
        sent = {row["key"] for row in self._ledger()}
        rows = Message.objects.filter(direction="outbound")
        return [
            f"message {m.pk} is {m.state}, and the carrier {'has' if str(m.pk) in sent else 'has not'} sent it"
            for m in rows
            if (m.state in _SENT) != (str(m.pk) in sent)
        ]

    def _stop(self) -> list[str]:
        return [
            f"{row['to']} was written to at {row['at']}, after a stop at {self.forbidden[row['to']]}"
            for row in self._ledger()
            if row["to"] in self.forbidden and datetime.fromisoformat(row["at"]) > self.forbidden[row["to"]]
        ]

    def _gate(self) -> list[str]:
        decisions = {decision.pk: decision for decision in GateDecision.objects.filter(action="dispatch")}
        tries = Attempt.objects.select_related("message")
        touched = set(Touch.objects.filter(counts=True).values_list("source_id", flat=True))
        return [
            *[f"try {t.pk} has no receipt" for t in tries if t.decision_id not in decisions],
            *[f"the receipt of {t.pk} does not replay" for t in tries if deciding.replay(decisions[t.decision_id])],
            *[f"try {t.pk} counts in no cap" for t in tries if t.outcome == "accepted" and t.pk not in touched],
        ]  # fmt: skip

    def _history(self) -> list[str]:
        found = []
        events = defaultdict(list)
        for event in EnrollmentEvent.objects.order_by("id"):
            events[event.enrollment_id].append(event)
        for walk in Enrollment.objects.select_related("status"):
            told = replay(events[walk.pk])
            status = walk.status.name if walk.status else ""
            kept = (walk.state, walk.node_id, walk.visit, status, walk.reason)
            if (told.state, told.node, told.visit, told.status, told.reason) != kept:
                found.append(f"walk {walk.pk} is {kept}, its history says {told}")
            ends = [event.kind for event in events[walk.pk] if event.state in ENDED]
            if len(ends) > 1 and walk.state != ends[0]:
                found.append(f"walk {walk.pk} ended as {ends}")
        open_steps = EnrollmentStep.objects.filter(ended_at=None).exclude(enrollment__state__in=LIVE)
        found += [f"step {step.pk} was never ended" for step in open_steps]
        return found

    def _numbers(self) -> list[str]:
        found = []
        for campaign in self._campaigns.values():
            walks = Enrollment.objects.filter(campaign=campaign)
            there = Counter(f"state:{state}" for state in walks.values_list("state", flat=True))
            there += Counter(f"status:{status}" for status in walks.values_list("status", flat=True) if status)
            told = counting.numbers(campaign)
            said = Counter({k: v for k, v in told.items() if v and k.startswith(("state:", "status:"))})
            if said != there or told.get("total_contacts", 0) != len(walks):
                found.append(f"counted {told}, there are {there}, in all {len(walks)}")
            found += self._numbers_of_nodes(campaign)
        return found

    def _numbers_of_nodes(self, campaign: Campaign) -> list[str]:
        place_of = {state: place for place, states in DELIVERIES.items() for state in states}
        there: dict[UUID, Counter[str]] = defaultdict(Counter)
        for message in Message.objects.filter(campaign=campaign, direction="outbound"):
            if message.node_id:
                there[message.node_id][f"{message.channel}:{place_of[MessageState(message.state)]}"] += 1
        for node in EnrollmentStep.objects.filter(ended_at=None, enrollment__campaign=campaign).values_list(
            "node", flat=True
        ):
            there[node]["held"] += 1
        told = {
            node: Counter({k: v for k, v in of.items() if v and (k == "held" or k in _PLACES)})
            for node, of in counting.by_node(campaign).items()
        }
        nodes = there.keys() | told.keys()
        return [f"counted {told.get(n)}, there are {there[n]}" for n in nodes if (told.get(n) or Counter()) != there[n]]

    def _waited(self) -> list[str]:
        """Nobody waits less than they should; whoever waits for an answer and answers is not thrown out for it."""
        found = []
        steps = EnrollmentStep.objects.filter(node__type__in=["wait", "wait_for"], ended_at__isnull=False)
        for step in steps.select_related("node", "enrollment"):
            config, visit = step.node.config, (step.enrollment_id, step.node_id, step.visit)
            if (step.outcome == "over" and config.get("mode") == WaitMode.DURATION) or step.exit == Exit.TIMEOUT:
                time = timedelta(minutes=config["amount"] * _UNIT[config["unit"]])
                waited = step.ended_at - step.begun_at - self._stood[visit]
                if waited < time - _SECOND:
                    found.append(f"walk {step.enrollment_id} waited {waited} instead of {time}")
            thrown_out = step.outcome == "left" and step.enrollment.reason == "replied"
            if thrown_out and config.get("event") == HappeningKind.REPLY:
                found.append(f"walk {step.enrollment_id} waited for an answer and was thrown out for it")
        return found

    def _heard(self) -> list[str]:
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
        ended = Enrollment.objects.filter(reason="terminal_session").exclude(contact__in=self.closed)
        found += [f"walk {walk.pk} ended by a closing that there was not" for walk in ended]
        led_on = Enrollment.objects.filter(reason="replied").exclude(graph__on_reply="")
        parked = set(
            EnrollmentEvent.objects.filter(kind=EnrollmentEventKind.PARKED).values_list("enrollment", flat=True)
        )
        found += [f"walk {w.pk} ended by an answer that leads on" for w in led_on if w.node_id and w.pk not in parked]
        return found + self._unheard()

    def _unheard(self) -> list[str]:
        """An answer leads on or ends a walk, whatever else is heard of with it."""
        found = []
        for news in Happening.objects.filter(kind=HappeningKind.REPLY):
            walks = Enrollment.objects.filter(contact=news.contact_id, enrolled_at__lt=news.at, graph__on_reply="")
            led_on = EnrollmentEvent.objects.filter(
                kind=EnrollmentEventKind.PASSED, at__gte=news.at, data__outcome=HappeningKind.REPLY
            )
            walks = walks.exclude(ended_at__lte=news.handled_at).exclude(pk__in=led_on.values("enrollment"))
            found += [f"walk {walk.pk} heard nothing of an answer of {news.at}" for walk in walks]
        return found

    def _clicked(self) -> list[str]:
        """Of each message the first click is kept, and only whoever clicked in their own mail went on for it."""
        kept = dict(Message.objects.exclude(clicked_at=None).values_list("pk", "clicked_at"))
        told = {UUID(key): at for key, at in self._clicks.items()}
        found = [
            f"message {key} was clicked at {told.get(key)}, it says {kept.get(key)}"
            for key in told.keys() | kept
            if told.get(key) != kept.get(key)
        ]
        steps = EnrollmentStep.objects.filter(outcome=HappeningKind.LINK_CLICK)
        clicked = Message.objects.filter(pk__in=told, enrollment=OuterRef("enrollment"))
        found += [f"walk {step.enrollment_id} went on by a click of nobody" for step in steps.exclude(Exists(clicked))]
        return found

    def _paced(self) -> list[str]:
        """In no 24 hours more begin than their campaign says, whatever gave them their time."""
        found = []
        for campaign in self._campaigns.values():
            often = campaign.starts_per_day or len(self._rows)
            walked = EnrollmentEvent.objects.filter(enrollment__campaign=campaign, node__isnull=False).order_by()
            begins = sorted(row["first"] for row in walked.values("enrollment").annotate(first=Min("at")))
            for first, more in zip(begins, begins[often:], strict=False):
                if more - first < _DAY:
                    found.append(f"{often + 1} begin between {first} and {more}")
        return found


_PLACES: Final = {f"{channel}:{place}" for channel in ("sms", "email", "voicemail") for place in DELIVERIES}


def _visit(row: Row) -> Visit:
    return row["id"], row["node_id"], row["visit"]


def _is_on_the_way(row: Row) -> bool:
    if row["state"] in ENDED or (row["state"] == _S.PENDING and row["wake_at"] is None):
        return False
    return not (row["state"] == _S.PAUSED and row["paused_from"] == _S.PENDING and row["left"] is None)
