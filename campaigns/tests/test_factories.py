"""What is made up for tests is what the database takes."""

import pytest

from campaigns.models import Attempt, Message
from campaigns.tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "made",
    [
        factories.CampaignFactory,
        factories.EnrollmentFactory,
        factories.MessageFactory,
        factories.AttemptFactory,
        factories.ConversationFactory,
        factories.HappeningFactory,
        factories.SendingAccountFactory,
    ],
)
def test_every_factory_makes_a_row_twice(made):
    assert made().pk != made().pk


@pytest.mark.parametrize("channel", ["sms", "email", "voicemail"])
def test_a_message_belongs_to_its_walk(channel):
    message = factories.walking(channel)

    assert message.node.graph == message.campaign.graph == message.enrollment.graph
    assert message.contact == message.enrollment.contact


def test_a_message_by_hand_has_no_walk():
    assert factories.MessageFactory(by_hand=True).campaign is None
    assert (Message.objects.count(), Attempt.objects.count()) == (1, 0)
