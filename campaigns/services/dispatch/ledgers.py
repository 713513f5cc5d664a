"""The two-way ledger: whatever a provider says was sent has exactly one of our attempts, and the reverse (trust 3.2).

An hour at a time, so that a day of any size fits into memory; only lines of messages that were tried more than once, or
of which no answer came, are kept to the end.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Q

from campaigns.choices import Anomaly, MessageState
from campaigns.models import Attempt, Message, SendingAccount
from campaigns.providers import SKEW, Sent, usable_reference
from campaigns.services import evidence
from campaigns.services.dispatch.calling import line
from campaigns.services.dispatch.listing import listed
from campaigns.services.evidence import Proof
from config.kernel.providers import ProviderError

logger = logging.getLogger(__name__)
T = TypeVar("T")
Lines = defaultdict[UUID, set[tuple[datetime, str]]]  # of their list, by message: when, and under which id

SLICE: Final = timedelta(hours=1)
NAMED: Final = 10  # ids in one line of the log


@dataclass
class Matched:
    """What became of one provider's ledger: rows and attempts that match, and those that do not."""

    provider: str
    matched: int = 0
    theirs: int = 0  # rows of its list
    ours: int = 0  # attempts of which we say that it took them
    corrected: int = 0  # we had not said that it was sent
    strange: list[str] = field(default_factory=list)  # ids of the provider that no attempt of ours explains
    twice: list[str] = field(default_factory=list)  # ids of the provider for one and the same message
    missing: list[UUID] = field(default_factory=list)  # our messages that it says it never got
    error: str = ""  # why its list cannot be had: nothing is concluded

    @property
    def is_unknown(self) -> bool:
        return bool(self.error)

    @property
    def is_clean(self) -> bool:
        return not (self.strange or self.twice or self.missing or self.is_unknown)


def compare(*, since: datetime, until: datetime, at: datetime) -> list[Matched]:
    """Compare every provider's ledger of [since, until) with ours, correct what it proves, and raise the alarm.

    Of one whose list cannot be had nothing is concluded, and the others are compared all the same.
    """
    used = Attempt.objects.filter(dispatched_at__gte=since, dispatched_at__lt=until).values_list("provider", flat=True)
    known = SendingAccount.objects.values_list("provider", flat=True)
    names = set(used.order_by().distinct()) | set(known.order_by().distinct())
    results = [compare_one(provider, since=since, until=until, at=at) for provider in sorted(names)]
    for result in results:
        if result.is_unknown:
            logger.error(
                "The ledger of %s cannot be had from %s on: %s Compare it by hand: "
                "./dev ledger --since ... --until ...",
                result.provider, since.isoformat(timespec="minutes"), result.error,
            )  # fmt: skip
        raise_alarm(result.provider, unexplained=result.strange, repeated=result.twice, missing=result.missing)
    return results


def compare_one(provider: str, *, since: datetime, until: datetime, at: datetime) -> Matched:
    """Compare one provider's ledger of [since, until) with ours, and correct what it proves."""
    result = Matched(provider)
    begin, several = since, Lines(set)
    try:
        while begin < until:
            end = min(begin + SLICE, until)
            _compare_slice(result, several, begin, end, at)
            begin = end
        _look_for_repeats(result, several, since, until)
    except (ProviderError, ImproperlyConfigured) as error:
        result.error = line(error) or type(error).__name__
    return result


def _compare_slice(result: Matched, several: Lines, since: datetime, until: datetime, at: datetime) -> None:
    rows = listed(result.provider, since=since - SKEW, until=until + SKEW)
    ours = _attempts(result.provider, rows)
    told: Counter[UUID] = Counter()
    proofs = []
    for row in rows:
        mine = ours.get(evidence.hash_of(row.token)) or ours.get(row.reference)
        if mine is not None:
            told[mine.message_id] += 1
            proofs.append(Proof(bytes(mine.token_hash), row.status, row.reference))
            if _is_several(mine):
                several[mine.message_id].add((row.at, _name(row)))
        if since <= row.at < until:
            _note(result, row, mine, is_first=mine is None or told[mine.message_id] == 1)
    for chunk in _chunks(proofs):
        result.corrected += evidence.learn(chunk, at=at)
    _look_for_missing(result, since, until, told)
    for known in _chunks(list(told)):  # a list may be late: what it has now is not missing any more
        _is_there(known)


def _note(result: Matched, row: Sent, mine: Attempt | None, *, is_first: bool) -> None:
    """Say of a line whether it matches; of one that is among several of its message that is found out in the end."""
    result.theirs += 1
    known = usable_reference(row.reference)
    if mine is None:
        result.strange.append(_name(row))
    elif _is_several(mine) or (is_first and mine.reference in {None, known or mine.reference}):
        result.matched += 1
    else:
        result.twice.append(_name(row))


def _name(row: Sent) -> str:
    return usable_reference(row.reference) or ascii(row.reference)[:120]


