"""When an account rests: its provider refuses it, says nothing clear, or something of ours broke on the way."""

import logging
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from config.kernel import prepared
from config.kernel.transactions import atomic_with_retries

logger = logging.getLogger(__name__)

REST: Final = timedelta(minutes=5)
LONGEST_REST: Final = timedelta(hours=6)
# No account rests for longer than a day: a later end was made by a clock that has been set back since.
AWAKE: Final = """(open_until IS NULL OR open_until <= %(at)s::timestamptz
                   OR open_until > %(at)s::timestamptz + interval '25 hours')"""
PATIENCE: Final = 5  # batches in a row of which nobody knows what became of anything

_SHUT = f"""
    UPDATE campaigns_sendingaccount
    SET failures = least(failures + 1, 100),
        open_reason = CASE WHEN failures + 1 >= %(patience)s::int THEN %(reason)s ELSE '' END,
        open_until = CASE WHEN failures + 1 >= %(patience)s::int THEN %(at)s::timestamptz + least(
            %(rest)s::interval * power(2, least(failures + 1 - %(patience)s::int, 20)),
            greatest(%(longest)s::interval, %(rest)s::interval)) END
    WHERE id = %(account)s AND {AWAKE}
    RETURNING name, open_until"""  # noqa: S608 - our own words
_MEND = f"""
    UPDATE campaigns_sendingaccount SET failures = 0, open_until = NULL, open_reason = ''
    WHERE id = %(account)s AND (failures > 0 OR open_until IS NOT NULL)
      AND {AWAKE}"""  # noqa: S608 - our own words


@atomic_with_retries
def shut(*, account_id: UUID, reason: str, at: datetime, rest: timedelta = REST) -> bool:
    """Let an account rest that its provider refused, longer each time; say whether it has only now begun to.

    However many messages it was refused for, one alert is raised.
    """
    begun = _let_rest(account_id, reason, at, rest=rest)
    for name, until in begun:
        logger.error(
            "The provider refuses the account %s: nothing is sent from it until %s. Look at its credentials.",
            name, until.isoformat(timespec="minutes"),
        )  # fmt: skip
    return bool(begun)


@atomic_with_retries
def doubt(*, account_id: UUID, reason: str, at: datetime) -> None:
    """Keep that nobody knows what became of anything of a batch: the account sends one at a time until something is
    clear, and rests after a few such batches in a row, before it fills the queue of those who have to look."""
    for name, until in _let_rest(account_id, reason, at, patience=PATIENCE):
        logger.error(
            "What the provider of the account %s answers says nothing clear: nothing is sent from it until %s. "
            "Look at its provider, and at the messages that are uncertain.", name, until.isoformat(timespec="minutes"),
        )  # fmt: skip


@atomic_with_retries
def set_aside(*, account_id: UUID, error: Exception, at: datetime) -> None:
    """Let an account rest that nothing can be sent from, for a reason that nobody has foreseen. The caller logs it."""
    _let_rest(account_id, f"Sending from it stopped by an error ({type(error).__name__}).", at)


def _let_rest(
    account_id: UUID, reason: str, at: datetime, *, rest: timedelta = REST, patience: int = 1
) -> list[tuple[str, datetime]]:
    """Count a failure; from so many in a row on, let it rest. Return its name and until when, if that begins now."""
    params = {"account": account_id, "reason": reason[:300], "at": at, "rest": rest, "longest": LONGEST_REST}
    return [(name, until) for name, until in prepared.rows(_SHUT, {**params, "patience": patience}) if until]


def mend(*, account_id: UUID, at: datetime) -> None:
    """Let an account send as usual again: its provider has taken a message. A rest that has begun since goes on."""
    prepared.run(_MEND, {"account": account_id, "at": at})
