"""A world of campaigns and people, and all that may happen in it, in an order that a seed decides, on one thread.

The clock is set, the carriers break and lie, processes die at fault points, people answer, are called, opt out, are
closed and paused, and those who run the campaigns change their minds.
"""

import random
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from calls.choices import TerminalKind
from calls.services import terminal
from campaigns.choices import LIVE, OVER, AwaitedEvent, CampaignStatus, EnrollmentState, HappeningKind
from campaigns.models import Campaign, Enrollment, EnrollmentStatus, Happening, Message, SendingAccount
from campaigns.services import accounts as sending_accounts
from campaigns.services import (
    campaigns,
    clicks,
    enrolling,
    evidence,
    handling,
    happenings,
    inbound,
    letting_go,
    places,
    starting,
)
from campaigns.services.dispatch import accounts, reconciling, running, sweeping
from campaigns.services.engine import batches
from campaigns.services.inbound import Heard
from campaigns.services.templates import HasFaults
from campaigns.tests import fate
from campaigns.tests.breaking import breaking
from campaigns.tests.carriers import EVERYBODY, Carrier
from campaigns.tests.factories import SendingAccountFactory
from campaigns.tests.simulation_graphs import DRAWINGS
from campaigns.tests.walks import begun, enrolled
from campaigns.tests.watching import Watch
from config.kernel import faults
from config.kernel.ids import uuid7
from config.testing import NOON
from crm.models import Contact
from crm.services import suppressing
from crm.tests.factories import CompanyFactory, ContactFactory, ContactPointFactory, UserFactory

_MODES: Final = [
    "accept", "accept", "accept_then_500", "accept_then_hang", "refused", "500", "bad_number", "busy", "bug",
]  # fmt: skip
_POINTS: Final = [
    "engine.after_claim", "engine.before_commit", "letting_go.before_commit", "send.after_claim", "send.after_mark",
    "send.after_call", "send.before_record", "send.after_record",
]  # fmt: skip


class Killed(BaseException):
    """The process ends here: nothing behind it is done, and nothing catches it."""


