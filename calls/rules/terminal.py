"""Terminal sessions close a project, a person, a pair, a number, or everything."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q

from calls.choices import Scope
from calls.models import TerminalSession
from config.kernel.gate import Approach, Asked, Block, Facts, Level
from crm.choices import Channel


@dataclass(frozen=True)
class Terminal:
    """One scope of terminal session stands against the approach until it ends or is lifted."""

    scope: Scope
    level: Level
    outer: str | None  # the column of the row in question that names the subject
    channels = frozenset(Channel.values)
    version = 1

    @property
    def code(self) -> str:
        return f"terminal_{self.scope.value}"

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        name = f"terminal.{self.scope.value}"
        session, until = facts.get(name), facts.get(f"{name}.until")
        if not session or (isinstance(until, datetime) and until <= at):
            return None
        return Block(self.code, self.level, {"session": session}, until=until if isinstance(until, datetime) else None)

    def excludes(self, asked: Asked) -> Q:
        standing = TerminalSession.objects.standing(asked.at).of(self.scope)
        if self.outer:
            standing = standing.filter(**{self.scope.value: OuterRef(self.outer)})
        return Q(Exists(standing))


RULES = [
    Terminal(Scope.EVERYONE, Level.WORLD, None),
    Terminal(Scope.PROJECT, Level.PROJECT, "project_id"),
    Terminal(Scope.CONTACT, Level.CONTACT, "contact_id"),
    Terminal(Scope.PAIR, Level.PAIR, "pk"),
]
NUMBER_RULES = [Terminal(Scope.ENDPOINT, Level.ENDPOINT, "endpoint_id")]

SUBJECT = {
    Scope.PROJECT: "project_id",
    Scope.CONTACT: "contact_id",
    Scope.PAIR: "pair_id",
    Scope.ENDPOINT: "endpoint_id",
}


def terminal_facts(approaches: set[Approach], asked: Asked) -> dict[tuple[str, Any], tuple[str, datetime | None]]:
    """Return for each closed (scope, subject) the session that stands longest, in one query."""
    closed = Q(scope=Scope.EVERYONE)
    for scope, attribute in SUBJECT.items():
        subjects = {getattr(approach, attribute) for approach in approaches} - {None}
        if subjects:
            closed |= Q(**{"scope": scope, f"{scope.value}__in": subjects})
    found: dict[tuple[str, Any], tuple[str, datetime | None]] = {}
    for session in TerminalSession.objects.standing(asked.at).filter(closed).order_by("id"):
        subject = None if session.scope == Scope.EVERYONE else getattr(session, SUBJECT[Scope(session.scope)])
        known = found.get((session.scope, subject))
        if known is None or _later(session.until, known[1]):
            found[session.scope, subject] = (str(session.id), session.until)
    return found


def _later(until: datetime | None, known: datetime | None) -> bool:
    return known is not None and (until is None or until > known)
