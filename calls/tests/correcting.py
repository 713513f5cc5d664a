"""Calls with an outcome that was wrong, and how it is taken back."""

from datetime import timedelta

import pytest

from calls.models import Disposition
from calls.services import outcomes
from calls.tests.factories import CallSessionFactory, callable_pair
from config.testing import NOON
from crm.tests.factories import UserFactory

SOON = NOON + timedelta(seconds=5)
LATER = NOON + timedelta(days=2)


@pytest.fixture
def call():
    return CallSessionFactory(pair=callable_pair())


@pytest.fixture
def admin():
    return UserFactory(admin=True)


def again(call):
    """Another call of the same rep to the same number."""
    return CallSessionFactory(pair=call.pair, rep=call.rep, point=call.point)


def conclude(call, disposition, at=NOON, **options):
    disposition = Disposition.objects.get(name=disposition) if isinstance(disposition, str) else disposition
    return outcomes.conclude(session=call, disposition=disposition, by=call.rep, at=at, **options)


def take_back(call, at=SOON):
    return outcomes.take_back(session=call, by=call.rep, at=at)


def reloaded(row):
    row.refresh_from_db()
    return row
