"""Terminal sessions close a project, a person, a pair, a number, or everything."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from calls.choices import Scope
from calls.models import TerminalSession
from config.kernel.gate import Asked, Block, Facts, Level
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

SUBJECT = {Scope.PROJECT, Scope.CONTACT, Scope.PAIR, Scope.ENDPOINT}
