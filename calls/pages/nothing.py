"""The empty states: why nobody is offered, with numbers, and what to do about it (never just "no leads")."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from calls.pages.standing import Standing
from calls.pages.strip import in_words
from config.kernel.gate import Asked
from crm.admin.reasons import name_of
from crm.choices import Channel
from crm.models import ProjectContact, User

SHOWN, LOOKED_AT = 5, 100
NAMES = {"project": "the project", "owner": "“only mine”", "priority": "the priority", "zone": "the time zone"}
MOST = 50  # the service counts no further


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour of the forecast; ``height`` of 100, drawn from ``top``."""

    number: int
    height: int
    hour: int

    @property
    def top(self) -> int:
        return 100 - self.height


def shown(desk: Standing) -> dict[str, Any]:
    """Return what the page says instead of a person; empty where there is somebody."""
    empty = desk.empty
    if empty is None:
        return {"empty": None}
    facts = empty.facts
    waiting = _waiting(desk.user, desk.at) if empty.state in {"caps_reached", "cooling_down"} else []
    return {
        "empty": empty,
        "until_words": in_words(empty.until, desk.at),
        "places": facts.get("places", []),
        "first": facts.get("first"),
        "further": facts.get("further", 0),
        "nowhere": any(not place["known"] for place in facts.get("places", [])),
        "reasons": [(name_of(code), number) for code, number in sorted(facts.get("reasons", {}).items(), key=_most)],
        "forecast": _bars(facts.get("forecast", [])),
        "gains": [
            {"filter": name, "name": NAMES[name], "gain": f"{gain}+" if gain >= MOST else str(gain)}
            for name, gain in facts.get("without", {}).items()
        ],
        "names": facts.get("names", []),
        "resets": waiting[:SHOWN],
        "instead": _instead(waiting, desk.user, desk.at) if waiting else [],
    }


def _most(item: tuple[str, int]) -> int:
    return -item[1]


def _bars(forecast: list[int]) -> list[Bar]:
    highest = max(forecast, default=0)
    return [Bar(number, round(100 * number / highest), hour) for hour, number in enumerate(forecast)] if highest else []


def _waiting(user: User, at: datetime) -> list[ProjectContact]:
    """Who can be called again first."""
    waiting = ProjectContact.objects.visible_to(user).alive().filter(callable_from__gt=at)
    return list(waiting.select_related("contact", "project").order_by("callable_from", "id")[:LOOKED_AT])


def _instead(waiting: list[ProjectContact], user: User, at: datetime) -> list[ProjectContact]:
    """Who of them may be written to meanwhile: the gate's own answer for e-mail."""
    asked = Asked(at=at, channel=Channel.EMAIL.value, user_id=user.pk)
    allowed = ProjectContact.objects.filter(pk__in=[pair.pk for pair in waiting]).callable(asked)
    passing = set(allowed.values_list("pk", flat=True))
    best = sorted((pair for pair in waiting if pair.pk in passing), key=lambda pair: -pair.priority)
    return list({pair.contact_id: pair for pair in reversed(best)}.values())[::-1][:SHOWN]
