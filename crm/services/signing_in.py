"""Whoever is signed in comes with what they may do: one question per request, where Django asks three."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, QuerySet, Value
from django.db.models.functions import Concat

from config.kernel import kept
from crm.models import User


class Backend(ModelBackend):
    def get_user(self, user_id: Any) -> User | None:
        """Return the user with the permissions that they have now, their own and those of their groups."""
        try:
            user = next(iter(_with_permissions(key=User._meta.pk.to_python(user_id))), None)
        except ValidationError:
            return None
        if user is None or not self.user_can_authenticate(user):
            return None
        if not user.is_superuser:  # they may do everything there is
            for kind in ("user", "group"):  # where ``ModelBackend`` keeps what it has read
                setattr(user, f"_{kind}_perm_cache", set(user.__dict__.pop(f"of_{kind}")))
        return user


@kept.question
def _with_permissions(key: Any) -> QuerySet[User]:
    of_user, of_group = _names(user=OuterRef("pk")), _names(group__user=OuterRef("pk"))
    return User.objects.filter(pk=key).annotate(of_user=of_user, of_group=of_group)


def _names(**whose: OuterRef) -> ArraySubquery:
    full = Concat("content_type__app_label", Value("."), "codename")
    return ArraySubquery(Permission.objects.filter(**whose).order_by().values(full=full))
