"""What was said between us and people: conversations, their messages, and every try to hand one over."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.response import Response

from campaigns.api import filters, inputs
from campaigns.api import readings_of_people as readings
from campaigns.models import Conversation, Message, SendingAccount, SendingStop
from campaigns.services import accounts, conversations
from campaigns.services.dispatch import by_hand, exits
from config.kernel.api.resources import Listed, ReadOnly, Resource, Retrieved

CHANGE = ["campaigns.change_message"]


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


class MessageViewSet(Listed, Retrieved, Resource):
    """Messages in and out, the newest first. With ?unsure=true those about which somebody has to decide."""

    queryset = Message.objects.none()
    reading = readings.MessageReading
    reading_one = readings.OneMessageReading
    told = inputs.MessageTold
    takes = {"resend": inputs.NothingTold, "write_off": inputs.NothingTold}
    needs = {"resend": CHANGE, "write_off": CHANGE}
    filterset_class = filters.MessageFilter
    how_to_change = "What was said stays. About what is uncertain POST to .../resend/ or .../write-off/."

    def create(self, request: Any) -> Response:
        """Send a message to one person, through the gate. 200 where this key has been used for it before."""
        row, created = by_hand.send_by_hand(**self.asked(), by=request.user, at=self.at)
        return self.written(row, created=created)

    @extend_schema(responses={201: readings.OneMessageReading})
    @action(detail=True, methods=["post"])
    def resend(self, request: Any, pk: str) -> Response:
        """Send what may not have been sent once more, as a message of its own; 409 where there is no doubt about it."""
        row = self.get_object()
        self.asked()
        return self.written(exits.resend(message=row, by=self.asker, at=self.at), created=True)

    @action(detail=True, methods=["post"], url_path="write-off")
    def write_off(self, request: Any, pk: str) -> Response:
        """Take it that it was not sent, and leave it at that; 409 where there is no doubt about it."""
        row = self.get_object()
        self.asked()
        return Response(self.shown(exits.write_off(message=row, by=self.asker, at=self.at).pk))


class SendingAccountViewSet(Listed, Retrieved, Resource):
    """Who sends: accounts at providers, their pace, and whether one is closed for the moment. Admins set them up."""

    queryset = SendingAccount.objects.none()
    reading = readings.SendingAccountReading
    told = inputs.SendingAccountTold
    changes = inputs.SendingAccountChanges
    takes = {"reopen": inputs.NothingTold}
    needs = {"reopen": ["campaigns.change_sendingaccount"]}
    filterset_class = filters.SendingAccountFilter
    how_to_change = "Messages rest on it: PATCH is_active to false instead of deleting. Where it sends from stays."

    def create(self, request: Any) -> Response:
        """Set up an account; 409 where one sends from there already."""
        return self.written(accounts.create(**self.asked(), by=request.user, at=self.at), created=True)

    def partial_update(self, request: Any, pk: str) -> Response:
        row = accounts.edit(row=self.get_object(), changes=self.asked(), by=request.user, at=self.at)
        return Response(self.shown(row.pk))

    @action(detail=True, methods=["post"])
    def reopen(self, request: Any, pk: str) -> Response:
        """Try it again now, though its provider has refused it; where that refuses again, it closes again."""
        self.asked()
        return Response(self.shown(accounts.reopen(row=self.get_object(), by=request.user, at=self.at).pk))


class SendingStopViewSet(Listed, Retrieved, Resource):
    """The emergency brake: while one stands, no message goes out, on its channel or on any. Admins only."""

    queryset = SendingStop.objects.none()
    reading = readings.SendingStopReading
    told = inputs.StopTold
    takes = {"lift": inputs.NothingTold}
    needs = {"lift": ["campaigns.change_sendingstop"]}
    filterset_class = filters.SendingStopFilter
    how_to_change = "A stop is lifted by POST to .../lift/."

    def create(self, request: Any) -> Response:
        """Let no message go out any more; 409 where it is stopped already."""
        return self.written(exits.stop_sending(**self.asked(), by=request.user, at=self.at), created=True)

    @action(detail=True, methods=["post"])
    def lift(self, request: Any, pk: str) -> Response:
        """Let messages go out again."""
        row = self.get_object()
        self.asked()
        return Response(self.shown(exits.let_send(stop=row, by=self.asker, at=self.at).pk))
