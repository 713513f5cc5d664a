"""The two-way ledger: whatever a provider says was sent has exactly one of our attempts, and the reverse (trust 3.2).

An hour at a time, so that a day of any size fits into memory.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
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
    begin = since
    try:
        while begin < until:
            end = min(begin + SLICE, until)
            _compare_slice(result, begin, end, at)
            begin = end
    except (ProviderError, ImproperlyConfigured) as error:
        result.error = line(error) or type(error).__name__
    return result


def _compare_slice(result: Matched, since: datetime, until: datetime, at: datetime) -> None:
    rows = listed(result.provider, since=since - SKEW, until=until + SKEW)
    ours = _attempts(result.provider, rows)
    elsewhere = _sent_elsewhere(result.provider, {mine.message_id for mine in ours.values()}, until + SKEW)
    told: Counter[UUID] = Counter()
    proofs = []
    for row in rows:
        mine = ours.get(evidence.hash_of(row.token)) or ours.get(row.reference)
        if mine is not None:
            told[mine.message_id] += 1
            proofs.append(Proof(bytes(mine.token_hash), row.status, row.reference))
        if since <= row.at < until:
            again = mine is not None and (told[mine.message_id] > 1 or _is_another(row, mine, elsewhere))
            _note(result, row, mine, again=again)
    for chunk in _chunks(proofs):
        result.corrected += evidence.learn(chunk, at=at)
    _look_for_missing(result, since, until, told)
    for known in _chunks(list(told)):  # a list may be late: what it has now is not missing any more
        _is_there(known)


def _note(result: Matched, row: Sent, mine: Attempt | None, *, again: bool) -> None:
    result.theirs += 1
    name = usable_reference(row.reference) or ascii(row.reference)[:120]
    if mine is None:
        result.strange.append(name)
    elif again:
        result.twice.append(name)
    else:
        result.matched += 1


def _is_another(row: Sent, mine: Attempt, elsewhere: Mapping[UUID, Sequence[Attempt]]) -> bool:
    """Whether the same try, or a later one that this list does not reach, was taken under another id."""
    known = usable_reference(row.reference)
    later = (one for one in elsewhere.get(mine.message_id, ()) if one.number > mine.number)
    given = {(one.provider, one.reference) for one in (mine, *later) if one.reference}
    return bool(known) and not given <= {(mine.provider, known)}


def _sent_elsewhere(provider: str, messages: set[UUID], until: datetime) -> dict[UUID, list[Attempt]]:
    """The tries of ``messages`` that somebody took, and that this provider's list up to ``until`` cannot have."""
    found = defaultdict(list)
    elsewhere = ~Q(provider=provider) | Q(dispatched_at__gte=until)
    for chunk in _chunks(list(messages)):
        tries = Attempt.objects.filter(elsewhere, message__in=chunk, number__gt=1, reference__isnull=False)
        for one in tries.only("message_id", "number", "provider", "reference"):
            found[one.message_id].append(one)
    return found


def _is_there(messages: Collection[UUID]) -> None:
    Message.objects.filter(pk__in=messages, anomaly=Anomaly.NOT_IN_LEDGER).update(anomaly="")


def _attempts(provider: str, rows: list[Sent]) -> dict[bytes | str, Attempt]:
    """Our attempts behind these rows, by the hash of their token and by the provider's id."""
    found: dict[bytes | str, Attempt] = {}
    attempts = Attempt.objects.filter(provider=provider).only(
        "id", "message_id", "number", "provider", "token_hash", "reference"
    )  # fmt: skip
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
    had = set(_had_before(result.provider, list(absent), since, until))
    for chunk in _chunks(list(had)):
        _is_there(chunk)
    absent = {message: None for message in absent if message not in had}
    for chunk in _chunks(list(absent)):
        Message.objects.filter(pk__in=chunk, anomaly="").update(anomaly=Anomaly.NOT_IN_LEDGER)
    result.missing += absent


def _had_before(provider: str, messages: list[UUID], since: datetime, until: datetime) -> Iterator[UUID]:
    """Yield those that the provider lists at another hour, at which they were tried too.

    Asked again with a key that it knows, it says that it took the message, and lists it when it did: hours ago, where
    the answer was lost and the second try had to wait, or on the day before.
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
                yield found


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
