"""What may be said of somebody in a campaign: a list that people edit."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django.db.models import Max, QuerySet, Value
from django.db.models.functions import Lower

from campaigns.choices import CampaignStatus, NodeType
from campaigns.models import Campaign, CampaignCount, Edge, EnrollmentStatus, Node
from campaigns.rules import conditions
from campaigns.services.naming import named
from campaigns.services.saving import save_once
from config.kernel.audit import acting
from config.kernel.errors import Conflict
from config.kernel.transactions import atomic_with_retries
from crm.models import User
from crm.services.normalization.text import one_line

FIRST: Final = ("No Activity", "Needs BDR", "Contacted", "Interested", "Received RSVP", "Attended", "Not interested")
EDITABLE: Final = frozenset({"name", "place", "is_active"})
_STATUS: Final = "enrollment.status"  # as conditions call it
_BEGUN: Final = (CampaignStatus.SCHEDULED, CampaignStatus.ACTIVE, CampaignStatus.PAUSED, CampaignStatus.DRAINING)
STEP, FARTHEST = 10, 32_767  # between two places, and the last that there is


class Taken(Conflict):
    """Another status has this name; upper and lower case are the same, and so is any white space."""

    code = "already_exists"


class InUse(Conflict):
    """Graphs name it, and histories: another name would break both."""

    code = "in_use"


class IsGoal(Conflict):
    """Whoever begins in a campaign that has it as its goal would have reached that before it begins."""

    code = "is_goal"


class StillGiven(Conflict):
    """A campaign that has begun gives it to people, or has it as its goal."""

    code = "still_given"


def install() -> None:
    """Write the first statuses where there are none."""
    if not EnrollmentStatus.objects.exists():
        EnrollmentStatus.objects.bulk_create(
            EnrollmentStatus(name=name, place=STEP * number) for number, name in enumerate(FIRST, start=1)
        )


def first() -> EnrollmentStatus | None:
    """Return what is said of somebody of whom nothing else has been said yet; None where no status is in use."""
    return EnrollmentStatus.objects.filter(is_active=True).first()


@atomic_with_retries
def put(
    *, name: str, at: datetime, by: User | None = None, place: int | None = None, **more: Any
) -> tuple[EnrollmentStatus, bool]:
    """Add a status, or change the one of this name, which stays as it was written; say whether it is new. Unless it is
    said where it comes, a new one is the last, and one that is there stays where it is.

    :raises Taken: another one of this name was added meanwhile.
    :raises naming.Nameless, IsGoal, StillGiven: as for ``edit``.
    """
    folded = Lower(Value(one_line(name)))
    known = EnrollmentStatus.objects.annotate(folded=Lower("name")).filter(folded=folded).first()
    if known is None:
        return _written(EnrollmentStatus(), {"name": name, "place": place, **more}, by), True
    return _written(known, more if place is None else {"place": place, **more}, by), False


@atomic_with_retries
def edit(*, row: EnrollmentStatus, changes: Mapping[str, Any], by: User | None, at: datetime) -> EnrollmentStatus:
    """Change a status; its name only as long as no graph names it and nobody has had it. Without a place it is last.

    :raises InUse: that is over.
    :raises Taken: another has this name.
    :raises naming.Nameless: it shows nothing.
    :raises IsGoal: whoever begins would have the goal of a campaign that has begun.
    :raises StillGiven: it is switched off, and a campaign that has begun needs it.
    """
    row = EnrollmentStatus.objects.select_for_update(no_key=True).get(pk=row.pk)
    if one_line(changes.get("name", row.name)) != row.name and _is_used(row):
        instead = "Add another status, and switch this one off."
        raise InUse(f"{row.name} is named by graphs or in histories. {instead}", details={"name": instead})
    return _written(row, changes, by)


def _is_used(row: EnrollmentStatus) -> bool:
    """Whether somebody has had it, or a graph names it: a stage by its letters, a condition in whatever case."""
    return (
        CampaignCount.objects.filter(name=f"status:{row.pk}").exists()
        or _is_given(row, Node.objects.all())
        or any(conditions.is_among(row.name, named) for named in _of_conditions())
    )


def _is_given(row: EnrollmentStatus, nodes: "QuerySet[Node, Node]") -> bool:
    stages = nodes.filter(type=NodeType.STAGE).order_by()
    given = stages.values_list("config__status", flat=True).distinct()
    return row.name in {status.strip() for status in given if isinstance(status, str)}


def _of_conditions() -> Iterator[list[str]]:
    """Yield what each condition compares the status of somebody with."""
    asking = Edge.objects.filter(condition__icontains=f'"{_STATUS}"').order_by()
    for condition in asking.values_list("condition", flat=True).distinct():
        yield list(conditions.named(condition, _STATUS, conditions.OPERATORS))


def _written(row: EnrollmentStatus, changes: Mapping[str, Any], by: User | None) -> EnrollmentStatus:
    for name in EDITABLE & changes.keys():
        setattr(row, name, changes[name])
    row.name = named(row.name, what="status")
    with acting(user=by and by.pk):
        if changes.get("place", row.place) is None:
            row.place = _last(row)
        save_once(
            row,
            constraint="campaigns_status_one_per_name",
            taken=Taken(f"There is a status {row.name!r} already.", details={"name": "Taken."}),
        )
    _refuse_goal()
    if not row.is_active:
        _refuse_needed(row)
    return row


def _refuse_goal() -> None:
    begins = first()
    if begins and Campaign.objects.filter(goal=begins, status__in=_BEGUN).exists():
        said = f"Whoever begins would have the status {begins}, which is the goal of a campaign that has begun."
        raise IsGoal(f"{said} Let another status in use come first.", details={"place": "Let another one be smaller."})


def _refuse_needed(row: EnrollmentStatus) -> None:
    begun = Campaign.objects.filter(status__in=_BEGUN)
    if begun.filter(goal=row).exists() or _is_given(row, Node.objects.filter(graph__campaign__in=begun)):
        said = f"Campaigns that have begun give people the status {row}, or have it as their goal."
        raise StillGiven(f"{said} Let them come to their end first.", details={"is_active": "Campaigns need it."})


def _last(row: EnrollmentStatus) -> int:
    """Return the place behind all the others, who move together where there is none."""
    others = EnrollmentStatus.objects.exclude(pk=row.pk)
    behind = others.aggregate(place=Max("place"))["place"] or 0
    if behind + STEP <= FARTHEST:
        return behind + STEP
    rows = list(others)
    step = min(STEP, FARTHEST // (len(rows) + 1))
    for number, other in enumerate(rows, start=1):
        other.place = step * number
    EnrollmentStatus.objects.bulk_update(rows, ["place"])
    return step * (len(rows) + 1)
