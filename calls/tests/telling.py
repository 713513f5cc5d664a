"""Calls as programs tell of them over HTTP: at noon, by a rep or an admin."""

from typing import Any

from calls.models import CallSession
from calls.tests.factories import CallSessionFactory, callable_pair
from config.tests.clients import Caller
from crm.models import ProjectContact


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
