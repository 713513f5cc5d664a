"""How often somebody may be called: the policy for all, tightened by a project's own."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from django.db.models import DurationField, F, IntegerField, Value
from django.db.models.functions import Coalesce, Greatest, Least

from calls.choices import TIGHTER, CooldownScope
from calls.models import CallingPolicy
from config.kernel.gate import Asked, Facts

DAY = timedelta(hours=25)  # a rolling day with one hour of slack, so that no clock change makes it short (DESIGN 14)
WEEK = timedelta(days=7)
TERMS = ("cooldown", "cooldown_scope", "day_cap", "week_cap")  # columns of a policy's row, in the order of ``Policy``


@dataclass(frozen=True, slots=True)
class Policy:
    cooldown: timedelta = timedelta(hours=24)
    scope: str = CooldownScope.CONTACT.value
    day_cap: int = 3
    week_cap: int = 10

    @classmethod
    def of(cls, row: CallingPolicy | None) -> Self:
        """Return the policy in ``row``; without a row, what Clearline is shipped with."""
        return cls(row.cooldown, row.cooldown_scope, row.day_cap, row.week_cap) if row else cls()

    def tightened_by(self, other: "Policy") -> "Policy":
        """Return whichever is stricter, term by term: a project can only tighten the policy for all."""
        return Policy(
            max(self.cooldown, other.cooldown),
            max(self.scope, other.scope, key=lambda scope: TIGHTER[CooldownScope(scope)]),
            min(self.day_cap, other.day_cap),
            min(self.week_cap, other.week_cap),
        )

    def facts(self) -> dict[str, Any]:
        return {
            "policy.cooldown": int(self.cooldown.total_seconds()),
            "policy.scope": str(self.scope),
            "policy.day_cap": self.day_cap,
            "policy.week_cap": self.week_cap,
        }

    @classmethod
    def from_facts(cls, facts: Facts) -> Self:
        """Read back what ``facts`` wrote.

        :raises KeyError: without a policy nothing can be allowed, so the gate fails closed.
        """
        seconds, day_cap, week_cap = (facts[f"policy.{name}"] for name in ("cooldown", "day_cap", "week_cap"))
        if not (isinstance(seconds, int | None) and isinstance(day_cap, int) and isinstance(week_cap, int)):
            raise KeyError("policy")
        return cls(timedelta(seconds=seconds or 0), str(facts["policy.scope"]), day_cap, week_cap)


@dataclass(frozen=True, slots=True)
class Policies:
    """The policy for all, and the projects' own."""

    general: Policy
    own: dict[Any, Policy]

    def of(self, project_id: Any) -> Policy:
        return self.general.tightened_by(self.own[project_id]) if project_id in self.own else self.general


def general(asked: Asked) -> Policy:
    """Return the policy for all, read once per question."""
    if "policy" not in asked.memory:
        asked.memory["policy"] = policy_for_all()
    found: Policy = asked.memory["policy"]
    return found


def policy_for_all() -> Policy:
    return Policy.of(CallingPolicy.objects.filter(project=None).first())


def policies_of(project_ids: set[Any], asked: Asked) -> Policies:
    own = CallingPolicy.objects.filter(project__in=project_ids - {None})
    return Policies(general(asked), {row.project_id: Policy.of(row) for row in own})


def cap_in_sql(asked: Asked, which: str) -> Any:
    """The cap of a pair's project as SQL: the smaller of the two."""
    cap = Value(getattr(general(asked), which), IntegerField())
    return Least(cap, Coalesce(F(f"project__calling_policy__{which}"), cap), output_field=IntegerField())


def cooldown_in_sql(asked: Asked, own: Any) -> Any:
    """The cooldown of a pair's project as SQL: the longer of the two; ``own`` is the path to the project's."""
    cooldown = Value(general(asked).cooldown, DurationField())
    return Greatest(cooldown, Coalesce(own, cooldown), output_field=DurationField())
