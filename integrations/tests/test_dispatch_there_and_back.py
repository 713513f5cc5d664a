"""The whole way: the dispatcher, its gate and its protocol, the carrier's process, the inbox, and both ledgers."""

from collections import Counter
from datetime import timedelta
from types import SimpleNamespace

import pytest

from campaigns.models import Attempt, Message
from campaigns.services.dispatch import reconciling, running
from campaigns.tests.factories import CampaignFactory, SendingAccountFactory, walking
from config.kernel import clock
from config.testing import NOON
from crm.models import Touch
from integrations import tasks
from integrations.inbox import reading, views
from integrations.models import News
from integrations.simulated.carrier.behaviour import Behaviour
from integrations.tests import carriers

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 70
TROUBLE = {
    "error_before": 0.06,
    "error_after": 0.06,
    "garbage": 0.05,
    "early": 0.05,
    "refuse": 0.04,
    "undelivered": 0.05,
    "silent": 0.05,
    "duplicate": 0.3,
    "disorder": 0.3,
    "reply": 0.15,
    "opt_out": 0.1,
    "out_of_office": 0.05,
    "click": 0.3,
    "scan": 0.2,
    "speed": 1000,
    "seed": 3,
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with carriers.running(tmp_path_factory.mktemp("carrier") / "ledger.db") as found:
        yield found


@pytest.fixture
def carrier(shared, settings, live_server, monkeypatch):
    monkeypatch.setattr(tasks.read_inbox, "delay", lambda: None)
    monkeypatch.setattr(views, "clock", SimpleNamespace(now=lambda: NOON))  # the server's thread has a clock of its own
    settings.PUBLIC_URL, settings.SIMULATED_CARRIER_URL = live_server.url, shared.url
    settings.PROVIDERS = {
        "sms": {"BACKEND": "integrations.simulated.messages.SimulatedSms"},
        "email": {"BACKEND": "integrations.simulated.messages.SimulatedEmail"},
    }
    with shared.lent():
        yield shared


@pytest.fixture(autouse=True)
def at_noon():
    with clock.standing_at(NOON):
        yield


@pytest.mark.parametrize("channel", ["sms", "email"])
def test_both_ledgers_match_whatever_went_wrong(carrier, channel):
    """No message was handed over twice, and ours say of each whether the carrier has it (INV-ONCE, INV-TRUTH)."""
    carrier.set(**TROUBLE)
    SendingAccountFactory(channel=channel)
    campaign = CampaignFactory()
    for _ in range(MANY):
        walking(channel, campaign=campaign, body="All of it: https://clearline.example/prices")

    for minutes in range(0, 40, 2):  # what did not get through is tried again later, and looked for at last
        with clock.standing_at(NOON + timedelta(minutes=minutes)):
            running.dispatch(seconds=1.5, pipelines=2)
            carrier.wait_until_told()
            while reading.read_due(at=clock.now()):
                pass
            reconciling.reconcile(at=clock.now())

    theirs = carrier.messages()
    keys = Counter(line["key"] for line in theirs)
    assert set(keys.values()) <= {1}
    status = {line["key"]: line["status"] for line in theirs}
    for message in Message.objects.filter(direction="outbound"):
        key = Attempt.objects.filter(message=message).values_list("key", flat=True).first()
        if key in status:
            assert message.state in {status[key], "accepted"}
            assert Touch.objects.filter(contact=message.contact, channel=channel, counts=True).exists()
        else:
            assert message.state not in {"accepted", "delivered", "undelivered"}
    states = Counter(Message.objects.filter(direction="outbound").values_list("state", flat=True))
    assert states["delivered"] > MANY / 2
    does = Behaviour().changed(**TROUBLE)
    opened = {line["key"] for line in theirs if _tells(does, line) and does.clicks(line["to"], line["body"])}
    assert {str(key) for key in Message.objects.exclude(clicked_at=None).values_list("pk", flat=True)} == opened
    assert bool(opened) == (channel == "email")
    assert not states["uncertain"]
    assert not News.objects.exclude(state="understood").exists()


def _tells(does, line):
    return line["channel"] == "email" and line["status"] == "delivered" and does.fate(line["to"]) != "silent"


def test_an_account_that_is_suspended_in_the_middle_loses_nothing(carrier, caplog):
    """Trust A17: one alert, no storm of failures, and the rest goes out when the account is open again."""
    carrier.set(suspend_after=10)
    SendingAccountFactory()
    campaign = CampaignFactory()
    for _ in range(70):
        walking(campaign=campaign)

    running.dispatch(seconds=3, pipelines=1)

    assert Counter(Message.objects.values_list("state", flat=True)) == {"accepted": 10, "pending": 60}
    assert len([line for line in caplog.records if "refuses the account" in line.message]) == 1
    assert carrier.facts()["asked"] == 50  # the batch that was under way
    carrier.set(suspend_after=None)
    for minutes in (6, 7):
        with clock.standing_at(NOON + timedelta(minutes=minutes)):
            running.dispatch(seconds=5, pipelines=2)

    assert set(Message.objects.values_list("state", flat=True)) == {"accepted"}
    assert set(Counter(line["key"] for line in carrier.messages()).values()) == {1}
    assert len(carrier.messages()) == 70
