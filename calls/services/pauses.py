"""Projects that rest after an outcome: the longest rest counts, and a correction takes only its own away."""

from datetime import datetime
from uuid import UUID

from calls.models import CallEvent, CallSession, Disposition
from calls.services import hints
from calls.services.undoing import Made, before, instant, others, text
from config.kernel import clock
from crm.models import Project

KIND = "project_waits"


def hold(project_id: UUID) -> None:
    """Lock the project whose rest an outcome is about to change: after its contact and number, before any pair."""
    Project.objects.filter(pk=project_id).select_for_update(no_key=True).values_list("pk").first()


def foresee(session: CallSession, disposition: Disposition, *, at: datetime) -> Made | None:
    """Return until when the project of the call rests, and until when it did; None: the outcome says nothing of it.

    The project is held: see ``hold``.
    """
    if not disposition.project_waits_for or not session.project_id:
        return None
    return {"was": text(until_when(session.project_id)), "is": text(at + disposition.project_waits_for)}


def is_over(made: Made, *, at: datetime) -> bool:
    until = instant(made["is"])
    return until is not None and until <= at


def apply(session: CallSession, made: Made, *, at: datetime) -> None:
    """Let the project rest, unless it rests longer already."""
    was, until = instant(made["was"]), instant(made["is"])
    if session.project_id and until and (was is None or was < until):
        _set(session.project_id, until, at=at)


def compensate(old: CallEvent, *, at: datetime) -> None:
    """Let the project rest as it would without ``old``; where somebody else has set another moment, that stays."""
    project, made = old.session.project_id, old.facts["made"][KIND]
    if not project or until_when(project) != instant(made["is"]):
        return
    rest = others(old, KIND, session__project=project)
    wished = [said.made["is"] for said in rest if said.corrected_by is None] + [before(old, KIND, rest)["was"]]
    _set(project, max((moment for moment in map(instant, wished) if moment), default=None), at=at)


def until_when(project_id: UUID) -> datetime | None:
    """Return until when nobody of the project is called."""
    return Project.objects.values_list("next_call_eligible_at", flat=True).get(pk=project_id)


def _set(project_id: UUID, until: datetime | None, *, at: datetime) -> None:
    Project.objects.filter(pk=project_id).update(next_call_eligible_at=until, updated_at=clock.now())
    hints.refresh(at=at, project_ids=[project_id])
