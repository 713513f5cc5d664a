"""The gate: the one decision whether somebody may be approached now, and if not, why not and when.

A *rule* is one reason, written twice: ``blocks`` looks at the facts of one approach and is pure, so that a stored
decision can be replayed; ``excludes`` says the same about many rows in SQL. The apps register rules and the sources
of facts; the gate knows no app. It fails closed: a rule or a source that breaks blocks everything it was asked about.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, Self, runtime_checkable
from uuid import UUID

from django.db.models import Q

from config.kernel.errors import DomainError

logger = logging.getLogger(__name__)

Fact = None | bool | int | str | datetime | list[datetime] | list[str]
Facts = Mapping[str, Fact]

ROUNDS, HORIZON = 50, timedelta(days=60)
GATE_ERROR = "gate_error"


class Level(StrEnum):
    """Whom a rule speaks about. Endpoint rules leave other numbers of the same person open; the rest close the pair."""

    WORLD = "world"
    PROJECT = "project"
    CONTACT = "contact"
    PAIR = "pair"
    ENDPOINT = "endpoint"


@dataclass(frozen=True, slots=True)
class Approach:
    """One way to approach one person: the subject of a decision. Without an endpoint there is nothing to dial.

    ``message_id`` is what would be sent; without it the question is whether anything could be.
    """

    contact_id: UUID
    endpoint_id: UUID | None
    channel: str
    pair_id: UUID | None = None
    project_id: UUID | None = None
    message_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The circumstances in which a question about rows is asked.

    ``wide`` says that it is asked of all rows rather than of a handful: a rule may then answer by sets instead of by
    probing row by row. Both answers are the same. ``up_to`` is for a question about the past: what was done at or
    after that moment does not count. ``memory`` keeps what rules compute once.
    """

    at: datetime
    channel: str
    user_id: UUID | None = None
    wide: bool = False
    up_to: datetime | None = None
    memory: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Block:
    """One reason against an approach. ``until`` is when this reason ends by itself; None means not by itself."""

    code: str
    level: Level
    evidence: Mapping[str, Any]
    until: datetime | None = None


class Rule(Protocol):
    @property
    def code(self) -> str: ...
    @property
    def level(self) -> Level: ...
    @property
    def channels(self) -> frozenset[str]: ...
    @property
    def version(self) -> int: ...

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        """Say whether this rule stands against the approach that ``facts`` describe. Pure: no query, no clock."""
        ...

    def excludes(self, asked: Asked) -> Q:
        """Say the same of rows: of points for an endpoint rule, of pairs for every other."""
        ...


class FactSource(Protocol):
    def __call__(self, approaches: Sequence[Approach], *, asked: Asked) -> Mapping[Approach, Facts]:
        """Return the facts of every approach, in a number of queries that does not grow with ``approaches``."""
        ...


