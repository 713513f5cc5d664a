"""What is known about the request that is being answered."""

from contextvars import ContextVar
from typing import TYPE_CHECKING

from django.http import HttpRequest

if TYPE_CHECKING:
    from crm.models import User

request_id: ContextVar[str] = ContextVar("clearline_request_id", default="")


class SignedInRequest(HttpRequest):
    """A request that has passed a login wall, so ``user`` is a person."""

    user: "User"
