"""What campaigns add to the page of a contact, which does not know them."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from campaigns.admin.enrollments import state
from campaigns.models import Conversation, Enrollment
from campaigns.reports import walks
from config.kernel.admin import cells
from config.kernel.admin.pages import Section, add_section
from config.kernel.admin.scope import visible

SHOWN = 10


def of_contact(request: HttpRequest, contact: Any) -> Section | None:
    """The campaigns that somebody is or was in, and the way to what was said."""
    user: Any = request.user
    if not user.has_perm("campaigns.view_enrollment"):
        return None
    rows = visible(Enrollment.objects.filter(contact=contact.pk), user)
    found = list(rows.select_related("campaign", "node", "status").order_by("-id")[:SHOWN])
    thread = visible(Conversation.objects.filter(contact=contact.pk), user).first()
    if not found and thread is None:
        return None
    return Section(
        title="Campaigns",
        headers=["Campaign", "State", "Node", "Status", "Enrolled"],
        rows=[
            [
                cells.link(one, one.campaign.name), state(one), walks.name_of(one.node) or cells.NOTHING,
                one.status or cells.NOTHING, cells.moment(one.enrolled_at),
            ]
            for one in found
        ],
        empty="They are in none.",
        more_url=reverse("admin:campaigns_conversation_change", args=[thread.pk]) if thread else "",
        more="Conversation",
    )  # fmt: skip


add_section("crm.contact", of_contact)
