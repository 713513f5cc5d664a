"""From our own adapter through the carrier's process and back through our own web address, with nothing faked."""

import asyncio
import secrets
from datetime import timedelta
from hashlib import sha256

import pytest

from campaigns.models import Attempt, Conversation, Happening, Message
from campaigns.providers import Outgoing, sender_on
from campaigns.tests.factories import AttemptFactory, EnrollmentFactory, MessageFactory
from config.kernel import clock
from config.kernel.providers import OutcomeUnknown, ProviderError
from crm.models import Suppression
from integrations import tasks
from integrations.inbox import reading
from integrations.models import News
from integrations.tests import carriers

pytestmark = pytest.mark.django_db(transaction=True)
CHANNELS = {"sms": "SimulatedSms", "email": "SimulatedEmail", "voicemail": "SimulatedVoicemail"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with carriers.running(tmp_path_factory.mktemp("carrier") / "ledger.db") as found:
        yield found


@pytest.fixture
def carrier(shared, settings, live_server, monkeypatch):
    """It brings its news to the server of this test."""
    monkeypatch.setattr(tasks.read_inbox, "delay", lambda: None)
    settings.PUBLIC_URL, settings.SIMULATED_CARRIER_URL = live_server.url, shared.url
    settings.PROVIDERS = {
        channel: {"BACKEND": f"integrations.simulated.messages.{name}"} for channel, name in CHANNELS.items()
    }
    with shared.lent():
        shared.set(speed=1000)
        yield shared


def outgoing(channel="sms", number=0, **fields):
    """A message that is being handed over, as the dispatcher leaves it before it asks the provider."""
    phone, mail = f"+1 512 555 {number:04}", f"person{number}@example.com"
    walk = EnrollmentFactory(contact__phone=phone, contact__email=mail)
    message = MessageFactory(enrollment=walk, channel=channel, state="dispatching", ever_dispatched=True, **fields)
    token = secrets.token_hex(32)
    AttemptFactory(
        message=message, token_hash=sha256(token.encode()).digest(), provider=channel, idempotent=channel == "email"
    )
    to = mail if channel == "email" else f"+1512555{number:04}"
    sender = "riley@clearline.example" if channel == "email" else "+15125550100"
    return message, Outgoing(
        to=to, sender=sender, body=message.body, key=str(message.pk), token=token,
        valid_until=clock.now() + timedelta(hours=2),
    )  # fmt: skip


def send(one):
    return asyncio.run(sender_on(one[0].channel).send(one[1]))


def hear(carrier):
    """Let all news arrive, and understand it."""
    carrier.wait_until_told()
    while reading.read_due(at=clock.now()):
        pass


def now(one):
    return Message.objects.get(pk=one[0].pk)


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_message_is_handed_over_and_its_delivery_is_heard_of(carrier, channel):
    one = outgoing(channel)
    receipt = send(one)

    hear(carrier)

    assert now(one).state == "delivered"
    assert Attempt.objects.get().reference in {receipt.reference, None}
    assert set(News.objects.values_list("state", flat=True)) == {"understood"}


@pytest.mark.parametrize("mode", ["error_after", "hang_after", "reset_after", "garbage", "truncated"])
def test_an_answer_that_was_lost_is_made_good_by_news(carrier, mode, settings):
    settings.PROVIDERS = {"sms": {**settings.PROVIDERS["sms"], "OPTIONS": {"read": 0.4}}}
    carrier.will(mode)
    one = outgoing()
    with pytest.raises(OutcomeUnknown):
        send(one)

    hear(carrier)

    assert now(one).state == "delivered"
    assert len(carrier.messages()) == 1


def test_news_that_comes_before_the_answer_finds_its_message(carrier):
    carrier.will("early")
    one = outgoing()

    send(one)
    while reading.read_due(at=clock.now()):
        pass

    assert now(one).state == "delivered"


def test_news_out_of_order_and_twice_ends_the_same(carrier):
    carrier.set(duplicate=1, disorder=1)
    sent = [outgoing(number=n) for n in range(10)]
    for one in sent:
        send(one)

    hear(carrier)

    assert {now(one).state for one in sent} == {"delivered"}
    assert News.objects.count() == 20


def test_somebody_answers_and_somebody_wants_no_more(carrier):
    carrier.set(modes={"+15125550001": "reply", "+15125550002": "opt_out", "+15125550003": "out_of_office"})
    sent = [outgoing(number=n) for n in range(4)]
    for one in sent:
        send(one)

    hear(carrier)

    contacts = [one[0].contact for one in sent]
    kinds = [
        list(contact.happenings.exclude(kind="reachability").values_list("kind", flat=True)) for contact in contacts
    ]
    assert kinds == [[], ["reply"], ["opt_out"], []]
    assert Conversation.objects.count() == 3
    silenced = set(Suppression.objects.standing().values_list("endpoint__value", flat=True))
    assert silenced == {"+15125550002", "person2@example.com"}


def test_somebody_clicks_and_a_program_does_and_whoever_got_no_link_cannot(carrier):
    carrier.set(modes={f"person{number}@example.com": "click" for number in (1, 3)} | {"person2@example.com": "scan"})
    body = "All of it: https://clearline.example/prices"
    sent = [outgoing("email", number=n, body="Nothing to open." if n == 3 else body) for n in range(4)]
    for one in sent:
        send(one)

    hear(carrier)

    assert [now(one).clicked_at is not None for one in sent] == [False, True, False, False]
    assert {now(one).state for one in sent} == {"delivered"}
    told = Happening.objects.get()
    assert (told.kind, told.enrollment_id) == ("link_click", sent[1][0].enrollment_id)
    assert News.objects.filter(kind="clicked", state="understood").count() == 2


def test_hundreds_with_everything_going_wrong_match_the_ledger_of_the_carrier(carrier):
    """What the carrier took has one row of ours that says so, and what it did not take has none (INV-TRUTH)."""
    carrier.set(
        error_before=0.05, error_after=0.05, garbage=0.05, refuse=0.05, undelivered=0.1, early=0.05,
        duplicate=0.2, disorder=0.3, reply=0.2, opt_out=0.1, seed=11,
    )  # fmt: skip
    sent = [outgoing(number=n) for n in range(90)]

    async def everything():
        async def one_of(one):
            try:
                await sender_on("sms").send(one[1])
            except ProviderError as error:
                return type(error).__name__
            return "taken"

        return await asyncio.gather(*map(one_of, sent))

    outcomes = asyncio.run(everything())
    hear(carrier)

    taken = {line["token"]: line["status"] for line in carrier.messages()}
    for one, outcome in zip(sent, outcomes, strict=True):
        expected = taken.get(one[1].token, "dispatching")
        assert now(one).state == expected, outcome
        assert (one[1].token in taken) or outcome in {"OutcomeUnknown", "RecipientRefused"}
    assert len(set(outcomes)) == 3
    assert not News.objects.exclude(state="understood").exists()
