"""What somebody looks after, given to a colleague or to nobody when they leave."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection

from config.kernel.audit import acting
from config.kernel.errors import DomainError
from config.kernel.transactions import atomic_with_retries
from crm.models import Contact, Project, ProjectContact, User
from crm.services.changing import ASSIGNS, MayNotAssign
from crm.signals import OwnersChanged, owners_changed


class CannotBeGiven(DomainError):
    code = "cannot_be_given"


@dataclass(frozen=True)
class Held:
    """How many contacts and projects somebody owns, and how many callbacks they have promised."""

    contacts: int = 0
    projects: int = 0
    callbacks: int = 0

    def __bool__(self) -> bool:
        return bool(self.contacts or self.projects or self.callbacks)

    def __str__(self) -> str:
        numbers = {"contact": self.contacts, "project": self.projects, "callback": self.callbacks}
        said = [f"{number:,} {name}{'' if number == 1 else 's'}" for name, number in numbers.items() if number]
        return " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said) or "nothing"


def held_by(user_id: UUID) -> Held:
    """Count what a user looks after; what was deleted is not counted."""
    return Held(
        Contact.objects.alive().filter(owner=user_id).count(),
        Project.objects.alive().filter(owner=user_id).count(),
        ProjectContact.objects.alive().filter(callback_by=user_id, callback_at__isnull=False).count(),
    )


@atomic_with_retries
def hand_over(*, user: User, to: User | None, by: User, at: datetime) -> Held:
    """Give everything that ``user`` owns or has promised to ``to``, None for nobody; return what that was.

    All of it or nothing, deleted contacts and projects too. It is remembered as a person's edit: no source undoes it.

    :raises MayNotAssign: ``by`` may not give away what others own.
    :raises CannotBeGiven: ``to`` does not work here any more, or has it already.
    """
    if not by.has_perm(ASSIGNS):
        raise MayNotAssign("Only an admin gives away what somebody owns.")
    if to is not None and (to.pk == user.pk or not User.objects.filter(pk=to.pk, is_active=True).exists()):
        why = "has it already" if to.pk == user.pk else "does not work here any more"
        raise CannotBeGiven(f"{to} {why}: choose somebody else.", details={"hand_over_to": "Choose somebody else."})
    held, heir = held_by(user.pk), to.pk if to else None
    with acting(user=by.pk), connection.cursor() as cursor:
        for statement in (_OWNED.format(table="crm_contact"), _OWNED.format(table="crm_project"), _PROMISED):
            cursor.execute(statement, {"user": user.pk, "to": heir, "at": at})
    owners_changed.send(sender=OwnersChanged, event=OwnersChanged(user.pk, heir))
    return held


# Locked by id, as everybody locks them (DESIGN 13).
_OWNED: Final = """
    WITH theirs AS MATERIALIZED (SELECT id FROM {table} WHERE owner_id = %(user)s ORDER BY id FOR NO KEY UPDATE)
    UPDATE {table} t
    SET owner_id = %(to)s, updated_at = %(at)s,
        edited = CASE WHEN 'owner' = ANY(edited) THEN edited ELSE edited || 'owner'::varchar END
    FROM theirs WHERE t.id = theirs.id"""
_PROMISED: Final = """
    WITH theirs AS MATERIALIZED (
        SELECT id FROM crm_projectcontact WHERE callback_by_id = %(user)s AND callback_at IS NOT NULL
        ORDER BY id FOR NO KEY UPDATE)
    UPDATE crm_projectcontact t SET callback_by_id = %(to)s, updated_at = %(at)s
    FROM theirs WHERE t.id = theirs.id"""
