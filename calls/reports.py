"""Numbers for screens: few queries, frozen dataclasses, nothing is stored."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet

from calls.choices import Direction
from calls.models import CallStatus, Waterfall
from calls.rules.caps import instants
from calls.rules.facts import facts
from calls.rules.policies import DAY, Policy
from config.kernel import kept, prepared
from config.kernel.gate import Approach, Asked, Facts
from crm.choices import Channel
from crm.models import Contact, ProjectContact, User

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often a person was approached in the rolling day and week, and how often they may be."""

    day: int
    day_cap: int
    week: int
    week_cap: int


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Calls that ended in one way today; ``name`` is "No outcome yet" for those without one."""

    name: str
    sentiment: str
    number: int


@dataclass(frozen=True, slots=True)
class OwnDay:
    """A rep's own calls since their midnight, and everybody's of the last hour."""

    calls: int
    reached: int
    positive: int
    pace: int


@dataclass(frozen=True, slots=True)
class RepDay:
    name: str
    calls: int
    conversations: int


@dataclass(frozen=True, slots=True)
class Today:
    """A day at the telephone in the zone of whoever asks; ``callable`` is None until it was first counted."""

    callable: int | None
    counted_at: datetime | None
    calls: int
    by_outcome: list[Outcomes]
    per_rep: list[RepDay]
    to_finish: int
    callbacks_due: int


def waterfall(project_id: UUID | None = None) -> Waterfall | None:
    """Return the last count over all projects, or of one; None if nobody has counted yet."""
    return next(iter(_waterfall(project_id=project_id)), None)


@kept.question
def _waterfall(project_id: UUID | None) -> QuerySet[Waterfall]:
    return Waterfall.objects.filter(project=project_id, at__isnull=False)


def attempts(*, contact: Contact, at: datetime, project_id: UUID | None = None) -> Attempts:
    asked = Approach(contact.pk, None, Channel.CALL.value, project_id=project_id)
    return attempts_in(facts([asked], asked=Asked(at=at, channel=asked.channel))[asked], at=at)


def attempts_in(known: Facts, *, at: datetime) -> Attempts:
    """Return what the gate's own facts about a person tell of it."""
    policy, told = Policy.from_facts(known), known.get("touches.contact")
    touches = instants(told if isinstance(told, list) else [])
    return Attempts(sum(touch > at - DAY for touch in touches), policy.day_cap, len(touches), policy.week_cap)


def own_day(user: User, at: datetime) -> OwnDay:
    return OwnDay(*prepared.rows(_OWN_DAY, {"user": user.pk, "since": midnight(user, at), "hour": at - HOUR})[0])


_OWN_DAY = """
    SELECT count(*), count(*) FILTER (WHERE d.reached), count(*) FILTER (WHERE d.sentiment = 'positive'),
           (SELECT count(*) FROM calls_callstatus t WHERE t.direction = 'outbound' AND t.initiated_at > %(hour)s)
    FROM calls_callstatus s LEFT JOIN calls_disposition d ON d.id = s.disposition_id
    WHERE s.rep_id = %(user)s AND s.direction = 'outbound' AND s.initiated_at >= %(since)s"""


def midnight(user: User, at: datetime) -> datetime:
    """The beginning of the day in the user's zone."""
    return at.astimezone(ZoneInfo(user.time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)


def today(*, user: User, at: datetime) -> Today:
    """Return the day so far, of the calls that ``user`` may see."""
    since = midnight(user, at)
    calls = CallStatus.objects.visible_to(user).filter(initiated_at__gte=since, direction=Direction.OUTBOUND)
    outcomes = calls.values("disposition__name", "disposition__sentiment").annotate(number=Count("session"))
    reps = calls.values("rep__name").annotate(
        number=Count("session"), conversations=Count("session", filter=Q(disposition__reached=True))
    )
    counted = waterfall()
    return Today(
        callable=counted.callable if counted else None,
        counted_at=counted.at if counted else None,
        calls=calls.count(),
        by_outcome=[
            Outcomes(row["disposition__name"] or "No outcome yet", row["disposition__sentiment"] or "", row["number"])
            for row in outcomes.order_by("-number")
        ],
        per_rep=[
            RepDay(row["rep__name"] or "Nobody", row["number"], row["conversations"])
            for row in reps.order_by("-number")
        ],
        to_finish=CallStatus.objects.visible_to(user).to_finish(at).count(),
        callbacks_due=ProjectContact.objects.visible_to(user).filter(callback_at__lte=at).count(),
    )
