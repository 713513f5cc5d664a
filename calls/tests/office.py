"""The back office of calls as tests find it: the hour, who looks, and whom they look at."""

import pytest
from django.core.cache import cache

from config.kernel import clock
from config.testing import NOON
from crm.tests import backoffice
from crm.tests.factories import ContactFactory

boss, rep = backoffice.boss, backoffice.rep


@pytest.fixture(autouse=True)
def noon():
    """A Tuesday at noon; what a board remembers of another test is forgotten."""
    cache.clear()
    with clock.standing_at(NOON):
        yield


def person(name: str, **fields):
    return ContactFactory(name=name, phone=f"+1512555{1000 + len(name) * 7 + ord(name[0]):04}", **fields)
