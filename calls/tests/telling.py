"""Calls as programs tell of them over HTTP: at noon, by a rep or an admin."""

from typing import Any

import pytest

from calls.models import CallSession
from calls.tests.factories import CallSessionFactory, callable_pair
from config.kernel import clock
from config.testing import NOON
from config.tests.clients import Caller
from config.tests.clients import admin as an_admin
from config.tests.clients import rep as a_rep
from crm.models import ProjectContact


@pytest.fixture(autouse=True)
def noon() -> Any:
    with clock.standing_at(NOON):
        yield


@pytest.fixture
def admin() -> Caller:
    return an_admin()


@pytest.fixture
def rep() -> Caller:
    return a_rep()


def told(pair: ProjectContact, **facts: Any) -> dict[str, Any]:
    return {
        "call_session_id": "ext-1",
        "contact": str(pair.contact_id),
        "project": str(pair.project_id),
        "number": pair.contact.primary_phone,
        "initiated_at": "2026-06-16T17:50:00Z",
        **facts,
    }


def call(rep: Caller) -> CallSession:
    return CallSessionFactory(pair=callable_pair(), rep=rep.user)
