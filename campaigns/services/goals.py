"""The goal of a campaign: a status that people come to, and none that they begin with."""

from typing import Final

from campaigns.models import Campaign
from campaigns.rules.validation import Fault
from campaigns.services import statuses
from config.kernel.errors import DomainError


class ReachedAtOnce(DomainError):
    """Whoever begins has this status: they would have done what the campaign is for before it begins."""

    code = "reached_at_once"


class GoalNotInUse(DomainError):
    """Nobody gets this status any more: it was switched off."""

    code = "goal_not_in_use"


_REFUSALS: Final = {refusal.code: refusal for refusal in (ReachedAtOnce, GoalNotInUse)}


def faults_of_goal(row: Campaign) -> list[Fault]:
    """Return what is wrong with the goal, as a fault of the campaign; nothing where it has none."""
    if row.goal is None:
        return []
    if not row.goal.is_active:
        said = f"Nobody gets the status {row.goal} any more, which is switched off: choose another goal."
        return [Fault(GoalNotInUse.code, said, field="goal")]
    if statuses.first() != row.goal:
        return []
    said = f"Whoever begins has the status {row.goal}, the first in use, so nobody could reach it: choose another goal."
    return [Fault(ReachedAtOnce.code, said, field="goal")]


def refuse_unreachable(row: Campaign) -> None:
    """:raises ReachedAtOnce, GoalNotInUse: the goal is what everybody begins with, or nobody gets."""
    for fault in faults_of_goal(row):
        raise _REFUSALS[fault.code](fault.message, details={fault.field: fault.message})