class World:
    """Two campaigns, nine people of two firms, two of whom share a line; ``watch`` is told what they do."""

    def __init__(self, seed: int, carriers: dict[str, Carrier]) -> None:
        self.seed, self.random, self.carriers, self.at = seed, random.Random(seed), carriers, NOON
        fate.it_is(NOON)
        EnrollmentStatus.objects.all().delete()  # those of the migrations have keys of another day
        self.watch = Watch(carriers)
        for n in range(2):
            SendingAccountFactory(name=f"Line {n}", per_second=50.0, address=f"+151255599{n:02}")
        SendingAccountFactory(name="Mail", channel="email", per_second=50.0, address="team@clearline.example")
        self.user = UserFactory(admin=True, email="admin@clearline.example", name="Admin")
        firms = [CompanyFactory(name="One LLC"), CompanyFactory(name="Two LLC"), None]
        self.people = [
            ContactFactory(
                last_name=f"Walker{n}", phone=f"+151255501{n:02}", email=f"walker{n}@example.com", company=firms[n % 3]
            )
            for n in range(8)
        ]
        line, other = self.people[0].points.get(kind="phone").endpoint, ContactFactory(last_name="Walker8")
        self.people.append(ContactPointFactory(contact=other, endpoint=line, is_primary=True).contact)
        self.campaigns = [self._campaign(f"Campaign {n}") for n in range(2)]
        for campaign in self.campaigns:
            enrolled(campaign, self.people[: self.random.randint(2, 9)])

    def _campaign(self, name: str) -> Campaign:
        pick = self.random.choice
        drawn = pick(DRAWINGS)
        fields: dict[str, Any] = {
            "company_limit": pick([None, None, 1, 2]), "starts_per_day": pick([None, None, 3]),
            "exclusive": pick([True, False]), "event_date": (NOON + timedelta(days=pick([2, 4]))).date(),
        }  # fmt: skip
        campaign = begun(drawn, name=name, spread_minutes=30, **fields)
        if self.random.random() < 0.3:
            campaign.goal = EnrollmentStatus.objects.get(name="Needs BDR")
        letting_go.begin_epoch(campaign, since=NOON, at=NOON)  # as every start does
        campaign.save()
        return campaign

    # What may happen

    def later(self) -> None:
        self.passes(timedelta(minutes=self.random.choice([1, 1, 5, 30, 240])))

    def engine(self) -> None:
        size = self.random.randint(1, 4)
        batches.heard(at=self.at, size=self.random.randint(1, 6))
        for campaign in self.campaigns:
            batches.settled(campaign.pk, at=self.at, size=size)
            batches.due(campaign.pk, at=self.at, size=size)
            batches.beginning(campaign.pk, at=self.at, size=size)

    def breakage(self) -> None:
        """For a while something is not as the engine thinks: some of those whom it looks at need somebody."""
        with breaking(self.random, often=self.random.choice([0.2, 0.6])):
            self.engine()

    def dispatch(self) -> None:
        accounts.route(at=self.at)
        ready = sorted(accounts.ready(at=self.at), key=lambda account: account.id)
        for account in self.random.sample(ready, len(ready)):
            running.send_batch(account)

    def sweep(self) -> None:
        sweeping.sweep(at=self.at)
        reconciling.reconcile(at=self.at)

    def carrier_changes(self) -> None:
        to = self.random.choice([EVERYBODY, self.line_of(self._somebody())])
        self.carriers[self.random.choice(["sms", "sms", "email"])].behave(self.random.choice(_MODES), to)

    def news(self) -> None:
        channel = self.random.choice(["sms", "email"])
        rows = self.carriers[channel].rows()
        if rows:
            row = self.random.choice(rows)
            status = self.random.choice(["delivered", "undelivered", "accepted"])
            told = (
                {"token": row["token"]}
                if self.random.random() < 0.7
                else {"token": row["token"], "reference": f"R{row['reference']}"}
            )
            evidence.bind(provider=channel, status=status, at=self.at, **told)

    def click(self) -> None:
        """Somebody opens a link in what they got, or a program does that opens every link."""
        if rows := self.carriers["email"].rows():
            waits = Enrollment.objects.filter(state__in=LIVE, node__config__event=AwaitedEvent.LINK_CLICK)
            theirs = Message.objects.filter(contact__in=waits.values("contact"), channel="email")
            awaited = [row for row in rows if row["key"] in set(map(str, theirs.values_list("pk", flat=True)))]
            row = self.random.choice(awaited if awaited and self.random.random() < 0.6 else rows)
            automatic = self.random.random() < 0.3
            if not automatic:
                self.watch.clicked(row["key"], self.at)
            clicks.keep(provider="email", token=row["token"], clicked_at=self.at, at=self.at, automatic=automatic)

    def answer(self, who: Contact | None = None) -> None:
        text = self.random.choice(["Yes please", "Sure", "STOP", "I am out of office until Monday", "who is this?"])
        who = who or self._asked()
        if text == "STOP":
            self.watch.forbid(who, self.line_of(who), self.at)
        known = set(Happening.objects.values_list("pk", flat=True))
        heard = Heard("sms", "sms", self.line_of(who), "+15125559999", text, self.at, reference=f"in-{uuid7()}")
        inbound.receive(heard)
        for told in Happening.objects.exclude(pk__in=known).filter(kind=HappeningKind.REPLY).order_by("pk"):
            self.watch.replied(told.contact_id, self.at)

    def call(self, who: Contact | None = None) -> None:
        """A call that ends somehow; "Busy" is to be called again."""
        who, said = who or self._asked(), self.random.choice(["Busy", "Gatekeeper", "Wrong person"])
        data = {"disposition": said, "channel": "call"}
        happenings.keep(contacts=[who.pk], kind=HappeningKind.CALL_OUTCOME, cause=uuid7(), at=self.at, data=data)
        if said == "Busy":
            terminal.close(
                scope="contact", subject=who, kind=TerminalKind.RETRY, reason=said, by=self.user, at=self.at,
                until=self.at + timedelta(hours=2),
            )  # fmt: skip

    def talk(self) -> None:
        """Several things at once, before the engine hears of any; some are paused by hand for it."""
        who = self._asked()
        if self.random.random() < 0.5:
            walks = list(Enrollment.objects.filter(contact=who).order_by("id").values_list("pk", flat=True))
            handling.pause(walks, by=self.user, at=self.at)
        for _ in range(self.random.randint(1, 3)):
            self.random.choice([self.answer, self.call])(who)

    def suppression(self) -> None:
        who = self._somebody()
        point = who.points.get(kind="phone")
        suppressing.suppress(endpoint=point.endpoint, reason="asked", source="telephone", by=self.user, at=self.at)
        self.watch.forbid(who, point.endpoint.value, self.at)

    def closing(self) -> None:
        who = self._somebody()
        terminal.close(
            scope="contact", subject=who, kind="terminal", reason="Busy season", by=self.user, at=self.at,
            until=self.at + timedelta(days=self.random.randint(1, 5)),
        )  # fmt: skip
        self.watch.closed.add(who.pk)

    def run_campaign(self) -> None:
        """Whoever runs it pauses it, resumes it, lets it run dry or ends it."""
        row = self._one()
        if row.status == CampaignStatus.PAUSED:
            verb = self.random.choice([campaigns.resume] * 6 + [campaigns.drain, campaigns.complete])
        elif row.status == CampaignStatus.ACTIVE:
            verb = self.random.choice([campaigns.pause] * 12 + [campaigns.drain, campaigns.complete])
        else:
            verb = campaigns.resume
        with suppress(campaigns.WrongStatus, HasFaults):
            verb(row=row, by=self.user, at=self.at)

    def edit(self) -> None:
        row = self._one()
        changes: dict[str, Any] = {"company_limit": self.random.choice([None, 1, 2])}
        if row.status == CampaignStatus.PAUSED:
            changes["event_date"] = (NOON + timedelta(days=self.random.randint(1, 7))).date()
        if row.status not in OVER:
            campaigns.edit(row=row, changes=changes, by=self.user, at=self.at)

    def enrol(self) -> None:
        with suppress(enrolling.NotOpen):
            enrolled(self._one(), self.random.sample(self.people, self.random.randint(1, 4)), at=self.at)

    def account(self) -> None:
        row = SendingAccount.objects.filter(channel="sms").order_by("id")[1]
        sending_accounts.edit(row=row, changes={"is_active": not row.is_active}, by=self.user, at=self.at)

    def backlog(self) -> None:
        starting.finish_drained(at=self.at)
        for campaign in starting.to_be_left():
            starting.let_leave(campaign=campaign, at=self.at, size=3)
        for campaign in letting_go.unfinished():
            letting_go.let_go(campaign=campaign, at=self.at, size=3)
        for campaign in places.unfinished():
            places.give(campaign=campaign, at=self.at)

    def hand(self) -> None:
        who = list(Enrollment.objects.order_by("id").values_list("pk", flat=True))
        some = self.random.sample(who, min(len(who), self.random.randint(1, 3)))
        verb = self.random.choice(["pause", "pause", "resume", "resume", "retry", "leave"])
        if verb == "leave" and self.random.random() < 0.8:
            return
        extra = {"reason": "Simulated"} if verb == "leave" else {}
        getattr(handling, verb)(some, by=self.user, at=self.at, **extra)

    def retry(self) -> None:
        parked = Enrollment.objects.filter(state=EnrollmentState.PARKED).order_by("id").values_list("pk", flat=True)
        some = [key for key in parked if self.random.random() < 0.5]
        handling.retry(some, by=self.user, at=self.at)

    def status(self) -> None:
        who = list(Enrollment.objects.order_by("id").values_list("pk", flat=True))
        named = EnrollmentStatus.objects.get(name=self.random.choice(["No Activity", "No Activity", "Needs BDR"]))
        handling.set_status([self.random.choice(who)], status=named, by=self.user, at=self.at)

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

    # Who and when

    def passes(self, time: timedelta) -> None:
        self.watch.passes(time, self.at)
        self.at += time
        fate.it_is(self.at)

    def _one(self) -> Campaign:
        return Campaign.objects.get(pk=self.random.choice(self.campaigns).pk)

    def _somebody(self) -> Contact:
        return self.random.choice(self.people)

    def _asked(self) -> Contact:
        """Somebody of whom something is awaited, if there is anybody."""
        waiting = Enrollment.objects.filter(state__in=LIVE, node__type="wait_for").values("contact")
        asked = [who for who in self.people if who in set(Contact.objects.filter(pk__in=waiting))]
        return self.random.choice(asked if asked and self.random.random() < 0.6 else self.people)

    def line_of(self, contact: Contact) -> str:
        return str(contact.points.get(kind="phone").endpoint.value)
