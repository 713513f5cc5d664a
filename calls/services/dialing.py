"""Dialing: the point of no return. From this commit on the call counts, even if everything after it dies."""

from datetime import datetime
from uuid import UUID

from django.db.models import Max

from calls import providers
from calls.choices import CallSource, CooldownScope, Direction, EventKind
from calls.models import CallEvent, CallSession, CallStatus, Lease
from calls.rules.policies import Policy, policies_of
from calls.services import deciding, hints, leasing, pauses, status
from calls.services.deciding import RECEIPT, Refused, Ruling
from calls.services.leasing import LEASE, NoLease
from calls.services.undoing import Made, instant, text
from config.kernel import faults
from config.kernel.errors import Conflict
from config.kernel.gate import Asked
from config.kernel.ids import uuid7
from config.kernel.providers import ProviderError, Rejected, Unavailable
from config.kernel.realtime import tell
from config.kernel.transactions import atomic_with_retries, joining
from config.kernel.writing import Part, birth, together
from crm.choices import Channel, GateAction
from crm.models import ContactPoint, Project, Touch, User

TOUCHES = "calls.callsession"  # the source of the touch of a call
WAITS = "project_waited"  # in the first event: until when the project rested before this call, and since
# What only a call that began can tell.
PROVES = frozenset({EventKind.RINGING, EventKind.ANSWERED, EventKind.VOICEMAIL, EventKind.BUSY, EventKind.COMPLETED})


class FinishFirst(Conflict):
    """A call waits for its outcome, so the rep begins no other one."""

    code = "finish_first"

    def __init__(self, call: CallSession) -> None:
        super().__init__(f"First give the call with {call.contact} an outcome.")


faults.register("dial.before_commit", "dial.after_commit", "dial.after_handover")


