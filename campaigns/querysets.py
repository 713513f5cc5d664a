"""The language in which campaigns are asked."""

import re
from typing import TYPE_CHECKING, Self, TypeVar

from django.db import models
from django.db.models import Case, F, Func, Q, When
from django.db.models.functions import JSONObject

from campaigns.choices import UNSURE, MessageState
from crm.querysets import Visible

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from campaigns.models import (
        Attempt,
        CallTask,
        Campaign,
        ContentTemplate,
        Conversation,
        Enrollment,
        EnrollmentEvent,
        EnrollmentRun,
        Execution,
        Graph,
        Happening,
        LedgerDay,
        Message,
        Node,
        SendingAccount,
        SendingStop,
        Template,
        TemplateVersion,
    )
    from crm.models import User


RowT = TypeVar("RowT", bound=models.Model)


class OfCampaign(Visible[RowT]):
    """Whoever sees a campaign sees what is in it: with a sender only they, its owner and admins, else everybody."""

    campaign = "campaign__"

    def visible_to(self, user: "User | AnonymousUser") -> Self:
        everything = super().visible_to(user)
        if not user.is_authenticated or user.sees_everything:
            return everything
        return everything.filter(self._shown_to(user))

    def _shown_to(self, user: "User") -> Q:
        sender, owner = f"{self.campaign}sender", f"{self.campaign}owner"
        return Q(**{f"{sender}__isnull": True}) | Q(**{sender: user.pk}) | Q(**{owner: user.pk})


class ContentTemplateQuerySet(Visible["ContentTemplate"]):
    """Everybody who works here shares them."""

    if TYPE_CHECKING:
        _row: "ContentTemplate"

    def in_use(self) -> Self:
        return self.filter(archived_at=None)


class TemplateQuerySet(Visible["Template"]):
    """Everybody who works here shares them."""

    if TYPE_CHECKING:
        _row: "Template"


class TemplateVersionQuerySet(Visible["TemplateVersion"]):
    """Everybody who works here shares them."""

    if TYPE_CHECKING:
        _row: "TemplateVersion"


class GraphQuerySet(OfCampaign["Graph"]):
    """Everybody who works here shares the graphs of templates; one of a campaign is seen by whoever sees that."""

    if TYPE_CHECKING:
        _row: "Graph"


class NodeQuerySet(OfCampaign["Node"]):
    """A node is seen by whoever sees its graph."""

    campaign = "graph__campaign__"
    if TYPE_CHECKING:
        _row: "Node"


class CampaignQuerySet(OfCampaign["Campaign"]):
    campaign = ""
    if TYPE_CHECKING:
        _row: "Campaign"


class EnrollmentQuerySet(OfCampaign["Enrollment"]):
    if TYPE_CHECKING:
        _row: "Enrollment"

    def live(self) -> Self:
        """Those who are still in their campaign; in the order of their contacts none who has left is looked at."""
        return self.filter(ended_at=None)


class EnrollmentEventQuerySet(OfCampaign["EnrollmentEvent"]):
    campaign = "enrollment__campaign__"
    if TYPE_CHECKING:
        _row: "EnrollmentEvent"


class EnrollmentRunQuerySet(OfCampaign["EnrollmentRun"]):
    if TYPE_CHECKING:
        _row: "EnrollmentRun"

    def in_short(self) -> Self:
        """Put ``whom`` on them in the place of ``audience``: of a list of ids it says only how many there are."""
        number = Func(F("audience__contacts"), function="jsonb_array_length", output_field=models.IntegerField())
        listed = When(audience__has_key="contacts", then=JSONObject(contacts=number))
        return self.defer("audience").annotate(
            whom=Case(listed, default=F("audience"), output_field=models.JSONField())
        )


class ExecutionQuerySet(OfCampaign["Execution"]):
    if TYPE_CHECKING:
        _row: "Execution"


class HappeningQuerySet(Visible["Happening"]):
    owners = ("contact__owner",)
    if TYPE_CHECKING:
        _row: "Happening"

    def new(self) -> Self:
        return self.filter(handled_at=None)


class CallTaskQuerySet(Visible["CallTask"]):
    owners = ("contact__owner",)
    if TYPE_CHECKING:
        _row: "CallTask"

    def open(self) -> Self:
        return self.filter(done_at=None, cancelled_at=None)


class ConversationQuerySet(Visible["Conversation"]):
    """Conversations of the contacts whom one sees (DESIGN 8)."""

    owners = ("contact__owner",)
    if TYPE_CHECKING:
        _row: "Conversation"


class MessageQuerySet(Visible["Message"]):
    """Messages of the contacts whom one sees; one that nobody could be found for is the admins'."""

    owners = ("contact__owner",)
    if TYPE_CHECKING:
        _row: "Message"

    def visible_to(self, user: "User | AnonymousUser") -> Self:
        seen = super().visible_to(user)
        return seen if not user.is_authenticated or user.sees_everything else seen.filter(contact__isnull=False)

    def blocked_by(self, code: str) -> Self:
        """Those that the gate refused with this code among its reasons."""
        return self.filter(state=MessageState.BLOCKED, reason__regex=rf"\m{re.escape(code)}\M")

    def unsure(self) -> Self:
        """Those about which somebody has to decide, or a provider has to be asked."""
        return self.filter(state__in=UNSURE, decided_at=None)


class AttemptQuerySet(Visible["Attempt"]):
    owners = ("message__contact__owner",)
    if TYPE_CHECKING:
        _row: "Attempt"


class LedgerDayQuerySet(Visible["LedgerDay"]):
    """The admins' business."""

    if TYPE_CHECKING:
        _row: "LedgerDay"

    def differing(self) -> Self:
        """Those where the two sides do not match."""
        return self.filter(Q(unexplained__gt=0) | Q(repeated__gt=0) | Q(missing__gt=0))


class SendingAccountQuerySet(Visible["SendingAccount"]):
    """Everybody who works here sees who sends."""

    if TYPE_CHECKING:
        _row: "SendingAccount"


class SendingStopQuerySet(Visible["SendingStop"]):
    """Everybody who works here sees that nothing goes out."""

    if TYPE_CHECKING:
        _row: "SendingStop"

    def standing(self) -> Self:
        return self.filter(lifted_at=None)