@runtime_checkable
class Joinable(FactSource, Protocol):
    """A source that can be asked in one go with another of its kind."""

    def joined(self, other: Self) -> Self: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate said: every block, not only the first, with the facts that it was said on."""

    approach: Approach
    at: datetime
    blocks: tuple[Block, ...]
    facts: Facts

    @property
    def allowed(self) -> bool:
        return not self.blocks

    @property
    def codes(self) -> list[str]:
        return sorted({block.code for block in self.blocks})


class GateFault(DomainError):
    """The gate could not make up its mind, so nobody is approached."""

    code = GATE_ERROR


class Gate:
    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._rules_of: dict[str, list[Rule]] = {}  # by channel, as far as it was asked for
        self._sources: list[FactSource] = []
        self.version = ""

    def register(self, *, rules: Iterable[Rule] = (), facts: Iterable[FactSource] = ()) -> None:
        """Add rules and sources once, when an app gets ready; a code may be registered only once."""
        for rule in rules:
            if any(known.code == rule.code for known in self._rules):
                raise ValueError(f"A rule {rule.code!r} is registered already.")
            self._rules.append(rule)
        self._rules_of.clear()
        self.version = _fingerprint(self._rules)
        for source in facts:
            last = self._sources[-1] if self._sources else None
            if isinstance(last, Joinable) and type(source) is type(last):
                self._sources[-1] = last.joined(source)
            else:
                self._sources.append(source)

    def rules(self, channel: str) -> list[Rule]:
        """Return the rules of a channel in the order in which apps registered them: the order of the waterfall."""
        if channel not in self._rules_of:
            self._rules_of[channel] = [rule for rule in self._rules if channel in rule.channels]
        return self._rules_of[channel]

    def decide(self, approaches: Sequence[Approach], *, asked: Asked) -> list[Verdict]:
        """Return one verdict per approach, in their order; a source of facts that breaks blocks them all."""
        facts: dict[Approach, dict[str, Fact]] = {approach: {} for approach in approaches}
        try:
            for source in self._sources:
                for approach, found in source(approaches, asked=asked).items():
                    facts[approach].update(found)
        except Exception as error:
            logger.exception("The gate could not gather its facts")
            broken = (_broken("facts", error),)
            return [Verdict(approach, asked.at, broken, {}) for approach in approaches]
        return [Verdict(a, asked.at, self.judge(facts[a], asked.at, a.channel), facts[a]) for a in approaches]

    def judge(self, facts: Facts, at: datetime, channel: str) -> tuple[Block, ...]:
        """Return every block that ``facts`` carry at the moment ``at``. Pure, hence the replay of a decision."""
        found = (_asked_safely(rule, facts, at) for rule in self.rules(channel))
        return tuple(block for block in found if block is not None)

    def earliest(self, verdict: Verdict) -> datetime | None:
        """Return the first moment at which nothing stands against the approach any more, as far as is known today.

        It is the fixpoint of the blocks' ends: at most 50 rounds and 60 days ahead. None means never by itself, or
        not within 60 days.
        """
        at, blocks = verdict.at, verdict.blocks
        for _ in range(ROUNDS):
            if not blocks:
                return at
            ends = [block.until for block in blocks]
            if None in ends:
                return None
            at = max(end for end in ends if end is not None)
            if at > verdict.at + HORIZON:
                return None
            blocks = self.judge(verdict.facts, at, verdict.approach.channel)
        return None

    def exclusions(self, asked: Asked, *, endpoints: bool) -> list[tuple[Rule, Q]]:
        """Return the set face of every rule that speaks of points (``endpoints``) or of pairs.

        :raises GateFault: when a rule cannot say it. Better nobody is called than somebody who must not be.
        """
        wanted = [rule for rule in self.rules(asked.channel) if (rule.level is Level.ENDPOINT) is endpoints]
        try:
            return [(rule, rule.excludes(asked)) for rule in wanted]
        except Exception as error:
            logger.exception("The gate could not put its rules into SQL")
            raise GateFault("The gate is out of order: nobody is offered until it is mended.") from error


def _fingerprint(rules: Iterable[Rule]) -> str:
    """Twelve characters that change whenever a rule is added, dropped or rewritten."""
    text = ",".join(f"{rule.code}:{rule.version}" for rule in rules)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _asked_safely(rule: Rule, facts: Facts, at: datetime) -> Block | None:
    try:
        return rule.blocks(facts, at)
    except Exception as error:
        logger.exception("Rule %s broke", rule.code)
        return _broken(rule.code, error)


def _broken(what: str, error: Exception) -> Block:
    return Block(GATE_ERROR, Level.WORLD, {"rule": what, "error": type(error).__name__})


def pack(facts: Facts) -> dict[str, Any]:
    """Return ``facts`` as JSON: instants become "@" and microseconds since 1970, what is empty is left out."""
    return {name: _packed(value) for name, value in sorted(facts.items()) if not _is_empty(value)}


def unpack(stored: Mapping[str, Any]) -> dict[str, Fact]:
    """Return what ``pack`` was given; a fact that was left out reads as None."""
    return {name: _unpacked(value) for name, value in stored.items()}


def _is_empty(value: Any) -> bool:
    return value is None or value is False or value in ("", [])  # nought is a fact


def _packed(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"@{(value - _EPOCH) // timedelta(microseconds=1)}"
    return [_packed(item) for item in value] if isinstance(value, list) else value


def _unpacked(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("@"):
        return _EPOCH + timedelta(microseconds=int(value[1:]))
    return [_unpacked(item) for item in value] if isinstance(value, list) else value


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

gate = Gate()
