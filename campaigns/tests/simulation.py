"""A campaign of weeks in seconds: everything that can happen to it, in an order that a seed decides, on one thread.

The clock is set, the carrier breaks and lies, processes die at fault points, people answer, opt out, are closed and
paused. Then the faults stop, time passes, and what must hold is looked at (trust 3.5).
"""

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from calls.services import deciding, terminal
from campaigns.choices import LIVE, SETTLED, CampaignStatus, EnrollmentState, MessageState
from campaigns.models import (
    Attempt,
    Campaign,
    CampaignCount,
    Enrollment,
    EnrollmentEvent,
    EnrollmentStep,
    Happening,
    Message,
)
from campaigns.rules.drawings import Drawing
from campaigns.rules.history import replay
from campaigns.services import evidence, handling, inbound, letting_go
from campaigns.services.dispatch import accounts, exits, reconciling, running, sweeping
from campaigns.services.engine import batches
from campaigns.services.engine import running as engine
from campaigns.services.inbound import Heard
from campaigns.tests.carriers import EVERYBODY, Carrier
from campaigns.tests.drawings import drawing, edge, node
from campaigns.tests.factories import SendingAccountFactory
from campaigns.tests.walks import begun, enrolled, paused, resumed
from config.kernel import clock, faults
from config.testing import NOON
from crm.models import Contact, GateDecision, Touch
from crm.services import suppressing
from crm.tests.factories import ContactFactory, ContactPointFactory, UserFactory

DRAWINGS: Final[list[Drawing]] = [
    drawing(
        node("begin", "stage", status="No Activity"), node("one", "sms_send"), node("ask", "wait_for", amount=1),
        node("yes", "stage", status="Needs BDR"), node("again", "jump", rounds=2), node("end", "exit"),
        "begin>one", "one>ask", "ask:happened>yes", "ask:timeout>again", "again:again>one", "again:done>end",
    ),
    drawing(
        node("way", "split"), node("one", "sms_send", when_blocked="advance"), node("two", "sms_send"),
        node("wait", "wait", amount=5, unit="hours"), node("last", "branch"), node("more", "sms_send"),
        node("end", "exit"),
        edge("way:a>one", weight=50), edge("way:b>two", weight=50), "one>wait", "two>wait", "wait>last",
        edge("last:sent>more", fact="last.outcome", value=["accepted", "delivered"], **{"is": "among"}),
        "last:else>end", "more>end",
    ),
    drawing(
        node("one", "sms_send", when_blocked="exit"),
        node("wait", "wait", mode="weekday", weekdays=["thursday"], time="10:00"),
        node("two", "sms_send"), node("thanks", "sms_send"), node("end", "exit"),
        "one>wait", "wait>two", "two>end", "thanks>end",
    ),
]  # fmt: skip
for _drawing in DRAWINGS[2:]:
    _drawing.by_key["wait"].config.pop("amount")  # type: ignore[attr-defined]
    _drawing.by_key["wait"].config.pop("unit")  # type: ignore[attr-defined]
_SENT: Final = {MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.UNDELIVERED}
_MODES: Final = [
    "accept",
    "accept",
    "accept_then_500",
    "accept_then_hang",
    "refused",
    "500",
    "bad_number",
    "busy",
    "bug",
]
_POINTS: Final = [
    "engine.after_claim", "engine.before_commit", "letting_go.before_commit", "send.after_claim", "send.after_mark",
    "send.after_call", "send.before_record", "send.after_record",
]  # fmt: skip


class Killed(BaseException):
    """The process ends here: nothing behind it is done, and nothing catches it."""


