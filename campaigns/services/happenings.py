"""What happens to people who walk: kept by whoever hears of it, in their transaction, and followed by the engine."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from calls.models import Disposition, TerminalSession
from calls.signals import CallConcluded, ClosedDown
from campaigns.choices import HappeningKind
from campaigns.models import CallTask
from campaigns.services import bells
from config.kernel import prepared
from config.kernel.ids import uuid7
from config.kernel.transactions import atomic_with_retries, joining
from crm.choices import Channel
from crm.signals import ReachabilityChanged

# Of everybody who is meant, those who walk somewhere; of what is for one walk, those who are on it. LIMIT, because the
# plan is kept and made for ten projects: with EXISTS it would read all enrollments there are, whoever is meant.
_KEEP = """
    INSERT INTO campaigns_happening (id, contact_id, enrollment_id, kind, at, cause, data)
    SELECT clearline_uuid7(), meant.id, %(walk)s::uuid, %(kind)s, %(at)s::timestamptz, %(cause)s::uuid, %(data)s::jsonb
    FROM (SELECT c.id FROM unnest(%(contacts)s::uuid[]) AS c (id)
          UNION SELECT pt.contact_id FROM crm_contactpoint pt WHERE pt.endpoint_id = ANY(%(endpoints)s::uuid[])
          UNION SELECT pc.contact_id FROM crm_projectcontact pc WHERE pc.id = ANY(%(pairs)s::uuid[])
          UNION SELECT pc.contact_id FROM crm_projectcontact pc WHERE pc.project_id = ANY(%(projects)s::uuid[])) meant
    CROSS JOIN LATERAL (SELECT FROM campaigns_enrollment e WHERE e.contact_id = meant.id AND e.ended_at IS NULL
                          AND (%(walk)s::uuid IS NULL OR e.id = %(walk)s::uuid) LIMIT 1) walking
    ON CONFLICT (contact_id, cause, kind, enrollment_id) DO NOTHING"""


@atomic_with_retries
def keep(
    *, contacts: Iterable[UUID], kind: HappeningKind, cause: UUID, at: datetime, data: Mapping[str, Any] | None = None,
    walk: UUID | None = None,
) -> int:  # fmt: skip
    """Keep that this has happened to those of ``contacts`` who walk somewhere; return to how many.

    ``cause`` is the row that says so: told again it is no news. ``data`` becomes what conditions know of the last step.
    ``walk``: it is news for this enrollment alone, and for nobody once that has ended.
    """
    return _keep(ReachabilityChanged(contact_ids=tuple(contacts)), kind, cause, at, data or {}, walk)


@joining
def keep_reachability(event: ReachabilityChanged, *, at: datetime) -> int:
    """Keep that something has changed for these which may stop a walk; the engine looks at what it was."""
    return _keep(event, HappeningKind.REACHABILITY, uuid7(), at, {})


@joining
def keep_closing(event: ClosedDown) -> int:
    """Keep that somebody is not approached any more. What the outcome of a call has closed is kept with that outcome:
    until then it can be taken back, and the gate lets nothing through.
    """
    if TerminalSession.objects.filter(pk=event.session_id, cause__isnull=False).exists():
        return 0
    return keep_reachability(_meant(event), at=event.at)


def _meant(closed: ClosedDown | TerminalSession) -> ReachabilityChanged:
    named = {name: getattr(closed, f"{name}_id") for name in ("contact", "project", "pair", "endpoint")}
    return ReachabilityChanged(**{f"{name}_ids": (pk,) for name, pk in named.items() if pk})


@atomic_with_retries
def keep_call(event: CallConcluded) -> int:
    """Keep how a call ended, and let the campaign's wish to call them be done. An outcome taken back is no news."""
    disposition = Disposition.objects.filter(pk=event.disposition_id).first() if event.disposition_id else None
    if disposition is None:
        return 0
    open_ = CallTask.objects.open().filter(contact=event.contact_id)
    open_.update(done_at=event.at, outcome=disposition.name, updated_at=event.at)
    for closed in TerminalSession.objects.filter(cause=event.event_id, lifted_at=None):
        _keep(_meant(closed), HappeningKind.REACHABILITY, closed.pk, event.at, {})
    data = {"disposition": disposition.name, "channel": Channel.CALL.value}
    return keep(
        contacts=[event.contact_id], kind=HappeningKind.CALL_OUTCOME, cause=event.event_id, at=event.at, data=data
    )


def _keep(
    meant: ReachabilityChanged, kind: HappeningKind, cause: UUID, at: datetime, data: Mapping[str, Any],
    walk: UUID | None = None,
) -> int:  # fmt: skip
    params = {
        "contacts": list(meant.contact_ids),
        "endpoints": list(meant.endpoint_ids),
        "pairs": list(meant.pair_ids),
        "projects": list(meant.project_ids),
        "walk": walk,
        "kind": kind.value,
        "cause": cause,
        "at": at,
        "data": orjson.dumps(dict(data)).decode(),
    }
    kept = prepared.run(_KEEP, params)
    if kept:
        bells.engine()
    return kept
