"""The first page: what there is to do today, and what keeps it from being done."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.core.cache import cache
from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from redis.exceptions import RedisError

from calls import reports
from calls.admin.panels import bars
from calls.choices import Direction
from calls.models import CallStatus
from calls.services.lapsing import lapsing
from calls.tasks import HEARTBEAT
from config.kernel import clock, partitions
from config.kernel.admin import cells
from config.kernel.admin.lists import count_up_to
from config.kernel.admin.patience import TooBroad, patient
from config.kernel.replica import stale_reads
from crm.models import Contact, IntakeRun, Project, ReviewItem

REMEMBERED = 30  # seconds; numbers of a day need not be younger
DAYS = 14

T = TypeVar("T")


@dataclass(frozen=True)
class State:
    """One part of the machinery, in words, with its tone."""

    name: str
    tone: str
    words: Any


def show(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the board's numbers to the context of the first page."""
    user: Any = request.user
    at = clock.now()
    context["title"] = "Today"
    context["sees_everything"] = user.sees_everything
    context["desk_url"] = _desk()
    context["lapsing"] = lapsing(user=user, at=at)
    context["board_empty"] = not (Project.objects.exists() or Contact.objects.exists())
    if not user.has_perm("calls.view_callsession"):
        return context
    context["today"] = _patiently(lambda: _remember(f"board.today.{user.pk}", lambda: reports.today(user=user, at=at)))
    today: reports.Today | None = context["today"]
    context["conversations"] = sum(rep.conversations for rep in today.per_rep) if today else 0
    context["days"] = _patiently(lambda: _remember(f"board.days.{user.pk}", lambda: _days(user, at)))
    context["waterfall"] = bars(reports.waterfall())
    if user.has_perm("crm.view_intakerun"):
        context["runs"] = list(IntakeRun.objects.order_by("-pk")[:5])
        context["to_review"] = count_up_to(ReviewItem.objects.filter(resolved_at=None), 1000)
        context["machinery"] = machinery(at)
    return context


def _desk() -> str:
    try:
        return reverse("admin:call_desk")
    except NoReverseMatch:  # an installation without the page
        return reverse("admin:index")


def machinery(at: datetime) -> list[State]:
    """Whether those who work in the background do."""
    return [_worker(at), _months()]


def _worker(at: datetime) -> State:
    try:
        heard = cache.get(HEARTBEAT)
    except (RedisError, OSError):
        return State("Cache", "bad", "Cannot be reached: pages are slower, and live news does not come.")
    if not heard:
        return State("Worker", "bad", "Not heard for a minute. Are worker and beat running?")
    return State("Worker", "good", cells.badges("heard", cells.moment(datetime.fromisoformat(heard), now=at)))


def _months() -> State:
    strays = [table for table, found in partitions.strays().items() if found]
    if strays:
        return State("Months", "bad", f"Rows outside any month in {', '.join(strays)}: ./dev look_after_partitions")
    return State("Months", "good", "every row lies in its month")


def _days(user: Any, at: datetime) -> dict[str, Any]:
    """Calls and conversations of each of the last fourteen days, in the reader's zone."""
    since = reports.midnight(user, at) - timedelta(days=DAYS - 1)
    calls = CallStatus.objects.visible_to(user).filter(initiated_at__gte=since, direction=Direction.OUTBOUND)
    counted = calls.annotate(day=TruncDate("initiated_at", tzinfo=since.tzinfo)).order_by().values("day")
    counted = counted.annotate(number=Count("session"), reached=Count("session", filter=Q(disposition__reached=True)))
    found: dict[Any, dict[str, Any]] = {row["day"]: dict(row) for row in counted}
    days = [(since + timedelta(days=number)).date() for number in range(DAYS)]
    return {
        "any": bool(found),
        "labels": [f"{day:%a %-d}" for day in days],
        "calls": [found.get(day, {}).get("number", 0) for day in days],
        "reached": [found.get(day, {}).get("reached", 0) for day in days],
    }


def _remember(key: str, compute: Callable[[], T]) -> T:
    """Return what was computed in the last half minute; without a cache it is computed each time."""
    try:
        known: T | None = cache.get(key)
    except (RedisError, OSError):
        return compute()
    if known is None:
        known = compute()
        with suppress(RedisError, OSError):
            cache.set(key, known, timeout=REMEMBERED)
    return known


def _patiently(compute: Callable[[], T]) -> T | None:
    """Numbers of a day may be seconds old, and are left out where they take too long."""
    try:
        with stale_reads(), patient():
            return compute()
    except TooBroad:
        return None
