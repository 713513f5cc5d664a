"""The goal of a campaign: a status that people come to, and none that they begin with."""

from campaigns.models import Campaign
from campaigns.rules.validation import Fault
from campaigns.services import statuses
from config.kernel.errors import DomainError


class ReachedAtOnce(DomainError):
    """Whoever begins has this status: they would have done what the campaign is for before it begins."""

    code = "reached_at_once"


def faults_of_goal(row: Campaign) -> list[Fault]:
    """Return what is wrong with the goal, as a fault of the campaign; nothing where it has none."""
    first = statuses.first() if row.goal_id else None
    if first is None or first.pk != row.goal_id:
        return []
    said = f"Whoever begins has the status {first}, the first in use, so nobody could reach it: choose another goal."
    return [Fault("reached_at_once", said, field="goal")]


def refuse_reached(row: Campaign) -> None:
    """:raises ReachedAtOnce: the goal is what everybody begins with."""
    for fault in faults_of_goal(row):
        raise ReachedAtOnce(fault.message, details={fault.field: fault.message})
