"""A campaign as one who calls the API has it: theirs, running, with people in it."""

from typing import Any

import pytest

from campaigns.models import Campaign, Enrollment, SendingAccount
from campaigns.services import campaigns, enrolling, templates
from campaigns.tests.drawings import drawing, node
from config.kernel import clock
from config.tests.clients import Caller
from config.tests.clients import rep as a_rep


@pytest.fixture
def caller() -> Caller:
    return a_rep()


@pytest.fixture
def campaign(caller: Caller) -> Campaign:
    at = clock.now()
    SendingAccount.objects.create(name="Line", channel="sms", provider="sms", address="+15125550100")
    drawn = drawing(node("wait", "wait"), node("end", "exit"), "wait>end")
    version = templates.publish(row=templates.create(name="T", drawing=drawn, by=None, at=at), by=None, at=at)
    row = campaigns.create(name="Open house", version=version, by=caller.user, at=at)
    return campaigns.start(row=row, by=caller.user, at=at)


def enrolled(campaign: Campaign, *people: Any) -> list[Enrollment]:
    run = enrolling.begin(campaign=campaign, audience={"contacts": [one.pk for one in people]}, by=None, at=clock.now())
    enrolling.take(run.pk, at=clock.now())
    walks = {walk.contact_id: walk for walk in Enrollment.objects.filter(campaign=campaign)}
    return [walks[one.pk] for one in people]
