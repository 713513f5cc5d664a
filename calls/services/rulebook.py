"""What admins decide: outcomes and what they cause, how often people are called, when a law was last verified."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeVar

from django.core.exceptions import ValidationError
from django.db import models

from calls.choices import TIGHTER, CooldownScope
from calls.models import CallingHours, CallingPolicy, Disposition
from calls.services.hours import VALID_FOR
from config.kernel.audit import acting
from config.kernel.errors import Conflict, DomainError
from config.kernel.transactions import atomic_with_retries
from crm.models import User

RowT = TypeVar("RowT", Disposition, CallingPolicy)

LONGEST: Final = timedelta(days=3650)


class UnusableRule(DomainError):
    """``details`` say which field cannot be kept, and why."""

    code = "unusable_rule"


class LooserThanAll(UnusableRule):
    """A project may only be stricter than the rule for all."""

    code = "looser_than_all"


class NotCurrent(Conflict):
    """Another row has taken the place of this one."""

    code = "not_current"


@atomic_with_retries
def edit(*, row: RowT, changes: Mapping[str, Any], at: datetime, by: User | None = None) -> RowT:
    """Change an outcome or a policy. Calls that already ended keep what their outcome caused.

    :raises UnusableRule: a field cannot be kept; ``details`` say why.
    :raises LooserThanAll: a project's policy would allow what the rule for all forbids.
    """
    row = type(row)._default_manager.select_for_update(no_key=True).get(pk=row.pk)
    return _write(row, changes, by)


@atomic_with_retries
def add_disposition(*, at: datetime, by: User | None = None, **values: Any) -> tuple[Disposition, bool]:
    """Add an outcome; True: it is new. :raises UnusableRule: a field cannot be kept."""
    return _write(Disposition(), values, by), True


@atomic_with_retries
def add_policy(*, at: datetime, by: User | None = None, **values: Any) -> tuple[CallingPolicy, bool]:
    """Give a project a stricter policy of its own; True: it is new.

    :raises UnusableRule, LooserThanAll: as for ``edit``.
    """
    if values.get("project") is None:
        raise UnusableRule("Choose a project: the rule for all is there already.", details={"project": "Choose one."})
    return _write(CallingPolicy(), values, by), True


@atomic_with_retries
def verify_hours(*, row: CallingHours, verified_on: date, source: str, by: User | None, at: datetime) -> CallingHours:
    """Say that a row of law was looked up again and still holds: a new row takes its place, for 180 days.

    :raises NotCurrent: somebody was faster.
    :raises UnusableRule: the day lies ahead, or no source is named.
    """
    if verified_on > at.date():
        raise UnusableRule("Nobody can have looked it up on a day to come.", details={"verified_on": "Lies ahead."})
    if not source.strip():
        raise UnusableRule("Say where the law was looked up.", details={"source": "Required."})
    with acting(user=by and by.pk):
        if not CallingHours.objects.filter(pk=row.pk, replaced_at=None).update(replaced_at=at):
            raise NotCurrent(f"{row.rule_id} was verified again meanwhile: look at the current row.")
        copied = {
            field.name: getattr(row, field.name)
            for field in row._meta.concrete_fields
            if field.name not in {"id", "created_at", "updated_at", "replaced_at"}
        }
        copied |= {"verified_on": verified_on, "expires_on": verified_on + VALID_FOR, "source": source.strip()}
        return CallingHours.objects.create(**copied)


def _write(row: RowT, values: Mapping[str, Any], by: User | None) -> RowT:
    for name, value in values.items():
        setattr(row, name, value)
    if isinstance(row, CallingPolicy):
        _refuse_looser(row)
    faults = _too_long(row)
    try:
        row.full_clean()
    except ValidationError as trouble:
        faults |= {name: " ".join(said) for name, said in trouble.message_dict.items()}
    if faults:
        raise UnusableRule(" ".join(faults.values()), details=faults)
    with acting(user=by and by.pk):
        row.save()
    return row


def _too_long(row: models.Model) -> dict[str, str]:
    """A length of time that no calendar survives is a slip of the pen."""
    spans = [field.name for field in row._meta.concrete_fields if isinstance(field, models.DurationField)]
    found = {name: getattr(row, name) for name in spans}
    return {
        name: "Between nothing and ten years."
        for name, span in found.items()
        if span is not None and not timedelta(0) <= span <= LONGEST
    }


def _refuse_looser(row: CallingPolicy) -> None:
    everybody = CallingPolicy.objects.filter(project=None).first()
    if row.project_id is None or everybody is None:
        return
    looser = {
        "cooldown": row.cooldown < everybody.cooldown,
        "day_cap": row.day_cap > everybody.day_cap,
        "week_cap": row.week_cap > everybody.week_cap,
        "cooldown_scope": TIGHTER[CooldownScope(row.cooldown_scope)] < TIGHTER[CooldownScope(everybody.cooldown_scope)],
    }
    details = {name: f"The rule for all says {getattr(everybody, name)}." for name, is_so in looser.items() if is_so}
    if details:
        raise LooserThanAll("A project can only be stricter than the rule for all.", details=details)
