"""What admins decide: outcomes and what they cause, how often people are called, when a law was last verified."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, models, transaction

from calls.choices import TIGHTER, CooldownScope
from calls.models import CallingHours, CallingPolicy, Disposition
from calls.services import hints
from calls.services.hours import VALID_FOR
from calls.tasks import refresh_stale_hints
from config.kernel.audit import acting
from config.kernel.errors import Conflict, DomainError
from config.kernel.transactions import atomic_with_retries
from config.kernel.work import ring
from crm.models import Project, User

RowT = TypeVar("RowT", Disposition, CallingPolicy)

LONGEST: Final = timedelta(days=3650)
LAWFUL_DAY_CAP: Final = 3  # Florida, Oklahoma and Maryland; where somebody lives is too often a guess to allow more


class UnusableRule(DomainError):
    """``details`` say which field cannot be kept, and why."""

    code = "unusable_rule"


class LooserThanAll(UnusableRule):
    """A project may only be stricter than the rule for all."""

    code = "looser_than_all"


class Taken(Conflict):
    """Another row has this name, key or project."""

    code = "already_exists"


class NeedsDefault(Conflict):
    """Without the policy for all projects nobody could be called."""

    code = "needs_default"


class NotCurrent(Conflict):
    """Another row has taken the place of this one."""

    code = "not_current"


@atomic_with_retries
def edit(*, row: RowT, changes: Mapping[str, Any], at: datetime, by: User | None = None) -> RowT:
    """Change an outcome or a policy. Calls that already ended keep what their outcome caused.

    The queue follows: at once for a project, within seconds where the policy for all changes.

    :raises UnusableRule: a field cannot be kept; ``details`` say why.
    :raises LooserThanAll: a project's policy would allow what the rule for all forbids.
    :raises Taken: another row has this name, key or project.
    """
    row = type(row)._default_manager.select_for_update(no_key=True).get(pk=row.pk)
    return _write(row, changes, by, at)


@atomic_with_retries
def add_disposition(*, at: datetime, by: User | None = None, **values: Any) -> tuple[Disposition, bool]:
    """Add an outcome; True: it is new. :raises UnusableRule, Taken: as for ``edit``."""
    return _write(Disposition(), values, by, at), True


@atomic_with_retries
def put_disposition(*, name: str, at: datetime, by: User | None = None, **values: Any) -> tuple[Disposition, bool]:
    """Add an outcome, or change the one of this name; say whether it is new.

    :raises UnusableRule, Taken: as for ``edit``.
    """
    known = Disposition.objects.filter(name=name).first()
    if known:
        return edit(row=known, changes=values, at=at, by=by), False
    return add_disposition(name=name, at=at, by=by, **values)


@atomic_with_retries
def add_policy(*, at: datetime, by: User | None = None, **values: Any) -> tuple[CallingPolicy, bool]:
    """Give a project a stricter policy of its own; True: it is new.

    :raises UnusableRule, LooserThanAll, Taken: as for ``edit``.
    """
    if values.get("project") is None:
        raise UnusableRule("Choose a project: the rule for all is there already.", details={"project": "Choose one."})
    return _write(CallingPolicy(), values, by, at), True


@atomic_with_retries
def put_policy(
    *, project: Project | None, at: datetime, by: User | None = None, **values: Any
) -> tuple[CallingPolicy, bool]:
    """Give a project a policy, or change it; without a project, change the policy for all. Say whether it is new.

    :raises UnusableRule, LooserThanAll: as for ``edit``.
    """
    known = CallingPolicy.objects.filter(project=project).first()
    if known:
        return edit(row=known, changes=values, at=at, by=by), False
    return _write(CallingPolicy(project=project), values, by, at), True


@atomic_with_retries
def drop_policy(*, policy: CallingPolicy, by: User | None, at: datetime) -> None:
    """Let the policy for all hold for a project again.

    :raises NeedsDefault: it is the policy for all.
    """
    if policy.project_id is None:
        raise NeedsDefault("This is the policy for all projects: change it instead.")
    with acting(user=by and by.pk):
        policy.delete()
    hints.refresh(at=at, project_ids=[policy.project_id])


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


def _write(row: RowT, values: Mapping[str, Any], by: User | None, at: datetime) -> RowT:
    for name, value in values.items():
        setattr(row, name, value)
    if isinstance(row, CallingPolicy):
        _refuse_looser(row)
    _refuse_faults(row)
    with acting(user=by and by.pk):
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError as error:  # written at the same moment by somebody else
            raise Taken(f"There is another {row._meta.verbose_name} like this.") from error
    if isinstance(row, CallingPolicy):
        _bring_up_to_date(row, at)
    return row


def _refuse_faults(row: models.Model) -> None:
    faults, taken = _too_long(row), False
    if isinstance(row, Disposition):
        faults |= _contradictions(row)
    if isinstance(row, CallingPolicy) and row.day_cap > LAWFUL_DAY_CAP:
        faults["day_cap"] = f"At most {LAWFUL_DAY_CAP}: Florida, Oklahoma and Maryland allow no more in 24 hours."
    try:
        row.full_clean()
    except ValidationError as trouble:
        told = trouble.message_dict
        faults |= {("" if name == NON_FIELD_ERRORS else name): " ".join(said) for name, said in told.items()}
        taken = all(error.code == "unique" for errors in trouble.error_dict.values() for error in errors)
    if faults:
        raise (Taken if taken else UnusableRule)(" ".join(faults.values()), details=faults)


def _bring_up_to_date(policy: CallingPolicy, at: datetime) -> None:
    if policy.project_id:
        hints.refresh(at=at, project_ids=[policy.project_id])
    else:
        ring(refresh_stale_hints)


def _too_long(row: models.Model) -> dict[str, str]:
    """A length of time that no calendar survives is a slip of the pen."""
    spans = [field.name for field in row._meta.concrete_fields if isinstance(field, models.DurationField)]
    found = {name: getattr(row, name) for name in spans}
    return {
        name: "Between nothing and ten years."
        for name, span in found.items()
        if span is not None and not timedelta(0) <= span <= LONGEST
    }


def _contradictions(row: Disposition) -> dict[str, str]:
    """Causes that cannot both be true of one call."""
    found = {}
    if row.wrong_person and row.do_not_call:
        found["do_not_call"] = "Contradicts wrong person: who answered cannot speak for them. Close the number instead."
    if row.asks_callback and row.wrong_person:
        found["asks_callback"] = "Contradicts wrong person: nobody promises a call to a number that is not theirs."
    elif row.asks_callback and row.do_not_call:
        found["asks_callback"] = "Contradicts do not call: choose one of the two."
    return found


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
