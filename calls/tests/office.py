"""The back office of calls as tests find it: the hour, who looks, and whom they look at."""

import pytest
from django.core.cache import cache
from django.test import Client

from config.kernel import clock
from config.testing import NOON
from crm.models import User
from crm.tests.backoffice import signed_in
from crm.tests.factories import ContactFactory, UserFactory


@pytest.fixture(autouse=True)
def noon():
    """A Tuesday at noon; what a board remembers of another test is forgotten."""
    cache.clear()
    with clock.standing_at(NOON):
        yield


@pytest.fixture
def boss(db) -> Client:
    return signed_in(UserFactory(admin=True, name="Ada Admin"))


@pytest.fixture
def rep(db) -> User:
    return UserFactory(bdr=True, name="Rae Rep")


def person(name: str, **fields):
    return ContactFactory(name=name, phone=f"+1512555{1000 + len(name) * 7 + ord(name[0]):04}", **fields)
