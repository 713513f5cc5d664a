"""What a real contact would get: on the page of a content, with and without JavaScript."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from campaigns.choices import CampaignStatus
from campaigns.models import Campaign, ContentTemplate
from campaigns.rules.rendering import TAGS
from campaigns.services import contents, values
from config.kernel.admin import cells
from config.kernel.admin.pages import Section
from config.kernel.admin.patience import TooBroad, patient
from config.kernel.admin.scope import visible
from crm.admin.finding import described, people
from crm.choices import Channel
from crm.models import Contact

OFFERED = 50  # campaigns to choose from


def section(request: HttpRequest, row: ContentTemplate) -> Section:
    """A box to find somebody with, and what they would get."""
    return Section(
        title="Preview", template="admin/campaigns/preview.html", context=facts(request, row), place=20,
        note="as somebody whom you know would get it",
    )  # fmt: skip


def facts(request: HttpRequest, row: ContentTemplate) -> dict[str, Any]:
    """What is asked for in the address: ``who`` are words to find somebody by, ``contact`` is who was chosen, while
    ``who`` is what they were ``found_by``, ``campaign`` is whose event and sender the tags stand for."""
    who, chosen = request.GET.get("who", "").strip(), _chosen(request)
    campaigns, campaign = _campaigns(request.user, request.GET.get("campaign", ""))
    page = reverse("admin:campaigns_contenttemplate_change", args=[row.pk])
    url = reverse("admin:campaigns_contenttemplate_preview", args=[row.pk])
    found = [] if chosen else _found(request.user, who)
    kept = {"who": who, "found_by": who, **({"campaign": campaign.pk} if campaign else {})}
    links = [
        {"name": str(one), "described": described(one), "asked": urlencode({**kept, "contact": one.pk})}
        for one in found
    ]
    asked_in_vain = bool(request.GET.get("contact")) and chosen is None and not found
    return {
        "who": who, "page": page, "url": url, "people": links, "campaigns": campaigns, "campaign": campaign,
        "chosen": chosen and chosen.pk, "nobody": (who and not found and not chosen) or asked_in_vain,
        **(_shown(row, chosen, campaign) if chosen else {}),
    }  # fmt: skip


def _campaigns(user: Any, asked_for: str) -> tuple[list[Campaign], Campaign | None]:
    """The newest campaigns that this person sees, and the one that was asked for, which is one of them however old."""
    if not user.has_perm("campaigns.view_campaign"):
        return [], None
    seen = visible(Campaign.objects.exclude(status=CampaignStatus.ARCHIVED), user).select_related("sender")
    asked = seen.filter(pk=key).first() if (key := _key(asked_for)) else None
    newest = list(seen.order_by("-pk")[:OFFERED])
    return newest + [asked] * (asked is not None and asked not in newest), asked


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _found(user: Any, who: str) -> list[Contact]:
    try:
        with patient(1.0):
            return people(user, who)
    except TooBroad:
        return []


def _chosen(request: HttpRequest) -> Contact | None:
    user: Any = request.user
    if request.GET.get("found_by", "").strip() != request.GET.get("who", "").strip():
        return None  # other words ask for somebody else
    key = _key(request.GET.get("contact", ""))
    if key is None or not user.has_perm("crm.view_contact"):
        return None
    seen = visible(Contact.objects.filter(deleted_at=None), user).select_related("company", "owner")
    found: Contact | None = seen.filter(pk=key).first()
    return found


def _shown(row: ContentTemplate, contact: Contact, campaign: Campaign | None) -> dict[str, Any]:
    said = values.in_campaign(contact, campaign)
    found = contents.preview(channel=row.channel, subject=row.subject, body=row.body, values=said)
    return {
        "contact": cells.link(contact),
        "subject": found.subject if row.channel == Channel.EMAIL else "",
        "body": found.body,
        "missing": [TAGS.get(name, name) for name in found.missing],
        "later": [TAGS.get(name, name) for name in found.later],
        "sms": found.length,
    }
