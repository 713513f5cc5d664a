"""T4: what came of the calls, by class (trust 3.2). Only whoever marked a message writes it; what is proved, always."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from campaigns.choices import SETTLED, AttemptOutcome, HappeningKind, MessageState
from campaigns.providers import MessageProvider
from campaigns.services import bells, evidence, happenings
from campaigns.services.dispatch import resting
from campaigns.services.dispatch.accounts import Account
from campaigns.services.dispatch.calling import How, Told
from campaigns.services.dispatch.claiming import TRIES
from campaigns.services.dispatch.handing import KEY_LIVES
from campaigns.services.dispatch.marking import TOUCHES
from config.kernel import faults, prepared
from config.kernel.transactions import atomic_with_retries
from crm.choices import SuppressionReason
from crm.models import Endpoint
from crm.services import suppressing

FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(hours=1)

_S = MessageState
_OUTCOMES: Final = {
    How.ACCEPTED: AttemptOutcome.ACCEPTED,
    How.REJECTED: AttemptOutcome.REJECTED,
    How.NOT_SENT: AttemptOutcome.NOT_SENT,
    How.ACCOUNT: AttemptOutcome.NOT_SENT,
    How.UNCERTAIN: AttemptOutcome.UNCERTAIN,
}

faults.register("send.before_record")


def record(*, told: Sequence[Told], account: Account, provider: MessageProvider, at: datetime) -> None:
    """Write what came of the calls of one batch, then what follows for the account.

    Who told the provider to leave them alone is left alone from now on: that is written first, so that it holds
    whatever happens in between.
    """
    for one in told:
        if one.opted_out:
            _leave_alone(one, provider, at)
    for one in _record(told=told, account=account, at=at):
        token, reference = one.marked.outgoing.token, one.reference
        evidence.bind(provider=account.provider, status="accepted", at=at, token=token, reference=reference)
    _tell_account(told, account, at)


def _tell_account(told: Sequence[Told], account: Account, at: datetime) -> None:
    """Whether it may go on at its pace, and how long it rests where its provider refuses it, or says nothing clear."""
    refused = [one for one in told if one.how is How.ACCOUNT]
    unsure = [one for one in told if one.how is How.UNCERTAIN]
    if refused:
        wish = max((one.retry_after for one in refused if one.retry_after), default=resting.REST)
        resting.shut(account_id=account.id, reason=refused[0].detail, at=at, rest=wish)
    elif any(one.how in {How.ACCEPTED, How.REJECTED} for one in told):
        if account.failures:
            resting.mend(account_id=account.id, at=at)
    elif unsure:
        resting.doubt(account_id=account.id, reason=unsure[0].detail, at=at)


@atomic_with_retries
def _leave_alone(one: Told, provider: MessageProvider, at: datetime) -> None:
    marked = one.marked
    suppressing.suppress(
        endpoint=Endpoint.objects.get(pk=marked.endpoint_id), reason=SuppressionReason.OPTED_OUT, at=at,
        source=provider.label[:80], cause=marked.message_id,
    )  # fmt: skip
    happenings.keep(contacts=[marked.contact_id], kind=HappeningKind.OPT_OUT, cause=marked.message_id, at=at)


_NOW = """
    SELECT m.id, m.state, m.claim FROM campaigns_message m WHERE m.id = ANY(%(ids)s::uuid[])
    ORDER BY m.id FOR NO KEY UPDATE"""
# A repeat by key gets the id that the first try got; it stays with that one. What certainly was not sent counts in no
# cap any more, nor in the day of its account; the messages are locked before.
_RECORD = f"""
    WITH r AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
            message uuid, attempt uuid, state varchar, outcome varchar, reference varchar, detail varchar,
            not_before timestamptz, expires_at timestamptz, settled boolean,
            day date)),
    tries AS (
        UPDATE campaigns_attempt a
        SET outcome = r.outcome, detail = r.detail, recorded_at = %(at)s::timestamptz,
            reference = coalesce(a.reference, CASE WHEN NOT EXISTS (
                SELECT 1 FROM campaigns_attempt o WHERE o.provider = %(provider)s AND o.reference = r.reference)
                THEN r.reference END)
        FROM r WHERE a.id = r.attempt AND a.outcome <> 'accepted'),
    touches AS (
        UPDATE crm_touch t SET counts = false FROM r
        WHERE t.source = '{TOUCHES}' AND t.source_id = r.attempt AND r.outcome IN ('not_sent', 'rejected') AND t.counts
        RETURNING t.source_id),
    places AS (
        UPDATE campaigns_senderbudget b SET sent = greatest(b.sent - gone.number, 0)
        FROM (SELECT r.day, count(*)::int AS number FROM touches JOIN r ON r.attempt = touches.source_id
              GROUP BY r.day) gone
        WHERE b.account_id = %(account)s::uuid AND b.day = gone.day)
    UPDATE campaigns_message m
    SET state = r.state, reason = CASE WHEN r.state = 'accepted' THEN '' ELSE left(r.detail, 200) END,
        claimed_until = NULL, not_before = coalesce(r.not_before, m.not_before),
        expires_at = least(m.expires_at, r.expires_at),
        settled_at = CASE WHEN r.settled THEN coalesce(m.settled_at, %(at)s::timestamptz) END,
        updated_at = %(at)s::timestamptz
    FROM r WHERE m.id = r.message AND r.state IS NOT NULL"""  # noqa: S608 - our own words


@atomic_with_retries
def _record(*, told: Sequence[Told], account: Account, at: datetime) -> list[Told]:
    """Write the outcomes by compare-and-swap, in two statements; return those that prove a message was sent of which it
    has been concluded meanwhile that it was not."""
    asked = {"ids": sorted(one.marked.message_id for one in told)}
    now = {key: (state, claim) for key, state, claim in prepared.rows(_NOW, asked)}
    late = [one for one in told if one.how is How.ACCEPTED and now[one.marked.message_id][0] in evidence.GIVEN_UP]
    references: set[str] = set()
    rows = [_row(one, now[one.marked.message_id], references, at) for one in told]
    rows = [row for row in rows if row]
    if rows:
        of_all = {"provider": account.provider, "account": account.id, "at": at}
        prepared.run(_RECORD, {"rows": orjson.dumps(rows).decode(), **of_all})
        bells.engine()
    faults.point("send.before_record")
    return late


def _row(one: Told, now: tuple[str, int], references: set[str], at: datetime) -> Mapping[str, Any] | None:
    state, not_before = _next(one, _S(now[0]), is_ours=now[1] == one.marked.claim, at=at)
    if state is None and one.how is not How.ACCEPTED:
        return None  # news was faster, or somebody else has it: their word counts
    reference = one.reference if one.reference not in references else ""
    references.add(reference)
    return {
        "message": one.marked.message_id,
        "attempt": one.marked.attempt_id,
        "state": state,
        "outcome": _OUTCOMES[one.how],
        "reference": reference or None,
        "detail": one.detail,
        "not_before": not_before,
        "expires_at": _too_late_at(one) if state is _S.PENDING else None,
        "settled": state in SETTLED,
        "day": one.marked.day,
    }


def _next(one: Told, now: MessageState, *, is_ours: bool, at: datetime) -> tuple[MessageState | None, datetime | None]:
    """Return the state that follows, None where nothing does, and when it is tried again.

    An id of the provider is proof, whoever has claimed the message since; everything else only its claimant may say.
    That it was not sent is so only where no try before this one may have been: else somebody has to look.
    """
    if one.how is How.ACCEPTED:
        proves = now in {_S.DISPATCHING, _S.PENDING, _S.CLAIMED, _S.UNCERTAIN}
        return (_S.ACCEPTED if proves else None), None
    if not is_ours or now not in {_S.DISPATCHING, _S.UNCERTAIN}:
        return None, None
    is_sure = one.how is not How.UNCERTAIN and one.marked.maybe_sent_at is None
    if one.how is How.REJECTED:
        return (_S.REJECTED if is_sure else _S.UNCERTAIN), None
    if now is _S.UNCERTAIN:  # the sweeper was faster
        return (_S.NOT_SENT_PRESUMED if is_sure else None), None
    if one.how is How.UNCERTAIN and not one.marked.idempotent:
        return _S.UNCERTAIN, None
    again = at if one.how is How.ACCOUNT else at + (one.retry_after or wait_after(one.marked.tries))
    until = _too_late_at(one)
    is_last = one.marked.tries >= TRIES and one.how is not How.ACCOUNT
    if is_last or (until and again >= until):
        return _S.UNCERTAIN, None  # never got through: the reconciler looks, then a person
    return _S.PENDING, again


def _too_late_at(one: Told) -> datetime | None:
    """A provider that recognises a repeat by its key is asked again while it does, however long that waits."""
    since = one.marked.maybe_sent_at or one.marked.marked_at
    forgotten = since + KEY_LIVES if one.how is How.UNCERTAIN else None
    return min(filter(None, (one.marked.expires_at, forgotten)), default=None)


def wait_after(tries: int) -> timedelta:
    """Return how long to wait after so many tries that did not get through."""
    return min(FIRST_WAIT * (1 << min(tries - 1, 20)), LONGEST_WAIT)
