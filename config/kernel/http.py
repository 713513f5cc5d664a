from typing import TYPE_CHECKING

from django.http import HttpRequest

if TYPE_CHECKING:
    from crm.models import User


class SignedInRequest(HttpRequest):
    """A request that has passed a login wall, so ``user`` is a person."""

    user: "User"
