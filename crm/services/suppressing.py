""" "Do not contact this endpoint": set by whoever hears it, lifted only by name and with a reason.

Every verb holds the endpoint's lock, which lease, dial and dispatch take too: a suppression that has committed is seen
by whatever is decided afterwards (DESIGN 10, 13).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from config.kernel.audit import acting
from config.kernel.errors import Conflict, DomainError
from config.kernel.moments import require_kept
from config.kernel.transactions import atomic_with_retries, joining
from crm.choices import REACHED_BY, Channel, SuppressionReason
from crm.models import Endpoint, Suppression, User
from crm.services.lines import line_for
from crm.services.locking import lock, lock_all
from crm.services.normalization.text import one_line
from crm.services.point_values import UnusableValue, read_value
from crm.services.profiles import refresh_profiles
from crm.services.scope import ExistsOutOfScope, is_hidden
from crm.signals import tell_reachability

# Since when nobody may use it at all: the oldest suppression of every channel that still stands.
_COPY = """
UPDATE crm_endpoint e SET suppressed_at = true_now.since, updated_at = clock_timestamp()
FROM (SELECT k.id, min(s.at) AS since
      FROM unnest(%s::uuid[]) AS k (id)
      LEFT JOIN crm_suppression s ON s.endpoint_id = k.id AND s.lifted_at IS NULL AND s.channel = ''
      GROUP BY k.id) true_now
