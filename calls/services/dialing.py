"""Dialing: the point of no return. From this commit on the call counts, even if everything after it dies."""

from datetime import datetime

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce, Greatest

from calls import providers
from calls.choices import CallSource, CooldownScope, Direction, EventKind
from calls.models import CallEvent, CallSession, Lease
from calls.rules.policies import Policy, policies_of
from calls.services import deciding, hints, leasing, status
from calls.services.deciding import Refused, Ruling
from calls.services.leasing import LEASE, NoLease
from config.kernel import faults
from config.kernel.gate import Asked
from config.kernel.ids import uuid7
from config.kernel.providers import ProviderError, Rejected, Unavailable
from config.kernel.realtime import tell
from config.kernel.transactions import atomic_with_retries
from crm.choices import Channel, GateAction
from crm.models import ContactPoint, Project, Touch, User

faults.register("dial.before_commit", "dial.after_commit", "dial.after_handover")


def dial(*, user: User, point: ContactPoint, at: datetime, source: CallSource = CallSource.DESK) -> CallSession:
    """Prove the chosen number once more under its locks, write session and touch, and let the call begin.

    Call ``begin`` with the session afterwards: no provider is asked inside a transaction.

    :raises NoLease: the user does not hold this person any more.
    :raises Refused: the gate stands against this number.
    """
    session, ruling = _commit(user=user, point=point, at=at, source=source)
    faults.point("dial.after_commit")
    if session is None:
        raise Refused(ruling.verdict)
    return session


@atomic_with_retries
def _commit(*, user: User, point: ContactPoint, at: datetime, source: CallSource) -> tuple[CallSession | None, Ruling]:
    lease = leasing.current(user=user, at=at)
    if lease is None or lease.contact_id != point.contact_id or point.endpoint_id is None:
        raise NoLease("You do not hold this person any more: take the next pair.")
    deciding.lock(contact_id=lease.contact_id, endpoint_ids=sorted({lease.endpoint_id, point.endpoint_id}))
    approach = deciding.approach_of(pair=lease.pair, contact_id=lease.contact_id, point=point)
    ruling = deciding.decide(action=GateAction.DIAL, approaches=[approach], user_id=user.pk, at=at)
    if not ruling.allowed:
        return None, ruling
    key = uuid7()
    session = CallSession.objects.create(
        id=key,
        call_session_id=str(key),
        pair=lease.pair,
        contact_id=lease.contact_id,
        project_id=lease.pair.project_id,
        rep=user,
        point=point,
        endpoint_id=point.endpoint_id,
        number=str(point),
        direction=Direction.OUTBOUND,
        initiated_at=at,
        source=source,
        decision_id=ruling.decision_id,
    )
    begun(session, policy=Policy.from_facts(ruling.verdict.facts))
    Lease.objects.filter(pk=lease.pk).update(endpoint=point.endpoint_id, expires_at=at + LEASE)
    faults.point("dial.before_commit")
    return session, ruling


def begun(session: CallSession, *, facts: dict[str, object] | None = None, policy: Policy | None = None) -> None:
    """Write what belongs to every new session: its first event, its touch, its status, and who has to wait now.

    An inbound call is no touch of ours. ``policy`` is the one that was just decided by, read here if none was.
    """
    CallEvent.objects.create(
        session=session, kind=EventKind.INITIATED, at=session.initiated_at, by=session.rep, facts=facts or {}
    )
    status.rebuild(session)
    if session.direction == Direction.INBOUND:
        return
    Touch.objects.create(
        contact_id=session.contact_id,
        endpoint_id=session.endpoint_id,
        project_id=session.project_id,
        channel=Channel.CALL,
        at=session.initiated_at,
        user=session.rep,
        source="calls.callsession",
        source_id=session.pk,
    )
    _let_project_wait(session, policy)
    hints.refresh(at=session.initiated_at, contact_ids=[session.contact_id])


def _let_project_wait(session: CallSession, policy: Policy | None) -> None:
    """Where the policy rests whole projects, nobody of this one is called before the cooldown is over."""
    if session.project_id is None:
        return
    if policy is None:
        asked = Asked(at=session.initiated_at, channel=Channel.CALL.value)
        policy = policies_of({session.project_id}, asked).of(session.project_id)
    if policy.scope != CooldownScope.PROJECT:
        return
    until = session.initiated_at + policy.cooldown
    later = Greatest(Coalesce(F("next_call_eligible_at"), Value(until)), Value(until))
    Project.objects.filter(pk=session.project_id).update(next_call_eligible_at=later)


def begin(session: CallSession) -> providers.Handover:
    """Hand the call over to the telephone company, outside any transaction, once.

    A call that certainly did not begin counts in no cap; one that may have begun counts.

    :raises config.kernel.providers.ProviderError: as the port says.
    """
    extension = session.point.extension if session.point else ""
    to = session.endpoint.value if session.endpoint else session.number
    try:
        handover = providers.voice().begin(to=to, extension=extension, reference=str(session.pk))
    except (Rejected, Unavailable) as error:
        _never_began(session, error)
        raise
    faults.point("dial.after_handover")
    return handover


@transaction.atomic
def _never_began(session: CallSession, error: ProviderError) -> None:
    CallEvent.objects.create(
        session=session, kind=EventKind.FAILED, at=session.initiated_at, facts={"note": f"Not dialed: {error}"}
    )
    status.rebuild(session)
    Touch.objects.filter(source="calls.callsession", source_id=session.pk).update(counts=False)
    hints.refresh(at=session.initiated_at, contact_ids=[session.contact_id])
    tell(f"rep.{session.rep_id}", "call_changed", session=str(session.pk))
