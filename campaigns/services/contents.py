"""Contents: what is sent, in whose words; and what they look like to one contact."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import F, Q

from campaigns.choices import RUNNING, CampaignStatus
from campaigns.models import Campaign, ContentTemplate, Node
from campaigns.rules import segments
from campaigns.rules.composing import LONGEST
from campaigns.rules.rendering import OF_CAMPAIGNS, printable, render, unknown_tags
from campaigns.rules.segments import Length
from campaigns.services.naming import named
from campaigns.services.ownership import NotYours
from campaigns.services.saving import save_once
from config.kernel.audit import acting
from config.kernel.errors import Conflict, DomainError
from config.kernel.transactions import atomic_with_retries
from crm.choices import Channel
from crm.models import User

EDITABLE: Final = frozenset({"name", "subject", "body"})
_SAYING_IT: Final = [*RUNNING, CampaignStatus.PAUSED, CampaignStatus.SCHEDULED]  # what they say is not draft any more


class UnusableContent(DomainError):
    """``details`` say which field cannot be used, and why."""

    code = "unusable_content"


class KeyTaken(Conflict):
    """Another content has this key, for another channel."""

    code = "already_exists"


@dataclass(frozen=True)
class Preview:
    """What somebody would get. ``missing`` are tags without a value or a fallback, ``later`` those that get theirs as
    soon as they are in a campaign; ``length`` is of an SMS.
    """

    subject: str
    body: str
    missing: tuple[str, ...]
    later: tuple[str, ...]
    length: Length | None


@atomic_with_retries
def put(
    *, key: str, channel: str, name: str, body: str, at: datetime, subject: str = "", by: User | None = None
) -> tuple[ContentTemplate, bool]:
    """Write a content, or change the one with this key; say whether it is new. It comes out of the archive, if whoever
    writes it may also put it there.

    :raises UnusableContent: it asks for what nobody knows, is empty or too long, or has what cannot be printed.
    :raises naming.Nameless: it has no name.
    :raises KeyTaken: the key is that of a content for another channel.
    :raises NotYours: as for ``edit``, and of one that somebody has taken out of use who may do that.
    """
    known = ContentTemplate.objects.select_for_update(no_key=True).filter(key=key).first()
    if known and known.channel != channel:
        raise KeyTaken(f"{key!r} is a content for {known.get_channel_display()}.", details={"key": "Taken."})
    if known:
        _refuse_others(known, by)
        if known.archived_at and by and not by.has_perm("campaigns.delete_contenttemplate"):
            raise NotYours(f"{key!r} was taken out of use. Ask an admin to bring it back, or choose another key.")
    row = known or ContentTemplate(key=key, channel=channel)
    row.archived_at = None
    return _written(row, {"name": name, "subject": subject, "body": body}, by), known is None


@atomic_with_retries
def edit(*, row: ContentTemplate, changes: Mapping[str, Any], by: User | None, at: datetime) -> ContentTemplate:
    """Change a content; its key and its channel stay.

    :raises UnusableContent, naming.Nameless: as for ``put``.
    :raises NotYours: a campaign of somebody else says it, see ``why_not_yours``.
    """
    row = ContentTemplate.objects.select_for_update(no_key=True).get(pk=row.pk)
    _refuse_others(row, by)
    return _written(row, changes, by)


def why_not_yours(row: ContentTemplate, by: User | None) -> str:
    """Return why ``by`` may not change this text, in a sentence, asked by one query; "" where they may.

    Nobody but an admin changes what a campaign that they neither own nor send for says, as long as it may say it.
    """
    if by is None or by.sees_everything:
        return ""
    says_it = Node.objects.filter(Q(config__content=row.key) | Q(config__script=row.key)).values("graph")
    others = Campaign.objects.filter(status__in=_SAYING_IT, graph__in=says_it).exclude(Q(owner=by) | Q(sender=by))
    found = others.order_by(F("sender").asc(nulls_first=True), "name").values_list("name", "sender").first()
    if found is None:
        return ""
    name, sender = found
    named = name if sender is None else "A campaign that you do not see"  # with a sender it is not shown to everybody
    return (
        f"{named} says this, and it is somebody else's. Write yours under another key, or ask "
        f"{'its owner or ' if sender is None else ''}an admin to change it."
    )


@atomic_with_retries
def archive(*, row: ContentTemplate, by: User | None, at: datetime) -> ContentTemplate:
    """Take a content out of use: graphs that name it have a fault, and whoever comes to it is parked."""
    row = ContentTemplate.objects.select_for_update(no_key=True).get(pk=row.pk)
    row.archived_at = row.archived_at or at
    with acting(user=by and by.pk):
        row.save(update_fields=["archived_at", "updated_at"])
    return row


def preview(*, channel: str, subject: str, body: str, values: Mapping[str, str]) -> Preview:
    """Return what somebody with these ``values`` would get.

    What is asked of a campaign and stands for nothing in ``values``, not even for "", is put in later.
    """
    head, text = render(subject, values), render(body, values)
    length = segments.measure(text.text) if channel == Channel.SMS else None
    missing = tuple(dict.fromkeys([*head.missing, *text.missing]))
    later = tuple(name for name in missing if name not in values and name.startswith(OF_CAMPAIGNS))
    return Preview(head.text, text.text, tuple(name for name in missing if name not in later), later, length)


def _refuse_others(row: ContentTemplate, by: User | None) -> None:
    if why := why_not_yours(row, by):
        raise NotYours(why)


def _written(row: ContentTemplate, changes: Mapping[str, Any], by: User | None) -> ContentTemplate:
    for name in EDITABLE & changes.keys():
        setattr(row, name, changes[name])
    row.name = named(row.name, what="content")
    if details := _faults(row):
        raise UnusableContent(" ".join(details.values()), details=details)
    with acting(user=by and by.pk):
        save_once(
            row,
            constraint="campaigns_content_one_per_key",
            taken=KeyTaken(f"There is a content {row.key!r} already.", details={"key": "Taken."}),
        )
    return row


def _faults(row: ContentTemplate) -> dict[str, str]:
    found = {name: said for name in ("subject", "body") if (said := _fault_of_text(getattr(row, name)))}
    if not row.body.strip():
        found["body"] = "Write something: an empty message is not sent."
    if len(row.body) > LONGEST[row.channel]:
        found["body"] = f"At most {LONGEST[row.channel]:,} characters for {Channel(row.channel).label}."
    if "\n" in row.subject or "\r" in row.subject:
        found["subject"] = "A subject is one line."
    if bool(row.subject.strip()) != (row.channel == Channel.EMAIL):
        found["subject"] = "An e-mail has a subject, and nothing else has one."
    return found


def _fault_of_text(text: str) -> str:
    if unknown := unknown_tags(text):
        return f"It asks for {', '.join(unknown)}, which nobody knows."
    return "" if printable(text) == text else "It has characters that cannot be printed."
