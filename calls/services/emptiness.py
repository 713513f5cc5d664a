"""Why nobody is offered: the call desk never says just "no leads" (six states, each with what to do about it)."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db.models import Count, Exists, Min, OuterRef, QuerySet

from calls.models import Lease
from calls.rules import opening
from calls.services import deciding, queue, whereabouts
from calls.services.queue import Wanted
from config.kernel.gate import Verdict, gate
from crm.choices import Channel
from crm.models import ProjectContact, User

SAMPLE, MANY, PLACES = 200, 50, 8
CAPS = {"day_cap", "week_cap", "number_day_cap", "number_week_cap"}
RESTS = {"caps_reached": CAPS, "cooling_down": {"cooldown", "project_not_yet"}}
FILTERS: dict[str, Any] = {"project": None, "owner": None, "priority": None, "zone": ""}


@dataclass(frozen=True, slots=True)
class Empty:
    """``state`` is one of nothing_imported, filter_too_tight, outside_hours, leased_by_others, caps_reached,
    cooling_down and nobody_callable; ``until`` is when somebody passes again, as far as is known; ``facts`` are for
    the page."""

    state: str
    until: datetime | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def emptiness(*, user: User, at: datetime, wanted: Wanted | None = None) -> Empty:
    """Say why ``user`` is offered nobody: the first of the reasons that explains it."""
    wanted = wanted or Wanted()
    everybody = ProjectContact.objects.visible_to(user).alive()
    if not everybody.exists():
        return Empty("nothing_imported")
    if loosened := _loosened(user, at, wanted):
        return Empty("filter_too_tight", facts={"without": loosened})
    pairs = _wanted(everybody, wanted)
    ready = pairs.hinted(at)
    if not ready.exists():
        return _resting(pairs, at, user) if pairs.exists() else Empty("filter_too_tight", facts={"without": {}})
    return _closed_or_held(ready, at, user)


def _wanted(pairs: Any, wanted: Wanted) -> Any:
    if wanted.project:
        pairs = pairs.filter(project=wanted.project)
    if wanted.owner:
        pairs = pairs.filter(contact__owner=wanted.owner)
    return pairs.filter(priority=wanted.priority) if wanted.priority else pairs


def _loosened(user: User, at: datetime, wanted: Wanted) -> dict[str, int]:
    """Return how many more would be offered without each filter, counted up to fifty."""
    gains = {}
    for name, nothing in FILTERS.items():
        if getattr(wanted, name) != nothing:
            others = queue.candidates(user=user, at=at, wanted=replace(wanted, **{name: nothing}))
            gains[name] = len(list(islice(others, MANY)))
    return {name: gain for name, gain in gains.items() if gain}


def _closed_or_held(ready: Any, at: datetime, user: User) -> Empty:
    """Somebody's hint is due: then it is too early or too late where they are, or a colleague holds them."""
    law = opening.book()
    opened = law.open_ids(at, Channel.CALL)
    leases = Lease.objects.live(at).of_others(user.pk)
    reachable = ready.filter(hours_profile__in=opened)
    if reachable.exists():
        held = reachable.filter(Exists(leases.filter(contact=OuterRef("contact_id"))))
        if held.exists() and held.count() == reachable.count():
            names = leases.order_by("user__name").values_list("user__name", flat=True).distinct()
            return Empty("leased_by_others", leases.aggregate(end=Min("expires_at"))["end"], {"names": list(names)})
        return _sampled(reachable, at, user)
    counted = ready.values_list("hours_profile__key").annotate(number=Count("id"))
    places = whereabouts.places(law.table, [(key or "", number) for key, number in counted], at)
    first = min((place for place in places if place["opens_at"]), key=lambda place: place["opens_at"], default=None)
    facts = {"places": places[:PLACES], "further": len(places[PLACES:]), "first": first}
    return Empty("outside_hours", first["opens_at"] if first else None, facts)


def _resting(pairs: QuerySet[ProjectContact], at: datetime, user: User) -> Empty:
    waiting = pairs.filter(callable_from__gt=at)
    first = waiting.aggregate(first=Min("callable_from"))["first"]
    if first is None:
        return _sampled(pairs, at, user)
    why = _reasons(_verdicts(waiting.order_by("callable_from"), at, user))
    state = "caps_reached" if _mostly(why, CAPS) else "cooling_down"
    return Empty(state, first, {"forecast": _forecast(waiting, at), "reasons": dict(why)})


def _sampled(pairs: Any, at: datetime, user: User) -> Empty:
    """No hint says when: two hundred pairs are asked one by one, and the first fifty when that ends."""
    verdicts = _verdicts(pairs.order_by("id"), at, user)
    why = _reasons(verdicts)
    first = min((moment for moment in map(gate.earliest, verdicts[:MANY]) if moment), default=None)
    state = next((name for name, codes in RESTS.items() if _mostly(why, codes)), "nobody_callable")
    return Empty(state, first, {"reasons": dict(why.most_common(6))})


def _mostly(why: Counter[str], codes: set[str]) -> bool:
    return bool(why) and sum(why[code] for code in codes) >= why.total() / 2


def _verdicts(pairs: Any, at: datetime, user: User) -> list[Verdict]:
    """Judge the best number of each of two hundred pairs."""
    sample = list(pairs[:SAMPLE])
    points = deciding.points_of([pair.contact_id for pair in sample])
    approaches = [
        deciding.approach_of(pair=pair, contact_id=pair.contact_id, point=next(iter(points[pair.contact_id]), None))
        for pair in sample
    ]
    return deciding.judge(approaches, user_id=user.pk, at=at)


def _reasons(verdicts: list[Verdict]) -> Counter[str]:
    """Count the first reason of each."""
    return Counter(verdict.blocks[0].code for verdict in verdicts if verdict.blocks)


def _forecast(waiting: Any, at: datetime) -> list[int]:
    """Return how many become callable in each of the next twenty-four hours, of the first ten thousand."""
    moments = waiting.filter(callable_from__lte=at + timedelta(hours=24)).order_by("callable_from")
    hours = Counter(
        (moment - at) // timedelta(hours=1) for moment in moments.values_list("callable_from", flat=True)[:10_000]
    )
    return [hours[hour] for hour in range(24)]