def _is_several(mine: Attempt) -> bool:
    """Whether its message may have gone out by another try, or by this one under another id than we know."""
    return mine.message.tries > 1 or mine.reference is None


def _is_there(messages: Collection[UUID]) -> None:
    Message.objects.filter(pk__in=messages, anomaly=Anomaly.NOT_IN_LEDGER).update(anomaly="")


def _attempts(provider: str, rows: list[Sent]) -> dict[bytes | str, Attempt]:
    """Our attempts behind these rows, by the hash of their token and by the provider's id."""
    found: dict[bytes | str, Attempt] = {}
    attempts = Attempt.objects.filter(provider=provider).select_related("message")
    attempts = attempts.only("token_hash", "reference", "message__tries")
    for chunk in _chunks(rows):
        hashes = [evidence.hash_of(row.token) for row in chunk if row.token]
        found.update((bytes(one.token_hash), one) for one in attempts.filter(token_hash__in=hashes))
        references = list(filter(None, map(usable_reference, (row.reference for row in chunk))))
        found.update((str(one.reference), one) for one in attempts.filter(reference__in=references))
    return found


def _look_for_missing(result: Matched, since: datetime, until: datetime, told: Collection[UUID]) -> None:
    """Count what we say that this provider has, and mark the messages of it that it does not have."""
    sent = [MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.UNDELIVERED]
    ours = Attempt.objects.filter(
        provider=result.provider, dispatched_at__gte=since, dispatched_at__lt=until, outcome="accepted",
        message__state__in=sent,
    )  # fmt: skip
    absent: dict[UUID, None] = {}
    for message in ours.values_list("message_id", flat=True).iterator(chunk_size=2000):
        result.ours += 1
        if message not in told:
            absent[message] = None
    had = {message for message, _ in _at_other_hours(result.provider, list(absent), since, until)}
    for chunk in _chunks(list(had)):
        _is_there(chunk)
    absent = {message: None for message in absent if message not in had}
    for chunk in _chunks(list(absent)):
        Message.objects.filter(pk__in=chunk, anomaly="").update(anomaly=Anomaly.NOT_IN_LEDGER)
    result.missing += absent


def _look_for_repeats(result: Matched, several: Lines, since: datetime, until: datetime) -> None:
    """Of the lines of one message all but the first are repeats; all of them, where another provider took it last."""
    for message, row in _at_other_hours(result.provider, list(several), since, until):
        several[message].add((row.at, _name(row)))
    elsewhere = set[UUID]()
    for chunk in _chunks(list(several)):
        taken = Attempt.objects.filter(Q(outcome="accepted") | Q(reference__isnull=False), message__in=chunk)
        last = taken.order_by("message_id", "-number").distinct("message_id").values_list("message_id", "provider")
        elsewhere |= {message for message, provider in last if provider != result.provider}
    for message, lines in several.items():
        again = sorted(lines)[message not in elsewhere :]
        names = [name for at, name in again if since <= at < until]
        result.twice += names
        result.matched -= len(names)


def _at_other_hours(
    provider: str, messages: list[UUID], since: datetime, until: datetime
) -> Iterator[tuple[UUID, Sent]]:
    """Yield what a provider lists of ``messages`` at the hours of those of their tries that were not in [since, until).

    Asked again with a key that it knows, it says that it took the message, and lists it when it did: hours ago, where
    the answer was lost and the second try had to wait, or on the day before. Or it does not know the key any more.
    """
    wanted: dict[bytes | str, UUID] = {}
    hours = set[datetime]()
    for chunk in _chunks(messages):
        tries = Attempt.objects.filter(message__in=chunk, provider=provider)
        for message, token_hash, reference, moment in tries.values_list(
            "message_id", "token_hash", "reference", "dispatched_at"
        ):
            wanted[bytes(token_hash)] = message
            if reference:
                wanted[reference] = message
            if not since <= moment < until:
                hours.add(moment.replace(minute=0, second=0, microsecond=0))
    for hour in sorted(hours):
        for row in listed(provider, since=hour - SKEW, until=hour + timedelta(hours=1) + SKEW):
            if found := wanted.get(evidence.hash_of(row.token)) or wanted.get(row.reference):
                yield found, row


def raise_alarm(
    provider: str, *, unexplained: Sequence[object], repeated: Sequence[object], missing: Sequence[object]
) -> None:
    """P1: somebody got something that we cannot explain, or got it twice. What they lack, somebody has to look at."""
    for ids, words in (
        (unexplained, "were sent, it says, and we know nothing of them"),
        (repeated, "were sent a second time"),
        (missing, "are unknown to it, though it took them"),
    ):
        if ids:
            named = ", ".join(str(one) for one in ids[:NAMED])
            logger.error("Ledger of %s: %d messages %s: %s", provider, len(ids), words, named)


def _chunks(rows: list[T], size: int = 1000) -> Iterator[list[T]]:
    return (rows[begin : begin + size] for begin in range(0, len(rows), size))
