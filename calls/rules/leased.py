"""Two reps never hold the same person, nor the same number."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from calls.models import Lease
from config.kernel.gate import Asked, Block, Facts, Level
from crm.choices import Channel


@dataclass(frozen=True)
class Leased:
    code: str
    level: Level
    subject: str
    channels = frozenset({Channel.CALL})
    version = 1

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        until = facts.get(f"lease.{self.subject}.until")
        if not isinstance(until, datetime) or until <= at:
            return None
        return Block(self.code, self.level, {"by": facts.get(f"lease.{self.subject}.by")}, until=until)

    def excludes(self, asked: Asked) -> Q:
        held = Lease.objects.live(asked.at).of_others(asked.user_id)
        return Q(Exists(held.filter(**{self.subject: OuterRef(f"{self.subject}_id")})))


RULES = [Leased("leased", Level.CONTACT, "contact")]
NUMBER_RULES = [Leased("number_leased", Level.ENDPOINT, "endpoint")]
