"""Who may sign in, and as what. An account is never deleted: what its owner did stays theirs."""

import zoneinfo
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final

from axes.utils import reset as forget_failures
from django.contrib.auth import SESSION_KEY, password_validation
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Q

from config.kernel.audit import acting
from config.kernel.errors import Conflict, DomainError
from config.kernel.transactions import atomic_with_retries
from crm.choices import Role
from crm.models import User
from crm.signals import AccessChanged, access_changed

EDITABLE: Final = frozenset({"email", "name", "time_zone", "role"})


class UnusableAccount(DomainError):
    """``details`` say which field cannot be used, and why."""

    code = "unusable_account"


class EmailTaken(Conflict):
    code = "email_taken"


class LastAdmin(Conflict):
    """Somebody must be left who can let others in."""

    code = "last_admin"


class NotYourself(Conflict):
    code = "not_yourself"


@cache
def zones() -> tuple[str, ...]:
    """Return the time zones that somebody may live by: those of a place, and UTC; not nicknames such as EST."""
    return *sorted(name for name in zoneinfo.available_timezones() if "/" in name), "UTC"


@atomic_with_retries
def create_user(
    *, email: str, name: str, role: str, password: str, at: datetime, time_zone: str = "", by: User | None = None
) -> User:
    """Let somebody in, with the permissions of ``role``.

    :raises UnusableAccount: a field cannot be used, or the password is too weak.
    :raises EmailTaken: somebody signs in with this address already.
    """
    user = User(email=_email(email), name=_name(name), time_zone=_zone(time_zone or "America/New_York"), is_staff=True)
    user.created_at = at
    _refuse_taken(user)
    _put_password(user, password)
    with acting(user=by and by.pk):
        user.save()
        _give_role(user, role)
    return user


@atomic_with_retries
def edit_user(*, user: User, changes: Mapping[str, Any], at: datetime, by: User | None = None) -> User:
    """Change e-mail address, name, time zone or role.

    :raises UnusableAccount: a field is not one of these, or cannot be used.
    :raises EmailTaken: somebody else signs in with the new address.
    :raises LastAdmin: it would leave nobody who is an admin.
    """
    unknown = sorted(set(changes) - EDITABLE)
    if unknown:
        raise UnusableAccount(f"{', '.join(unknown)} cannot be changed here.", details=dict.fromkeys(unknown, "Fixed."))
    user = _lock(user)
    readers = {"email": _email, "name": _name, "time_zone": _zone}
    for field, read in readers.items():
        if field in changes:
            setattr(user, field, read(str(changes[field])))
    if "email" in changes:
        _refuse_taken(user)
    with acting(user=by and by.pk):
        user.save(update_fields=[field for field in readers if field in changes] or None)
        if "role" in changes:
            if changes["role"] != Role.ADMIN:
                _keep_an_admin(user)
            _give_role(user, str(changes["role"]))
            _tell_access(user)
    return user


@atomic_with_retries
def deactivate(*, user: User, by: User, at: datetime) -> User:
    """Let somebody in no longer: their sessions end, and whom they hold goes back to the queue.

    What they own stays theirs, and no other rep sees it: ``crm.services.handing`` gives it to somebody else.

    :raises NotYourself: one does not lock oneself out.
    :raises LastAdmin: it would leave nobody who is an admin.
    """
    if user.pk == by.pk:
        raise NotYourself("You cannot deactivate your own account: ask another admin.")
    user = _lock(user)
    _keep_an_admin(user)
    user = _set(user, by, is_active=False)
    _end_sessions(user, at)
    return user


@atomic_with_retries
def activate(*, user: User, by: User, at: datetime) -> User:
    """Let somebody in again, as what they were. They sign in anew: no session of before comes back to life."""
    _end_sessions(user, at)  # one may have begun at the very moment of the deactivation
    return _set(user, by, is_active=True)


@atomic_with_retries
def set_password(*, user: User, password: str, by: User, at: datetime) -> User:
    """Give a new password; every session of the user ends.

    :raises UnusableAccount: the password is too weak; ``details`` say why.
    """
    _put_password(user, password)
    return _set(user, by, password=user.password)


def unlock(*, user: User, by: User, at: datetime) -> None:
    """Forget that somebody mistyped their password too often."""
    forget_failures(username=user.email)


def _set(user: User, by: User, **values: Any) -> User:
    for field, value in values.items():
        setattr(user, field, value)
    with acting(user=by.pk):
        user.save(update_fields=list(values))
    _tell_access(user)
    return user


def _end_sessions(user: User, at: datetime) -> None:
    """A session names its user only inside, so each live one is opened; one at a time, for who listens to its end."""
    for session in Session.objects.filter(expire_date__gt=at).iterator():
        if session.get_decoded().get(SESSION_KEY) == str(user.pk):
            session.delete()


def _tell_access(user: User) -> None:
    access_changed.send(sender=AccessChanged, event=AccessChanged(user.pk))


def _lock(user: User) -> User:
    """Return ``user`` as it is now. All admins are locked with them, in the order of their ids: two who demote each
    other at once wait for each other, and the second is told that nobody would be left."""
    admins = User.objects.filter(groups__name=Role.ADMIN).values("pk")
    list(User.objects.filter(Q(pk__in=admins) | Q(pk=user.pk)).order_by("pk").select_for_update(no_key=True))
    return User.objects.get(pk=user.pk)


def _give_role(user: User, role: str) -> None:
    """One role in place of another is one event of the audit."""
    group, memberships = _group(role), User.groups.through.objects.filter(user=user)
    if memberships.count() == 1:
        memberships.update(group=group)
    else:
        user.groups.set([group])


def _email(text: str) -> str:
    address = text.strip().lower()
    try:
        validate_email(address)
    except ValidationError as error:
        raise UnusableAccount(
            "This is no e-mail address.", details={"email": "Write one like ana@example.com."}
        ) from error
    return address


def _name(text: str) -> str:
    if not text.strip():
        raise UnusableAccount("A user needs a name.", details={"name": "Colleagues see it: write one."})
    return text.strip()


def _zone(name: str) -> str:
    if name not in zones():
        raise UnusableAccount(
            f"No time zone is called {name!r}.", details={"time_zone": "Choose one of the list, like America/Chicago."}
        )
    return name


def _group(role: str) -> Group:
    if role not in Role.values:
        raise UnusableAccount(f"There is no role {role!r}.", details={"role": f"One of {', '.join(Role.values)}."})
    return Group.objects.get(name=role)


def _refuse_taken(user: User) -> None:
    if User.objects.filter(email__iexact=user.email).exclude(pk=user.pk).exists():
        raise EmailTaken(
            f"Somebody signs in as {user.email} already.", details={"email": "Taken: every user has their own."}
        )


def _put_password(user: User, password: str) -> None:
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        reason = " ".join(error.messages)
        raise UnusableAccount(reason, details={"password": reason}) from error
    user.set_password(password)


def _keep_an_admin(user: User) -> None:
    others = User.objects.filter(is_active=True, groups__name=Role.ADMIN).exclude(pk=user.pk)
    if user.is_active and user.is_admin and not others.exists():
        raise LastAdmin(f"{user} is the only admin. Make somebody else an admin first.")