def dial(*, user: User, point: ContactPoint, at: datetime, source: CallSource = CallSource.DESK) -> CallSession:
    """Prove the chosen number once more under its locks, write session and touch, and let the call begin.

    Call ``begin`` with the session afterwards: no provider is asked inside a transaction.

    :raises NoLease: the user does not hold this person any more.
    :raises FinishFirst: their last call of this pair waits for its outcome; of two dials at once one begins.
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
    if waiting := CallStatus.objects.filter(rep=user, session__pair=lease.pair_id).at_hand(at).first():
        raise FinishFirst(waiting.session)
    approach = deciding.approach_of(pair=lease.pair, contact_id=lease.contact_id, point=point)
    ruling = deciding.prove(action=GateAction.DIAL, approaches=[approach], user_id=user.pk, at=at)
    if ruling.receipt is None:
        return None, ruling
    key = uuid7()
    session = CallSession(
        id=key,
        call_session_id=str(key),
        pair=lease.pair,
        contact=lease.pair.contact,
        project=lease.pair.project,
        rep=user,
        point=point,
        endpoint=point.endpoint,
        number=str(point),
        direction=Direction.OUTBOUND,
        initiated_at=at,
        source=source,
        decision_id=ruling.decision_id,
    )
    policy, held = Policy.from_facts(ruling.verdict.facts), _hold_line(lease, point.endpoint_id, at)
    begun(session, (RECEIPT, ruling.receipt), birth(session), held, policy=policy)
    tell(f"rep.{user.pk}", "call_changed", session=str(key))
    faults.point("dial.before_commit")
    return session, ruling


def _hold_line(lease: Lease, endpoint_id: UUID, at: datetime) -> Part:
    """Let the lease hold the line that is called now; a lease on it that ran out and was not swept makes way."""
    if lease.endpoint_id != endpoint_id:
        Lease.objects.filter(endpoint=endpoint_id, expires_at__lte=at).exclude(pk=lease.pk).delete()
    held = "UPDATE calls_lease SET endpoint_id = %(line)s, expires_at = %(until)s WHERE id = %(lease)s"
    return held, {"line": endpoint_id, "until": at + LEASE, "lease": lease.pk}


def begun(
    session: CallSession, *also: Part, facts: dict[str, object] | None = None, policy: Policy | None = None
) -> None:
    """Write what belongs to every new session: its first event, its touch, its status, and who has to wait now.

    An inbound call is no touch of ours. ``policy`` is the one that was just decided by, read here if none was; ``also``
    is written in the same go.
    """
    outbound = session.direction == Direction.OUTBOUND
    waits = _let_project_wait(session, policy) if outbound else {}
    event = CallEvent(
        session=session,
        kind=EventKind.INITIATED,
        at=session.initiated_at,
        by=session.rep,
        facts={**(facts or {}), **waits},
    )
    touch = Touch(
        contact_id=session.contact_id,
        endpoint_id=session.endpoint_id,
        project_id=session.project_id,
        channel=Channel.CALL,
        at=session.initiated_at,
        user=session.rep,
        source=TOUCHES,
        source_id=session.pk,
    )
    rows = [event, status.shown(session, [event]), *([touch] if outbound else [])]
    together(*also, *map(birth, rows))
    if outbound:
        hints.refresh(at=session.initiated_at, contact_ids=[session.contact_id])


def _let_project_wait(session: CallSession, policy: Policy | None) -> dict[str, Made]:
    """Where the policy rests whole projects, nobody of this one is called before the cooldown is over.

    Return, for the first event, until when the project rested before and rests now; nothing where it moved nothing.
    """
    if session.project_id is None:
        return {}
    policy = policy or _policy_of(session)
    if policy.scope != CooldownScope.PROJECT:
        return {}
    pauses.hold(session.project_id)
    was, until = pauses.until_when(session.project_id), session.initiated_at + policy.cooldown
    if was and was >= until:
        return {}
    Project.objects.filter(pk=session.project_id).update(next_call_eligible_at=until)
    return {WAITS: {"was": text(was), "is": text(until)}}


def _policy_of(session: CallSession) -> Policy:
    asked = Asked(at=session.initiated_at, channel=Channel.CALL.value)
    return policies_of({session.project_id}, asked).of(session.project_id)


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


@atomic_with_retries
def _never_began(session: CallSession, error: ProviderError) -> None:
    """Take the call out of the caps, and let its project rest as before; unless news has proved that it began."""
    hold(session)
    CallEvent.objects.create(
        session=session, kind=EventKind.FAILED, at=session.initiated_at, facts={"note": f"Not dialed: {error}"}
    )
    status.rebuild(session)
    tell(f"rep.{session.rep_id}", "call_changed", session=str(session.pk))
    if session.events.filter(kind__in=PROVES).exists():
        return
    Touch.objects.filter(source=TOUCHES, source_id=session.pk).update(counts=False)
    _let_project_be(session)
    hints.refresh(at=session.initiated_at, contact_ids=[session.contact_id])


def _let_project_be(session: CallSession) -> None:
    """Give the project back the rest that it had before this call, where nobody has set another one since.

    Another call that counts supports the rest as well: it ends no sooner than the cooldown after the last of them.
    """
    first = session.events.filter(kind=EventKind.INITIATED, facts__has_key=WAITS).first()
    if session.project_id is None or first is None:
        return
    pauses.hold(session.project_id)
    made = first.facts[WAITS]
    if pauses.until_when(session.project_id) != instant(made["is"]):
        return
    others = Touch.objects.counting().filter(project=session.project_id, channel=Channel.CALL)
    last = others.aggregate(last=Max("at"))["last"]
    supported = [instant(made["was"]), last + _policy_of(session).cooldown if last else None]
    until = max((moment for moment in supported if moment), default=None)
    Project.objects.filter(pk=session.project_id).update(next_call_eligible_at=until)
    hints.refresh(at=session.initiated_at, project_ids=[session.project_id])


@joining
def proved(session: CallSession) -> None:
    """Count the call again: news has come of one that was said never to have begun.

    Whoever calls this has locked the person and the line: see ``hold``.
    """
    if not Touch.objects.filter(source=TOUCHES, source_id=session.pk, counts=False).update(counts=True):
        return
    if _let_project_wait(session, None):
        hints.refresh(at=session.initiated_at, project_ids=[session.project_id] if session.project_id else [])
    hints.refresh(at=session.initiated_at, contact_ids=[session.contact_id])


def hold(session: CallSession) -> None:
    """Lock the person and the line of a call: before its session, as everywhere (DESIGN 13)."""
    deciding.lock(contact_id=session.contact_id, endpoint_ids=[session.endpoint_id] if session.endpoint_id else [])
