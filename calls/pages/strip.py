"""The left column: who comes next, what keeps the others, and how the rep's day goes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from calls import reports
from calls.models import Waterfall
from calls.pages import clocks
from calls.pages.standing import Standing
from calls.services.queue import Offer
from config.kernel import kept
from crm.admin.reasons import name_of
from crm.choices import Priority
from crm.models import ProjectContact, User

PROMISED = 6
KINDS = 4  # of reasons that get a piece of the bar of their own; the rest share one


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the waterfall's bar: its share in hundredths of a percent, for an SVG that is 10,000 wide."""

    name: str
    number: int
    left: int
    width: int
    tone: str


@dataclass(frozen=True, slots=True)
class Next:
    offer: Offer
    time: str
    tone: str


def shown(desk: Standing) -> dict[str, Any]:
    counted = reports.waterfall(desk.wanted.project.pk if desk.wanted.project else None)
    day = reports.own_day(desk.user, desk.at)
    return {
        "next_up": [_next(offer, desk) for offer in desk.offers],
        "pieces": pieces(counted),
        "counted": counted,
        "lasts": lasts(counted, day.pace),
        "callable_now": counted.callable if counted else None,
        "day": day,
        "promised": [] if desk.contact else _promised(user=desk.user),
        "waiting": desk.waiting,
        "wanted_words": wanted_words(desk),
    }


def _next(offer: Offer, desk: Standing) -> Next:
    there = clocks.clocks(offer.point.endpoint, user=desk.user, at=desk.at)
    due = offer.pair.callback_at is not None and offer.pair.callback_at <= desk.at
    tone = "info" if due else "warn" if offer.pair.priority >= Priority.HIGH else "plain"
    return Next(offer, " / ".join(one.time for one in there[:2]), tone)


def pieces(counted: Waterfall | None) -> list[Piece]:
    """Return the bar: who can be called first, then the biggest reasons against the others."""
    if counted is None or not counted.pairs:
        return []
    lost = sorted((rule for rule in counted.rules if rule["first"]), key=lambda rule: rule["first"], reverse=True)
    parts = [("Can be called", counted.callable, "good")]
    parts += [(name_of(rule["code"]), rule["first"], f"lost{index}") for index, rule in enumerate(lost[:KINDS])]
    if rest := sum(rule["first"] for rule in lost[KINDS:]):
        parts.append(("Other reasons", rest, "rest"))
    found, left = [], 0
    for name, number, tone in parts:
        width = round(10_000 * number / counted.pairs)
        found.append(Piece(name, number, left, width, tone))
        left += width
    return found


def lasts(counted: Waterfall | None, pace: int) -> str:
    """Say how long those who can be called will last at everybody's ``pace`` of an hour; "" where nobody called."""
    if counted is None or not pace:
        return ""
    hours = counted.callable / pace
    return (
        f"{max(1, round(hours * 60))} min"
        if hours < 2
        else f"{round(hours)} h"
        if hours < 48
        else f"{hours / 24:.0f} days"
    )


@kept.question
def _promised(user: User) -> QuerySet[ProjectContact]:
    """The rep's next callbacks, the soonest first."""
    mine = ProjectContact.objects.visible_to(user).alive().filter(callback_by=user, callback_at__isnull=False)
    return mine.select_related("contact", "project").order_by("callback_at", "id")[:PROMISED]


def wanted_words(desk: Standing) -> list[tuple[str, str]]:
    """Return the filters that are set: their name and what they say."""
    wanted = desk.wanted
    words = [
        ("project", str(wanted.project) if wanted.project else ""),
        ("owner", "only mine" if wanted.owner else ""),
        ("priority", f"{Priority(wanted.priority).label.lower()} priority" if wanted.priority else ""),
        ("zone", clocks.city(wanted.zone)),
    ]
    return [(name, text) for name, text in words if text]


def in_words(until: datetime | None, at: datetime) -> str:
    """Return how long it is until then: "in 42 min", "in 3 h 5 min"."""
    if until is None:
        return ""
    minutes = max(1, -((at - until) // timedelta(minutes=1)))
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes if not days else 0, "min")]
    return "in " + " ".join(f"{number} {unit}" for number, unit in parts if number)