class World:
    def __init__(self, seed: int, carrier: Carrier) -> None:
        self.seed, self.random, self.carrier, self.at = seed, random.Random(seed), carrier, NOON
        SendingAccountFactory(per_second=50.0)
        self.user = UserFactory(admin=True)
        fields: dict[str, Any] = {"spread_minutes": 30, "company_limit": None}
        self.campaign = begun(self.random.choice(DRAWINGS), **fields)
        self.people = [ContactFactory(phone=f"+151255501{number:02}") for number in range(8)]
        line = self.people[0].points.get().endpoint
        self.people.append(ContactPointFactory(contact=ContactFactory(), endpoint=line, is_primary=True).contact)
        enrolled(self.campaign, self.people)
        self.forbidden: dict[str, datetime] = {}
        self.told: set[str] = set()

    # What may happen

    def later(self) -> None:
        self.at += timedelta(minutes=self.random.choice([1, 1, 5, 30, 240]))

    def engine(self) -> None:
        size = self.random.randint(1, 4)
        batches.heard(at=self.at, size=size)
        batches.settled(self.campaign.pk, at=self.at, size=size)
        batches.due(self.campaign.pk, at=self.at, size=size)

    def dispatch(self) -> None:
        accounts.route(at=self.at)
        for account in accounts.ready(at=self.at):
            running.send_batch(account)

    def sweep(self) -> None:
        sweeping.sweep(at=self.at)
        reconciling.reconcile(at=self.at)

    def carrier_changes(self) -> None:
        to = self.random.choice([EVERYBODY, self._line(self._somebody())])
        self.carrier.behave(self.random.choice(_MODES), to)

    def news(self) -> None:
        rows = self.carrier.rows()
        if rows:
            row = self.random.choice(rows)
            status = self.random.choice(["delivered", "undelivered", "accepted"])
            told = (
                {"token": row["token"]}
                if self.random.random() < 0.7
                else {"token": row["token"], "reference": f"R{row['reference']}"}
            )
            evidence.bind(provider="sms", status=status, at=self.at, **told)

    def answer(self) -> None:
        text = self.random.choice(["Yes please", "STOP", "I am out of office until Monday", "who is this?"])
        sender = self._line(self._somebody())
        if text == "STOP":
            self.forbidden.setdefault(sender, self.at)
        self.told.add(f"{len(self.told)}")
        heard = Heard("sms", "sms", sender, "+15125559999", text, self.at, reference=f"in-{len(self.told)}")
        inbound.receive(heard)

    def suppression(self) -> None:
        point = self._somebody().points.get()
        suppressing.suppress(endpoint=point.endpoint, reason="asked", source="telephone", by=self.user, at=self.at)
        self.forbidden.setdefault(point.endpoint.value, self.at)

    def closing(self) -> None:
        terminal.close(
            scope="contact", subject=self._somebody(), kind="hold", reason="Busy", by=self.user, at=self.at,
            until=self.at + timedelta(days=self.random.randint(1, 5)),
        )  # fmt: skip

    def pause(self) -> None:
        campaign = Campaign.objects.get(pk=self.campaign.pk)
        if campaign.status == CampaignStatus.ACTIVE:
            paused(campaign, self.at)
        else:
            resumed(campaign, self.at)

    def backlog(self) -> None:
        for campaign in letting_go.unfinished():
            letting_go.let_go(campaign=campaign, at=self.at, size=3)

    def hand(self) -> None:
        who = list(Enrollment.objects.order_by("id").values_list("pk", flat=True))
        one = [self.random.choice(who)]
        verb = self.random.choice(["pause", "resume", "retry", "leave"])
        if verb == "leave" and self.random.random() < 0.8:
            return
        extra = {"reason": "Simulated"} if verb == "leave" else {}
        getattr(handling, verb)(one, by=self.user, at=self.at, **extra)

    def death(self) -> None:
        """Let the process that does the next thing die at some point of it."""
        point, left = self.random.choice(_POINTS), self.random.randint(0, 2)

        def strike(name: str) -> None:
            nonlocal left
            if name == point:
                left -= 1
                if left < 0:
                    raise Killed

        faults.strike = strike
        try:
            self.random.choice([self.engine, self.dispatch, self.backlog])()
        except Killed:
            pass
        finally:
            faults.strike = None

    # How it goes

    def run(self, steps: int) -> None:
        weights: dict[Callable[[], None], int] = {
            self.later: 20, self.engine: 25, self.dispatch: 20, self.sweep: 6, self.carrier_changes: 5, self.news: 8,
            self.answer: 3, self.suppression: 1, self.closing: 1, self.pause: 2, self.backlog: 4, self.hand: 3,
            self.death: 8,
        }  # fmt: skip
        for _ in range(steps):
            (act,) = self.random.choices(list(weights), list(weights.values()))
            with clock.standing_at(self.at):
                act()

    def settle_down(self) -> None:
        """The faults stop and time passes, until nothing is left to do."""
        faults.strike = None
        for to in [EVERYBODY, *map(self._line, self.people)]:
            self.carrier.behave("accept", to)
        with clock.standing_at(self.at):
            if Campaign.objects.get(pk=self.campaign.pk).status == CampaignStatus.PAUSED:
                self.pause()
            handling.resume(self._walks(), by=self.user, at=self.at)
        for _ in range(80):
            with clock.standing_at(self.at):
                self._everything()
            if not self._open():
                return
            self.at += timedelta(hours=6)

    def _everything(self) -> None:
        self.sweep()
        for message in Message.objects.filter(state=MessageState.NOT_SENT_PRESUMED, decided_at=None):
            exits.write_off(message=message, by=self.user, at=self.at)
        for _ in range(6):
            self.backlog()
            engine.run(at=self.at)
            self.dispatch()

    def _open(self) -> bool:
        waits = Enrollment.objects.filter(state__in=LIVE).exclude(state=EnrollmentState.PARKED).exists()
        return waits or Message.objects.filter(settled_at=None, direction="outbound").exists()

    def _walks(self) -> list[Any]:
        return list(Enrollment.objects.values_list("pk", flat=True))

    def _somebody(self) -> Contact:
        return self.random.choice(self.people)

    def _line(self, contact: Contact) -> str:
        return str(contact.points.get().endpoint.value)

    # What must hold

    def faults_found(self) -> list[str]:
        """Return what does not hold, in words; [] where all does."""
        found = [*self._once(), *self._no_loss(), *self._truth(), *self._stop(), *self._gate(), *self._history()]
        return [f"seed {self.seed}: {each}" for each in found]

    def _once(self) -> list[str]:
        sent = Counter(self.carrier.ledger())
        found = [f"{key} was sent {times} times" for key, times in sent.items() if times > 1]
        by_key = {str(message.pk): message for message in Message.objects.filter(direction="outbound")}
        lines = Counter(
            (row["to"], by_key[row["key"]].node_id, by_key[row["key"]].visit, by_key[row["key"]].run_no)
            for row in self.carrier.rows()
            if row["key"] in by_key
        )
        return found + [f"{line} got {times} at one step" for line, times in lines.items() if times > 1]

    def _no_loss(self) -> list[str]:
        messages = Message.objects.filter(direction="outbound").exclude(state__in=SETTLED)
        open_ = [f"message {m.pk} is {m.state}" for m in messages if m.state != MessageState.NOT_SENT_PRESUMED]
        walks = Enrollment.objects.filter(state__in=LIVE).exclude(state=EnrollmentState.PARKED)
        news = Happening.objects.filter(handled_at=None).count()
        states = Counter(Enrollment.objects.values_list("state", flat=True))
        rows = CampaignCount.objects.filter(name__startswith="state:")
        counted: Counter[str] = Counter()
        for row in rows:
            counted[row.name.partition(":")[2]] += row.value
        return [
            *open_,
            *[f"walk {walk.pk} still is {walk.state} at {walk.node_id}, wakes {walk.wake_at}" for walk in walks],
            *([f"{news} happenings were not heard"] if news else []),
            *([f"counted {+counted}, there are {states}"] if +counted != states else []),
        ]

    def _truth(self) -> list[str]:
        sent = set(self.carrier.ledger())
        rows = Message.objects.filter(direction="outbound")
        return [
            f"message {m.pk} is {m.state}, and the carrier {'has' if str(m.pk) in sent else 'has not'} sent it"
            for m in rows
            if (m.state in _SENT) != (str(m.pk) in sent)
        ]

    def _stop(self) -> list[str]:
        return [
            f"{row['to']} was written to at {row['at']}, after a stop at {self.forbidden[row['to']]}"
            for row in self.carrier.rows()
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
        for walk in Enrollment.objects.select_related("status"):
            told = replay(EnrollmentEvent.objects.filter(enrollment=walk).order_by("id"))
            status = walk.status.name if walk.status else ""
            kept = (walk.state, walk.node_id, walk.visit, status, walk.reason)
            if (told.state, told.node, told.visit, told.status, told.reason) != kept:
                found.append(f"walk {walk.pk} is {kept}, its history says {told}")
        open_steps = EnrollmentStep.objects.filter(ended_at=None).exclude(enrollment__state__in=LIVE)
        found += [f"step {step.pk} was never ended" for step in open_steps]
        return found
