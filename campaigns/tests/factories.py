"""Made-up campaigns, walks and messages. Only what is required, sensible links, no randomness."""

from datetime import timedelta
from hashlib import sha256
from typing import Any

import factory
from factory.django import DjangoModelFactory

from campaigns.choices import CampaignStatus, EnrollmentState, NodeType
from campaigns.models import (
    Attempt,
    Campaign,
    Conversation,
    Enrollment,
    Graph,
    Happening,
    Message,
    Node,
    SendingAccount,
)
from config.kernel.ids import uuid7
from config.testing import NOON
from crm.choices import Channel
from crm.tests.factories import ContactFactory

SENDS = {
    Channel.SMS: NodeType.SMS_SEND,
    Channel.EMAIL: NodeType.EMAIL_SEND,
    Channel.VOICEMAIL: NodeType.VOICEMAIL_DROP,
}


class GraphFactory(DjangoModelFactory):
    """An empty drawing that may still be changed."""

    class Meta:
        model = Graph


class NodeFactory(DjangoModelFactory):
    """A node that sends an SMS, in a graph of its own."""

    class Meta:
        model = Node

    graph = factory.SubFactory(GraphFactory)
    key = factory.Sequence("node-{}".format)
    type = NodeType.SMS_SEND


class CampaignFactory(DjangoModelFactory):
    """A campaign that runs."""

    class Meta:
        model = Campaign

    name = factory.Sequence("Campaign {}".format)
    graph = factory.SubFactory(GraphFactory)
    status = CampaignStatus.ACTIVE
    started_at = NOON - timedelta(days=1)
    paused_at = factory.LazyAttribute(lambda row: NOON if row.status == CampaignStatus.PAUSED else None)
    starts_at = factory.LazyAttribute(lambda row: NOON if row.status == CampaignStatus.SCHEDULED else None)


class EnrollmentFactory(DjangoModelFactory):
    """Somebody with a number of Austin and an address, whose walk waits for what a node of their campaign sends."""

    class Meta:
        model = Enrollment

    campaign = factory.SubFactory(CampaignFactory)
    graph = factory.SelfAttribute("campaign.graph")
    contact = factory.SubFactory(
        ContactFactory,
        phone=factory.Sequence(lambda n: f"+1512{200 + n // 10000 % 800:03}{n % 10000:04}"),
        email=factory.Sequence("walker{}@example.com".format),
    )
    state = EnrollmentState.WAITING_SEND
    node = factory.LazyAttribute(
        lambda walk: None if walk.state == EnrollmentState.PENDING else NodeFactory(graph=walk.graph)
    )
    visit = factory.LazyAttribute(lambda walk: 1 if walk.node else 0)
    enrolled_at = NOON - timedelta(days=1)
    ended_at = factory.LazyAttribute(
        lambda walk: NOON if walk.state in {EnrollmentState.EXITED, EnrollmentState.COMPLETED} else None
    )


class SendingAccountFactory(DjangoModelFactory):
    """Everybody's account for SMS, fast enough to be in nobody's way; ``channel="email"`` makes a mailbox of it."""

    class Meta:
        model = SendingAccount

    name = factory.Sequence("Account {}".format)
    channel = Channel.SMS
    provider = factory.LazyAttribute(lambda account: str(account.channel))
    address = factory.Sequence(
        lambda n: f"+1512555{n % 10000:04}"  # the same shape on every channel: nobody reads it in tests
    )
    per_second = 1000.0
    per_day = 1_000_000


class MessageFactory(DjangoModelFactory):
    """An SMS of a campaign, due at noon, for somebody whose walk waits for it.

    ``by_hand=True`` makes one without a campaign; then ``contact=`` says to whom.
    """

    class Meta:
        model = Message

    class Params:
        by_hand = factory.Trait(enrollment=None, campaign=None, node=None, run_no=1, visit=0)

    channel = Channel.SMS
    enrollment = factory.SubFactory(EnrollmentFactory)
    campaign = factory.LazyAttribute(lambda row: row.enrollment.campaign)
    node = factory.LazyAttribute(lambda row: row.enrollment.node)
    run_no = factory.LazyAttribute(lambda row: row.enrollment.run_no)
    visit = factory.LazyAttribute(lambda row: row.enrollment.visit)
    contact = factory.LazyAttribute(
        lambda row: row.enrollment.contact if row.enrollment else EnrollmentFactory().contact
    )
    body = "Hello there."
    dedupe_key = factory.LazyFunction(lambda: f"test:{uuid7()}")
    not_before = NOON


class AttemptFactory(DjangoModelFactory):
    """A try that is under way; ``token=`` is the secret that its provider was told."""

    class Meta:
        model = Attempt

    class Params:
        token = factory.Sequence("token-{}".format)

    message = factory.SubFactory(MessageFactory, state="dispatching", ever_dispatched=True, tries=1)
    number = 1
    account = factory.SubFactory(SendingAccountFactory)
    provider = factory.SelfAttribute("account.provider")
    idempotent = False
    key = factory.LazyAttribute(lambda attempt: str(attempt.message.pk))
    token_hash = factory.LazyAttribute(lambda attempt: sha256(attempt.token.encode()).digest())
    decision_id = factory.LazyFunction(uuid7)
    dispatched_at = NOON
    valid_until = NOON + timedelta(hours=1)


class ConversationFactory(DjangoModelFactory):
    class Meta:
        model = Conversation

    contact = factory.SubFactory(ContactFactory)
    last_at = NOON
    last_direction = "outbound"


class HappeningFactory(DjangoModelFactory):
    """A reply that no walk has heard of yet."""

    class Meta:
        model = Happening

    contact = factory.SubFactory(ContactFactory)
    kind = "reply"
    at = NOON
    cause = factory.LazyFunction(uuid7)


def walking(channel: str = Channel.SMS, **fields: Any) -> Message:
    """A message of a campaign on ``channel``, from a node of that kind."""
    campaign = fields.pop("campaign", None) or CampaignFactory()
    node = fields.pop("node", None) or NodeFactory(graph=campaign.graph, type=SENDS[Channel(channel)])
    walk = fields.pop("enrollment", None) or EnrollmentFactory(
        campaign=campaign,
        node=node,
        **{name: fields.pop(name) for name in ("contact", "state", "pair") if name in fields},
    )
    subject = {"subject": "Hello"} if channel == Channel.EMAIL else {}
    message: Message = MessageFactory(enrollment=walk, channel=channel, **{**subject, **fields})
    return message
