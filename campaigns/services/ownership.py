"""Whose a campaign is: its owner, its sender and admins run it, and nobody else's name is put on it."""

from uuid import UUID

from campaigns.models import Campaign
from config.kernel.errors import Conflict
from crm.models import User


class NotYours(Conflict):
    """Only its owner, its sender and admins change a campaign, and nobody else's name is put on it."""

    code = "not_yours"


def why_not_yours(row: Campaign, by: User | None) -> str:
    """Return why ``by`` may not change this campaign, in a sentence; "" where they may."""
    if by is None or by.sees_everything or by.pk in {row.owner_id, row.sender_id}:
        return ""
    return f"{row.name} is not yours: its owner, its sender and admins run it. Ask one of them."


def refuse_others(row: Campaign, by: User | None) -> None:
    """:raises NotYours: ``by`` may not change this campaign."""
    if why := why_not_yours(row, by):
        raise NotYours(why)


def refuse_lending(row: Campaign, by: User | None, *, owner: UUID | None, sender: UUID | None = None) -> None:
    """Judge what is another name now than these, which it has had: its sender may leave, and nobody takes it away.

    :raises NotYours: ``by`` is no admin, and gives it another owner, or somebody else as its sender.
    """
    if by is None or by.sees_everything:
        return
    for name, allowed in (("owner", {owner}), ("sender", {sender, by.pk, None})):
        if getattr(row, f"{name}_id") not in allowed:
            raise NotYours(f"Only an admin gives it another {name}.", details={name: "Ask an admin."})
