"""Nobody is called too often: cooldown after a call, and caps on all touches of a person and of a number.

Windows are half-open: a touch exactly one window ago counts no more. Every touch counts, whatever made it and on
whatever channel; the cooldown looks at calls alone, and not at those that reached somebody else. Caps: Florida and
Oklahoma allow three a day (FL-CAP, OK-CAP).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    CharField,
    Count,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    IntegerField,
    OuterRef,
    Q,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThanOrEqual

from calls.choices import CooldownScope
from calls.rules.policies import DAY, WEEK, Policy, cap_in_sql, cooldown_in_sql, general
from config.kernel.gate import Asked, Block, Facts, Level, Rule
from crm.choices import Channel, PointState
from crm.models import ContactPoint, ProjectContact, Touch
from crm.querysets import TouchQuerySet

CALL = frozenset({Channel.CALL})
HAS_OWN = Q(project__calling_policy__isnull=False)  # first and never NULL: else PostgreSQL probes every row for nothing


class ProjectNotYet:
    """Nobody of the project is called before ``Project.next_call_eligible_at``."""

    code, level, channels, version = "project_not_yet", Level.PROJECT, CALL, 1

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        until = facts.get("project.not_before")
        if not isinstance(until, datetime) or until <= at:
            return None
        return Block(self.code, self.level, {}, until=until)

    def excludes(self, asked: Asked) -> Q:
        return Q(project__next_call_eligible_at__gt=asked.at)


class Cooldown:
    """After a call the person rests; a callback that they asked for, once it is due, does not wait for that.

    The first call after a promise fell due uses it up, whatever its outcome: from then on they rest again. A call on a
    number that turned out to be a wrong person's was no call to them; the caps still count it.
    """

    code, level, channels, version = "cooldown", Level.CONTACT, CALL, 2

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        policy = Policy.from_facts(facts)
        last = facts.get("calls.pair.last" if policy.scope == CooldownScope.PAIR else "calls.contact.last")
        callback = facts.get("pair.callback_at")
        if not isinstance(last, datetime):
            return None
        until = last + policy.cooldown
        if isinstance(callback, datetime) and callback > last:
            until = min(until, callback)
        if until <= at:
            return None
        return Block(self.code, self.level, {"last_call": last, "scope": policy.scope}, until=until)

    def excludes(self, asked: Asked) -> Q:
        used_up = Q(Exists(self._calls(asked).filter(at__gte=OuterRef("callback_at"))))
        if asked.wide:  # few have a callback: from all who were called those are taken away, by an index of their own
            due = ProjectContact.objects.filter(callback_at__lte=asked.at)
            return self._called(asked) & ~Q(pk__in=due.exclude(used_up).order_by().values("pk"))
        waiting = Q(callback_at=None) | Q(callback_at__gt=asked.at)
        return (self._called(asked) & waiting) | (Q(callback_at__lte=asked.at) & used_up)

    def _called(self, asked: Asked) -> Q:
        if not asked.wide or general(asked).scope == CooldownScope.PAIR:
            return Q(Exists(self._calls(asked)))
        called = calls_to_them().since(asked.at - general(asked).cooldown).order_by().values("contact")
        longer = HAS_OWN & Q(project__calling_policy__cooldown__gt=general(asked).cooldown)
        return Q(contact__in=called) | (longer & Q(Exists(self._calls(asked))))

    def _calls(self, asked: Asked) -> TouchQuerySet:
        """The calls after which the person of a pair still rests."""
        own = OuterRef("project__calling_policy__cooldown")
        since = ExpressionWrapper(Value(asked.at) - cooldown_in_sql(asked, own), output_field=DateTimeField())
        calls = calls_to_them().filter(contact=OuterRef("contact_id"), at__gt=since)
        if general(asked).scope != CooldownScope.PAIR:
            return calls
        own_scope = OuterRef("project__calling_policy__cooldown_scope")
        wider = Q(own_scope__in=[CooldownScope.CONTACT, CooldownScope.PROJECT])
        calls = calls.alias(own_scope=ExpressionWrapper(own_scope, output_field=CharField()))
        return calls.filter(Q(project=OuterRef("project_id")) | wider)


def calls_to_them() -> TouchQuerySet:
    """Calls that count, without those on a number that is marked as not this person's."""
    strangers = ContactPoint.objects.filter(
        contact=OuterRef("contact"), endpoint=OuterRef("endpoint"), state=PointState.WRONG_PERSON
    )
    return Touch.objects.counting().filter(~Exists(strangers), channel=Channel.CALL)


@dataclass(frozen=True)
class Cap:
    """At most so many touches in a rolling window: of a person (by the project's policy) or of a number (by the
    policy for all, because a number serves many projects)."""

    code: str
    level: Level
    subject: str
    window: timedelta
    limit: str
    channels = frozenset(Channel.values)
    version = 1

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        limit = facts[f"{'number' if self.level is Level.ENDPOINT else 'policy'}.{self.limit}"]
        touches = facts.get(f"touches.{self.subject}") or []
        if not isinstance(touches, list) or not isinstance(limit, int):
            raise TypeError("Caps need a list of touches and a limit.")
        recent = [touch for touch in instants(touches) if touch > at - self.window]
        if len(recent) < limit:
            return None
        until = sorted(recent, reverse=True)[limit - 1] + self.window
        return Block(self.code, self.level, {"touches": len(recent), "cap": limit}, until=until)

    def excludes(self, asked: Asked) -> Q:
        recent = Touch.objects.counting().since(asked.at - self.window)
        mine = recent.filter(**{self.subject: OuterRef(f"{self.subject}_id")})
        cap = getattr(general(asked), self.limit)
        own = Value(cap) if self.level is Level.ENDPOINT else cap_in_sql(asked, self.limit)
        reached = Q(GreaterThanOrEqual(_number_of(mine), own))
        if not asked.wide:
            return reached
        often = recent.order_by().values(self.subject).annotate(number=Count("*")).filter(number__gte=cap)
        by_sets = Q(**{f"{self.subject}__in": often.values(self.subject)})
        if self.level is Level.ENDPOINT:
            return by_sets
        return by_sets | (HAS_OWN & Q(**{f"project__calling_policy__{self.limit}__lt": cap}) & reached)


def _number_of(touches: Any) -> Any:
    per_subject = touches.order_by().annotate(all=Value(1)).values("all").annotate(number=Count("*")).values("number")
    return Coalesce(Subquery(per_subject, output_field=IntegerField()), 0)


def instants(values: Sequence[Any]) -> list[datetime]:
    """:raises TypeError: one of them is no moment; then the gate blocks, because what is not counted is a loophole."""
    for value in values:
        if not isinstance(value, datetime):
            raise TypeError("A touch is known by its moment.")
    return list(values)


RULES: list[Rule] = [
    ProjectNotYet(),
    Cooldown(),
    Cap("day_cap", Level.CONTACT, "contact", DAY, "day_cap"),
    Cap("week_cap", Level.CONTACT, "contact", WEEK, "week_cap"),
]
NUMBER_RULES = [
    Cap("number_day_cap", Level.ENDPOINT, "endpoint", DAY, "day_cap"),
    Cap("number_week_cap", Level.ENDPOINT, "endpoint", WEEK, "week_cap"),
]
