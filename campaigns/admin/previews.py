"""What a real contact would get: on the page of a content, with and without JavaScript."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from campaigns.models import ContentTemplate
from campaigns.rules.rendering import OF_CAMPAIGNS, TAGS
from campaigns.services import contents, values
from config.kernel.admin import cells
from config.kernel.admin.pages import Section
from config.kernel.admin.patience import TooBroad, patient
from config.kernel.admin.scope import visible
from crm.admin.finding import described, people
from crm.choices import Channel
from crm.models import Contact


def section(request: HttpRequest, row: ContentTemplate) -> Section:
    """A box to find somebody with, and what they would get."""
    return Section(
        title="Preview", template="admin/campaigns/preview.html", context=facts(request, row), place=20,
        note="as somebody whom you know would get it",
    )  # fmt: skip


def facts(request: HttpRequest, row: ContentTemplate) -> dict[str, Any]:
    """What is asked for in the address: ``who`` are words to find somebody by, ``contact`` is who was chosen."""
    who, chosen = request.GET.get("who", "").strip(), _chosen(request)
    page = reverse("admin:campaigns_contenttemplate_change", args=[row.pk])
    url = reverse("admin:campaigns_contenttemplate_preview", args=[row.pk])
    found = [] if chosen else _found(request.user, who)
    links = [
        {"name": str(one), "described": described(one), "asked": urlencode({"who": who, "contact": one.pk})}
        for one in found
    ]
    asked_in_vain = bool(request.GET.get("contact")) and chosen is None
    return {"who": who, "page": page, "url": url, "people": links, "nobody": (who and not found and not chosen) or
            asked_in_vain, **(_shown(row, chosen) if chosen else {})}  # fmt: skip


def _found(user: Any, who: str) -> list[Contact]:
    try:
        with patient(1.0):
            return people(user, who)
    except TooBroad:
        return []


def _chosen(request: HttpRequest) -> Contact | None:
    user: Any = request.user
    try:
        key = UUID(request.GET.get("contact", ""))
    except ValueError:
        return None
    if not user.has_perm("crm.view_contact"):
        return None
    seen = visible(Contact.objects.filter(deleted_at=None), user).select_related("company", "owner")
    found: Contact | None = seen.filter(pk=key).first()
    return found


def _shown(row: ContentTemplate, contact: Contact) -> dict[str, Any]:
    found = contents.preview(channel=row.channel, subject=row.subject, body=row.body, values=values.of_contact(contact))
    theirs = [name for name in found.missing if not name.startswith(OF_CAMPAIGNS)]
    return {
        "contact": cells.link(contact),
        "subject": found.subject if row.channel == Channel.EMAIL else "",
        "body": found.body,
        "missing": [TAGS.get(name, name) for name in theirs],
        "later": [TAGS.get(name, name) for name in found.missing if name not in theirs],
        "sms": found.length,
    }
