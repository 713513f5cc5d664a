"""A campaign as its verbs make it, from a draft to any status; who it belongs to and what it sends with."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.models import Campaign, SendingAccount, TemplateVersion
from campaigns.services import campaigns, contents, templates
from campaigns.tests.drawings import drawing as drawn
from campaigns.tests.drawings import node
from crm.models import User
from crm.tests.factories import UserFactory

AT = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
LATER = AT + timedelta(days=1)
GRAPH = drawn(node("hello", "sms_send"), node("pause", "wait"), node("end", "exit"), "hello>pause", "pause>end")
SHORTER = drawn(node("end", "exit"))


@pytest.fixture
def version() -> TemplateVersion:
    contents.put(key="hello", channel="sms", name="Hello", body="Hello {{contact.first_name|there}}", at=AT)
    template = templates.create(name="Invitation", drawing=GRAPH, by=None, at=AT)
    return templates.publish(row=template, by=None, at=AT)


@pytest.fixture
def account() -> SendingAccount:
    return SendingAccount.objects.create(name="Line", channel="sms", provider="sms", address="+15125550100")


@pytest.fixture
def rep() -> User:
    return UserFactory(bdr=True)


@pytest.fixture
def draft(version: TemplateVersion, rep: User) -> Campaign:
    return campaigns.create(name="Open house", version=version, by=rep, at=AT)


@pytest.fixture
def active(draft: Campaign, account: SendingAccount, rep: User) -> Campaign:
    return campaigns.start(row=draft, by=rep, at=AT)


def in_status(row: Campaign, status: str, rep: User) -> Campaign:
    """Take an active campaign to ``status`` by its verbs."""
    verbs: dict[str, Any] = {
        "paused": [campaigns.pause], "draining": [campaigns.drain], "completed": [campaigns.complete],
        "archived": [campaigns.complete, campaigns.archive],
    }  # fmt: skip
    for verb in verbs.get(status, []):
        row = verb(row=row, by=rep, at=AT)
    assert row.status == status
    return row
