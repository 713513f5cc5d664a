"""Who asks over HTTP in most tests: an admin and a rep, on a Tuesday at noon where a test wants it."""

from collections.abc import Iterator

import pytest

from config.kernel import clock
from config.testing import NOON
from config.tests import clients
from config.tests.clients import Caller


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with clock.standing_at(NOON):
        yield


@pytest.fixture
def admin() -> Caller:
    return clients.admin()


@pytest.fixture
def rep() -> Caller:
    return clients.rep()
