"""Programs that talk to the API as somebody."""

from typing import Any

from rest_framework.test import APIClient

from crm.models import User
from crm.tests.factories import UserFactory


class Caller(APIClient):
    """A signed-in program; ``user`` is whom it is signed in as."""

    user: User

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Return (status, said) of a request under /api/v1/."""
        answer = getattr(self, method)(f"/api/v1/{path}", body)
        return answer.status_code, answer.json() if answer.content else None


def calling_as(user: User) -> Caller:
    caller = Caller()
    caller.force_login(user)
    caller.user = user
    return caller


def admin() -> Caller:
    return calling_as(UserFactory(admin=True))


def rep() -> Caller:
    return calling_as(UserFactory(bdr=True))
