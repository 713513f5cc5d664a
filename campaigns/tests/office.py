"""The back office of campaigns as tests find it: who looks, what they read, and a campaign of theirs."""

from typing import Any

import pytest
from django.test import Client

from campaigns.models import (
    Campaign,
)
from campaigns.services import campaigns
from campaigns.tests.scenes import a_version
from config.testing import NOON
from crm.models import User
from crm.tests.backoffice import signed_in
from crm.tests.factories import UserFactory


@pytest.fixture
def boss() -> User:
    return UserFactory(admin=True, name="Ada Admin")


@pytest.fixture
def window(boss: User) -> Client:
    return signed_in(boss)


def said(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def messages_of(answer: Any) -> list[str]:
    return [str(one) for one in answer.context["messages"]]


def draft(owner: User, **fields: Any) -> Campaign:
    return campaigns.create(name="Open house", version=a_version(), by=owner, at=NOON, **fields)
