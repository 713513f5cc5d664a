"""What was said between us and people: conversations, their messages, and every try to hand one over."""

from typing import Any

from rest_framework.decorators import action
from rest_framework.response import Response

from campaigns.api import filters, inputs
from campaigns.api import readings_of_people as readings
from campaigns.models import Conversation, Message, SendingAccount
from campaigns.services import conversations
from config.kernel.api.resources import ReadOnly


class ConversationViewSet(ReadOnly):
    """Everything that was said between us and one contact, the latest first."""

    queryset = Conversation.objects.none()
    reading = readings.ConversationReading
    reading_one = readings.OneConversationReading
    takes = {"read": inputs.NothingTold}
    needs = {"read": ["campaigns.change_conversation"]}
    filterset_class = filters.ConversationFilter
    ordering = ("-last_at", "-id")
    ordering_fields = ("last_at",)
    how_to_change = "A conversation is made of its messages: see /api/v1/messages/."

    @action(detail=True, methods=["post"])
    def read(self, request: Any, pk: str) -> Response:
        """Say that it was read."""
        self.asked()
        row = conversations.mark_read(row=self.get_object(), by=request.user, at=self.at)
        return Response(self.shown(row.pk))


class MessageViewSet(ReadOnly):
    """Messages in and out, the newest first. With ?unsure=true those about which somebody has to decide."""

    queryset = Message.objects.none()
    reading = readings.MessageReading
    reading_one = readings.OneMessageReading
    filterset_class = filters.MessageFilter
    how_to_change = "What was said stays."


class SendingAccountViewSet(ReadOnly):
    """Who sends: accounts at providers, their pace, and whether one is closed for the moment."""

    queryset = SendingAccount.objects.none()
    reading = readings.SendingAccountReading
    filterset_class = filters.SendingAccountFilter
    how_to_change = "Accounts are set up in the back office, by admins."
