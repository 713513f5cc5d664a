"""The history of a walk, played again: what the events say is where somebody stands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol
from uuid import UUID

from campaigns.choices import EnrollmentEventKind, EnrollmentState


class Told(Protocol):
    """One event, as ``EnrollmentEvent`` keeps it."""

    kind: Any
    state: Any
    node_id: Any
    data: Any


@dataclass(frozen=True, slots=True)
class Replayed:
    """Where the history ends. When they wake is not in it: that follows from the rule of their wait and from pauses."""

    state: str = EnrollmentState.PENDING
    node: UUID | None = None
    visit: int = 0
    status: str = ""
    stage: str = ""
    reason: str = ""


def replay(events: Iterable[Told]) -> Replayed:
    """Return where somebody stands to whom all this has happened, told in its order."""
    now = Replayed()
    for event in events:
        data: Mapping[str, Any] = event.data
        if event.kind == EnrollmentEventKind.STATUS:  # it moves nobody: why they stand where they do stays
            now = replace(now, stage=data.get("stage", now.stage))
        else:
            kept = now.reason if event.state == EnrollmentState.PARKED else ""  # paused or resumed they are parked on
            said = data.get("reason", "") if event.kind in _REASONED else kept
            now = replace(now, visit=data.get("visit", now.visit), reason=said)
        now = replace(now, state=event.state, node=event.node_id or now.node, status=data.get("status", now.status))
    return now


_REASONED = frozenset({EnrollmentEventKind.EXITED, EnrollmentEventKind.COMPLETED, EnrollmentEventKind.PARKED})
