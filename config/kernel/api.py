"""How the domain looks through HTTP, the same in every app."""

from typing import Any

from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import permissions, serializers
from rest_framework.response import Response
from rest_framework.views import exception_handler

from config.kernel.errors import Conflict, DomainError, NotThere


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    if isinstance(error, DomainError):
        status = 409 if isinstance(error, Conflict) else 404 if isinstance(error, NotThere) else 400
        return Response({"error": str(error), "error_code": error.code, "details": []}, status=status)
    return exception_handler(error, context)


class ModelPermissions(permissions.DjangoModelPermissions):
    perms_map = {**permissions.DjangoModelPermissions.perms_map, "GET": ["%(app_label)s.view_%(model_name)s"]}


class Filters(DjangoFilterBackend):
    pass


class VisibleRelatedField(serializers.PrimaryKeyRelatedField):
    """Related objects the asking user may see; the others do not exist."""

    def get_queryset(self) -> Any:
        everything: Any = super().get_queryset()
        return everything.visible_to(self.context["request"].user)
