"""Who asks, and may they: the doors of the API."""

from typing import Any

from rest_framework import authentication, permissions


class Session(authentication.SessionAuthentication):
    """The back office's session, with its CSRF check. Nobody in particular gets 401, not 403."""

    def authenticate_header(self, request: Any) -> str:
        return 'Session realm="Clearline"'


class ModelPermissions(permissions.DjangoModelPermissions):
    """Django's permissions on the model of the view, also for reading. A verb the view has not is a 405 for all."""

    perms_map = {**permissions.DjangoModelPermissions.perms_map, "GET": ["%(app_label)s.view_%(model_name)s"]}

    def has_permission(self, request: Any, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        if not hasattr(view, request.method.lower()):
            return True  # nothing will happen: the dispatcher answers 405
        needed = getattr(view, "needs", {}).get(getattr(view, "action", None))
        if needed is not None:
            return bool(request.user.has_perms(needed))
        return bool(super().has_permission(request, view))
