"""News as a carrier tells it to the inbox, and what the tests of the inbox stand on."""

import orjson
import pytest
from django.core.cache import cache
from django.test import Client

from campaigns.models import Message
from campaigns.tests.factories import AttemptFactory, MessageFactory
from config.kernel import clock
from config.testing import NOON
from integrations import tasks
from integrations.inbox import doors, keeping, reading

TOKEN = "the secret that travelled"


@pytest.fixture(autouse=True)
def rings(monkeypatch):
    """No broker: how often a worker was rung for. Nobody has rung in the second before."""
    cache.delete(f"ring:{tasks.read_inbox.name}")
    rung = []
    monkeypatch.setattr(tasks.read_inbox, "delay", lambda: rung.append(1))
    return rung


@pytest.fixture(autouse=True)
def at_noon():
    with clock.standing_at(NOON):
        yield


@pytest.fixture
def attempt():
    return AttemptFactory(token=TOKEN, message=MessageFactory(state="uncertain", ever_dispatched=True, tries=1))


def url(provider="simulated", token=None):
    return f"/hooks/{provider}/{token or doors.token(provider)}/"


def event(number=1, kind="delivered", **more):
    facts = {"id": f"ev-{number}", "type": kind, "channel": "sms", "reference": "sim_1", "token": TOKEN}
    return {**facts, "at": NOON.isoformat(), **more}


def reply(number=1, text="Yes, call me.", **more):
    facts = {"sender": "+15125550134", "to": "+15125550100", "text": text, "token": "", "reference": f"in-{number}"}
    return event(number, "received", **{**facts, **more})


def post(*events, client=None, body=None, **where):
    body = orjson.dumps({"events": list(events)}) if body is None else body
    return (client or Client()).post(url(**where), body, content_type="application/json").status_code


def read(at=NOON):
    return reading.read_due(at=at)


def keep(*items):
    return keeping.keep(provider="simulated", items=items, signed=False, at=NOON)


def state_of(attempt):
    return Message.objects.get(pk=attempt.message_id).state