WHERE e.id = true_now.id AND e.suppressed_at IS DISTINCT FROM true_now.since
RETURNING e.id
"""


class UnusableSuppression(DomainError):
    """A suppression that would not mean anything; ``details`` name the fields."""

    code = "unusable_suppression"


class AlreadyLifted(Conflict):
    code = "already_lifted"


class NoReason(DomainError):
    """Whoever loosens a suppression says why."""

    code = "reason_required"


@atomic_with_retries
def suppress(
    *,
    endpoint: Endpoint,
    reason: str,
    source: str,
    at: datetime,
    by: User | None = None,
    channel: str = "",
    words: str = "",
    cause: UUID | None = None,
) -> Suppression:
    """Let nobody use ``endpoint`` on ``channel`` ("": on any); return the suppression that stands.

    Idempotent per (endpoint, channel, cause): one that stands already is returned as it is. ``words`` are theirs, word
    for word; ``cause`` is the event that led to it, so that a correction can lift exactly that.

    :raises UnusableSuppression: an unknown reason, no source, or a channel that does not use such an endpoint.
    """
    require_kept(at=at)
    _check(endpoint, reason, source, channel)
    with acting(user=by and by.pk):
        endpoint = lock(endpoint)
        told = {"reason": reason, "source": source, "at": at, "by": by, "words": words}
        return _stand(endpoint, channel, cause, told)[0]


@atomic_with_retries
def put_suppression(
    *,
    reason: str,
    source: str,
    at: datetime,
    by: User | None,
    endpoint: Endpoint | None = None,
    phone: str = "",
    email: str = "",
    channel: str = "",
    words: str = "",
) -> tuple[Suppression, bool]:
    """Suppress a line that is there, or a number or address that nobody may ever have heard of, as a list of them says.

    Exactly one of ``endpoint``, ``phone`` and ``email`` says which. Return the suppression that stands, and whether it
    is new.

    :raises UnusableSuppression: as for ``suppress``; not exactly one is named; the number or address cannot be used.
    :raises ExistsOutOfScope: only somebody whom ``by`` does not see is reached there.
    """
    require_kept(at=at)
    with acting(user=by and by.pk):
        line = lock(endpoint) if endpoint else _line(phone, email)
        _check(line, reason, source, channel)
        if is_hidden(line, by):
            raise ExistsOutOfScope("This is known, and somebody else's. Ask an admin to suppress it.")
        told = {"reason": reason, "source": source, "at": at, "by": by, "words": words}
        return _stand(line, channel, None, told)


def _line(phone: str, email: str) -> Endpoint:
    named = [(kind, value) for kind, value in (("phone", phone), ("email", email)) if value.strip()]
    if len(named) != 1:
        raise UnusableSuppression(
            "Say what is to be left alone: one endpoint, one phone or one e-mail address.",
            details={"endpoint": "Give this, a phone or an email."},
        )
    kind, value = named[0]
    try:
        read = read_value(kind, value, "", "", {})
    except UnusableValue as trouble:
        raise UnusableSuppression(str(trouble), details={kind: str(trouble)}) from trouble
    line = line_for(kind, read["normal"], read["line_type"])
    if line is None:
        raise AssertionError(f"A {kind} that can be read has a normal form.")
    refresh_profiles(endpoint_ids={line.pk} if kind == "phone" else ())
    return line


def _stand(endpoint: Endpoint, channel: str, cause: UUID | None, told: Mapping[str, Any]) -> tuple[Suppression, bool]:
    """Return the suppression of the locked ``endpoint`` that stands, made where there is none."""
    same = Suppression.objects.standing().filter(endpoint=endpoint, channel=channel, cause=cause)
    if known := same.first():
        return known, False
    row = Suppression.objects.create(endpoint=endpoint, channel=channel, cause=cause, **told)
    _settle([endpoint.pk])
    row.refresh_from_db()
    return row, True


@atomic_with_retries
def lift(*, suppression: Suppression, reason: str, by: User | None, at: datetime) -> Suppression:
    """End ``suppression``; others on the same endpoint go on standing.

    :raises NoReason: ``reason`` is blank.
    :raises AlreadyLifted: somebody was faster.
    """
    reason = _reason(reason)
    with acting(user=by and by.pk):
        endpoint = lock(suppression.endpoint)
        row = lock(suppression)
        if row.lifted_at:
            raise AlreadyLifted(f"This suppression was lifted on {row.lifted_at:%Y-%m-%d %H:%M} UTC: {row.lift_reason}")
        _lift(row, reason, by, at)
        _settle([endpoint.pk])
    return row


@joining
def lift_cause(*, cause: UUID, reason: str, by: User | None, at: datetime) -> list[Suppression]:
    """Lift what the event ``cause`` made and nothing else; an event that made nothing, or is lifted, lifts nothing.

    :raises NoReason: ``reason`` is blank.
    """
    reason = _reason(reason)
    caused = Suppression.objects.standing().filter(cause=cause)
    with acting(user=by and by.pk):
        lines = set(caused.values_list("endpoint_id", flat=True))
        if not lines:
            return []
        lock_all(Endpoint, lines)
        rows = list(caused.select_for_update(of=("self",), no_key=True).order_by("pk"))
        for row in rows:
            _lift(row, reason, by, at)
        _settle([row.endpoint_id for row in rows])
    return rows


@transaction.atomic(savepoint=False)
def copy_suppressed(*, endpoint_ids: Iterable[UUID]) -> list[UUID]:
    """Make ``Endpoint.suppressed_at`` true for these, in two statements; return those that were wrong."""
    ids = list(set(endpoint_ids))
    lock_all(Endpoint, ids)
    with connection.cursor() as cursor:
        cursor.execute(_COPY, [ids])
        return sorted(endpoint for (endpoint,) in cursor.fetchall())


def _check(endpoint: Endpoint, reason: str, source: str, channel: str) -> None:
    faults = {}
    if reason not in SuppressionReason.values:
        faults["reason"] = f"Must be one of {', '.join(SuppressionReason.values)}."
    if not source.strip():
        faults["source"] = "Say where this comes from, for example the name of a list."
    if channel and channel not in Channel.values:
        faults["channel"] = f"Must be one of {', '.join(Channel.values)}, or empty for all of them."
    elif channel and REACHED_BY[Channel(channel)] != endpoint.kind:
        faults["channel"] = f"{Channel(channel).label} does not use this kind of endpoint. Leave it empty for all."
    if faults:
        raise UnusableSuppression("This cannot be suppressed as asked: " + " ".join(faults.values()), details=faults)


def _reason(reason: str) -> str:
    reason = one_line(reason)[:200]
    if not reason:
        raise NoReason(
            "Lifting a suppression needs a reason: say who asked for it, or why it was wrong.",
            details={"reason": "Say why."},
        )
    return reason


def _lift(row: Suppression, reason: str, by: User | None, at: datetime) -> None:
    row.lifted_at, row.lifted_by, row.lift_reason = at, by, reason
    row.save(update_fields=["lifted_at", "lifted_by", "lift_reason"])


def _settle(endpoints: list[UUID]) -> None:
    copy_suppressed(endpoint_ids=endpoints)
    tell_reachability(endpoints=endpoints)
