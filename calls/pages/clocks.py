"""The time where they are, and when they want to be called back: in their zone and in the rep's."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from calls.rules import opening
from config.kernel.errors import DomainError
from crm.models import Endpoint, User
from crm.services.fields import FARTHEST
from crm.services.normalization.places import candidates_of

CLOCKS = 3  # shown at most


class NotACallbackTime(DomainError):
    """Nobody may be called then, or the time makes no sense."""

    code = "not_a_callback_time"


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock that may hang where they are; ``offset`` is how far it is ahead of the rep's, in words."""

    zone: str
    city: str
    time: str
    day: str
    offset: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A moment to call back at, as it reads there and here."""

    at: datetime
    label: str
    there: str
    here: str


@dataclass(frozen=True, slots=True)
class Hours:
    """Whether the number may be called now, until when, or from when; None where that is not known."""

    open: bool
    closes_at: datetime | None
    opens_at: datetime | None


def zones_of(line: Endpoint | None) -> list[str]:
    """Return the zones a number may ring in, one per clock that differs now from the others."""
    names = sorted({zone for zone, _ in candidates_of(_place(line))}) if line else []
    return [name for name in names if zone(name)]


def zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "America" is a directory
        return None


def clocks(line: Endpoint | None, *, user: User, at: datetime) -> list[Clock]:
    """Return at most three clocks, each showing another time."""
    mine = at.astimezone(ZoneInfo(user.time_zone))
    shown: dict[timedelta | None, Clock] = {}
    for name in zones_of(line):
        there = at.astimezone(ZoneInfo(name))
        day = f"{there:%a}" if there.date() != mine.date() else ""
        shown.setdefault(there.utcoffset(), Clock(name, city(name), f"{there:%H:%M}", day, _apart(there, mine)))
    ordered = sorted(shown.items(), key=lambda item: item[0] or timedelta(0), reverse=True)
    return [clock for _, clock in ordered[:CLOCKS]]


def _apart(there: datetime, here: datetime) -> str:
    minutes = ((there.utcoffset() or timedelta(0)) - (here.utcoffset() or timedelta(0))) // timedelta(minutes=1)
    if minutes == 0:
        return "your time"
    hours, rest = divmod(abs(minutes), 60)
    return f"{hours}{f':{rest:02}' if rest else ''} h {'ahead' if minutes > 0 else 'behind'}"


def city(name: str) -> str:
    return name.rsplit("/", 1)[-1].replace("_", " ")


def hours(line: Endpoint | None, *, at: datetime) -> Hours | None:
    """Return what the law says about calling this number now; None without a number."""
    if line is None:
        return None
    law, place = opening.last_read(), _place(line)
    if law.table.is_open(place, at):
        return Hours(True, law.table.closes_at(place, at), None)
    return Hours(False, None, law.table.next_open(place, at))


def _place(line: Endpoint) -> str:
    """Return the key of the line's profile; the gate has just read the book, so no query is needed."""
    known = opening.last_read().keys
    return known.get(line.hours_profile_id, opening.UNKNOWN) if line.hours_profile_id else opening.UNKNOWN


def choices(line: Endpoint | None, *, user: User, at: datetime) -> list[Choice]:
    """Return a handful of moments that people say on the phone, moved to when calls are allowed there."""
    names = zones_of(line)
    there = ZoneInfo(names[0]) if names else ZoneInfo(user.time_zone)
    local = at.astimezone(there)
    monday = local.date() + timedelta(days=7 - local.weekday())
    tomorrow = local.date() + timedelta(days=1)
    offered = [
        ("In an hour", at + timedelta(hours=1)),
        ("In 3 hours", at + timedelta(hours=3)),
        ("Tomorrow morning", datetime.combine(tomorrow, time(9, 30), there)),
        ("Tomorrow afternoon", datetime.combine(tomorrow, time(14, 0), there)),
        ("Monday morning", datetime.combine(monday, time(9, 30), there)),
    ]
    found = [_choice(label, _allowed(line, moment), there, user) for label, moment in offered]
    return list({choice.at: choice for choice in found}.values())


def _allowed(line: Endpoint | None, moment: datetime) -> datetime:
    known = hours(line, at=moment)
    return known.opens_at if known and not known.open and known.opens_at else moment


def _choice(label: str, moment: datetime, there: ZoneInfo, user: User) -> Choice:
    moment = moment.replace(second=0, microsecond=0)
    return Choice(moment, label, _said(moment.astimezone(there)), _said(moment.astimezone(ZoneInfo(user.time_zone))))


def _said(moment: datetime) -> str:
    return f"{moment:%a %-d %b, %H:%M}"


def callback_time(said: dict[str, object], *, line: Endpoint | None, user: User, at: datetime) -> datetime | None:
    """Read when to call back: an instant (``callback_at``), or a wall clock (``callback_wall``) and its zone.

    :raises NotACallbackTime: it cannot be read, lies behind or too far ahead, or nobody may be called there then.
    """
    instant, wall = said.get("callback_at"), said.get("callback_wall")
    if not instant and not wall:
        return None
    moment = _read(str(instant or wall))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone(str(said.get("callback_zone"))) or ZoneInfo(user.time_zone))
    if not at < moment <= at + FARTHEST:
        raise _refused("Choose a time ahead, within the next 60 days.")
    known = hours(line, at=moment)
    if known and not known.open:
        opens = known.opens_at
        names = zones_of(line)
        when = _said(opens.astimezone(ZoneInfo(names[0]))) if opens and names else ""
        raise _refused(f"Nobody may be called there then.{f' The next time is {when}, their time.' if when else ''}")
    return moment


def _read(value: str) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise _refused("This is no date and time.") from error


def _refused(message: str) -> NotACallbackTime:
    return NotACallbackTime(message, details={"callback_at": message})
