"""What campaigns promise at every moment (trust 3.5), looked at after each step of a simulation."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from campaigns.choices import ENDED, OVER, RUNNING, EnrollmentEventKind, EnrollmentState, HappeningKind, WaitMode
from campaigns.models import Attempt, Campaign, Enrollment, EnrollmentEvent, Message
from campaigns.rules import waits
from campaigns.rules.moves import is_paused
from campaigns.tests.carriers import Carrier
from crm.models import Contact

_S, _K = EnrollmentState, EnrollmentEventKind
_STAYS: Final = {_K.STATUS, _K.PAUSED, _K.RESUMED, _K.PARKED}  # whoever it happens to is still where they were
UNIT: Final = {"minutes": 1, "hours": 60, "days": 24 * 60}
_COLUMNS: Final = (
    "id", "campaign_id", "contact_id", "company_id", "state", "node_id", "visit", "wake_at", "wake_rule", "epoch",
    "paused_from", "left", "enrolled_at",
)  # fmt: skip
_AUSTIN: Final = ZoneInfo("America/Chicago")
SECOND: Final = timedelta(seconds=1)
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
        self.clicks: dict[str, datetime] = {}
        self.stood: dict[Visit, timedelta] = defaultdict(timedelta)
        self._late: dict[Visit, timedelta] = defaultdict(timedelta)
        self._on_the_way: Counter[tuple[UUID, UUID]] = Counter()
        self._sent: dict[str, int] = Counter()
        self.rows: list[Row] = []
        self.campaigns: dict[UUID, Campaign] = {}

    # What the simulation tells

    def forbid(self, contact: Contact, line: str, at: datetime) -> None:
        self.forbidden.setdefault(line, at)

    def replied(self, contact: UUID, at: datetime) -> None:
        self._replies[contact].append(at)

    def clicked(self, key: str, at: datetime) -> None:
        self.clicks.setdefault(key, at)

    def passes(self, time: timedelta, at: datetime) -> None:
        """Time passes: for some it does not count."""
        for row in self.rows:
            if not {row["state"], row["paused_from"]} & {_S.WAITING, _S.PENDING}:
                continue
            stands = self.campaigns[row["campaign_id"]].status not in RUNNING
            if stands or row["state"] == _S.PAUSED:
                self.stood[visit_of(row)] += time
            elif row["wake_at"] and row["wake_at"] < at + time:
                self._late[visit_of(row)] += time

    def digest(self) -> str:
        """Return what has become of everybody, in short."""
        return sha256(repr(self.rows).encode()).hexdigest()[:12]

    def look(self, at: datetime) -> None:
        """Look at what must hold at this moment."""
        self.campaigns = Campaign.objects.in_bulk()
        self.rows = list(Enrollment.objects.order_by("id").values(*_COLUMNS))
        self._begin_anew()
        self._nobody_is_stuck()
        self._companies()
        self._waits(at)
        self._what_went_out()

    # At each step

    def _begin_anew(self) -> None:
        """The wait of whoever is parked begins anew once it is tried again."""
        for row in self.rows:
            if row["state"] == _S.PARKED:
                self.stood.pop(visit_of(row), None)
                self._late.pop(visit_of(row), None)

    def _nobody_is_stuck(self) -> None:
        for row in self.rows:
            if row["state"] in (_S.ACTIVE, _S.WAITING) and row["wake_at"] is None:
                self._say(f"walk {row['id']} is {row['state']} and never wakes")

    def _companies(self) -> None:
        """Never more than the limit, unless it was lowered; and whoever is held is held by somebody."""
        now = Counter((r["campaign_id"], r["company_id"]) for r in self.rows if r["company_id"] and _is_on_the_way(r))
        # Whoever is parked before they begin takes a place, also if they had none and waited for it.
        unbegun = Counter((r["campaign_id"], r["company_id"]) for r in self.rows if _never_began(r))
        for (campaign, company), number in now.items():
            limit = self.campaigns[campaign].company_limit
            if limit and number - unbegun[campaign, company] > max(limit, self._on_the_way[campaign, company]):
                self._say(f"{number} of one company are on the way, {limit} may be")
        self._on_the_way = now
        for row in self.rows:
            campaign = self.campaigns[row["campaign_id"]]
            goes_on = campaign.status in OVER or campaign.places_given_to  # they leave, or their turn comes by itself
            is_held = row["state"] == _S.PENDING and row["wake_at"] is None and not goes_on
            if is_held and now[campaign.pk, row["company_id"]] < (campaign.company_limit or len(self.rows)):
                self._say(f"walk {row['id']} waits for a place, and there is one")

    def _waits(self, at: datetime) -> None:
        """A wait is as long as it says, and the pauses, and for what came due in them the smear."""
        for row in self.rows:
            campaign, rule = self.campaigns[row["campaign_id"]], row["wake_rule"]
            goes = campaign.status in RUNNING and row["epoch"] == campaign.epoch and row["state"] == _S.WAITING
            if not goes or "config" not in (rule or {}):
                continue
            since, smear = datetime.fromisoformat(rule["since"]), campaign.spread * max(1, len(campaign.pauses))
            if waits.is_for_a_time(rule):
                time = timedelta(minutes=rule["config"]["amount"] * UNIT[rule["config"]["unit"]])
                more = row["wake_at"] - since - time - self.stood[visit_of(row)]
                if not -SECOND <= more <= smear + self._late[visit_of(row)]:
                    self._say(f"walk {row['id']} waits {time} since {since}, wakes {row['wake_at']}: {more} too much")
            elif rule["config"]["mode"] == WaitMode.EVENT:
                until = waits.ends_at(rule["config"], since=since, zone=_AUSTIN, event=campaign.event_date)
                if until and row["wake_at"] > max(until, at) + smear:
                    self._say(f"walk {row['id']} wakes {row['wake_at']}, and the event asks for {until}")

    def _what_went_out(self) -> None:
        rows = {row["id"]: row for row in self.rows}
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
        campaign = self.campaigns[row["campaign_id"]]
        if is_paused(row["state"], row["wake_rule"]):
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
        graph = self.campaigns[row["campaign_id"]].graph
        return bool(graph.on_reply) or has_answered(row["id"], since=since, until=since)

    def _say(self, fault: str) -> None:
        if len(self.found) < 20 and fault not in self.found:
            self.found.append(fault)


def has_answered(walk: UUID, *, since: datetime, until: datetime) -> bool:
    """Say whether an answer has led them on ``since`` then, or before, to where nothing had begun ``until`` then."""
    led, rests, began = False, False, since
    for event in EnrollmentEvent.objects.filter(enrollment=walk).exclude(kind__in=_STAYS).order_by("id"):
        if rests and began <= until <= event.at:
            return True
        rests, began = led and (event.kind, event.state) == (_K.ARRIVED, _S.ACTIVE), event.at
        led = event.kind == _K.PASSED and event.data.get("outcome") == HappeningKind.REPLY
        if led and event.at >= since:
            return True
    return rests and began <= until


def visit_of(row: Row) -> Visit:
    return row["id"], row["node_id"], row["visit"]


def _never_began(row: Row) -> bool:
    return bool(row["state"] == _S.PARKED and row["node_id"] is None)


def _is_on_the_way(row: Row) -> bool:
    if row["state"] in ENDED or (row["state"] == _S.PENDING and row["wake_at"] is None):
        return False
    return not (row["state"] == _S.PAUSED and row["paused_from"] == _S.PENDING and row["left"] is None)
