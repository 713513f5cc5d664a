"""What merge tags stand for: one flat dictionary per person, of texts."""

from collections.abc import Mapping

from campaigns.models import Campaign
from campaigns.rules.rendering import ATTRIBUTE
from crm.models import Contact, User


def of_contact(contact: Contact) -> dict[str, str]:
    """Return what is known of a contact, by the names of merge tags. Of lists and objects nothing is."""
    return {
        "contact.first_name": contact.first_name,
        "contact.last_name": contact.last_name,
        "contact.name": contact.name,
        "contact.title": contact.title,
        "contact.email": contact.primary_email,
        "contact.phone": contact.primary_phone,
        "company.name": contact.company.name if contact.company else "",
        **of_owner(contact.owner),
        **of_attributes(contact.attributes),
    }


def of_owner(owner: User | None) -> dict[str, str]:
    """Return who looks after somebody; nothing where nobody does, so that the campaign's owner does."""
    return {"owner.name": owner.name, "owner.email": owner.email} if owner else {}


def of_attributes(attributes: Mapping[str, object]) -> dict[str, str]:
    """Return what a source has said of a contact by its own names, as far as it is plain."""
    plain = {key: value for key, value in attributes.items() if isinstance(value, str | int | float)}
    return {f"{ATTRIBUTE}{key}": str(value) for key, value in plain.items()}


def in_campaign(contact: Contact, campaign: Campaign | None) -> dict[str, str]:
    """Return what is known of a contact, and of the campaign that they would be in, if one is given: where neither has
    an owner, nobody has."""
    said = {"owner.name": "", "owner.email": "", **of_campaign(campaign)} if campaign else {}
    return said | of_contact(contact)


def of_campaign(campaign: Campaign) -> dict[str, str]:
    """Return what a campaign says alike to everybody; what is known of each goes before it."""
    day, time, sender = campaign.event_date, campaign.event_time, campaign.sender
    return {
        **of_owner(campaign.owner),
        "campaign.name": campaign.name,
        "sender.name": sender.name if sender else "",
        "sender.email": sender.email if sender else "",
        "event.type": campaign.get_event_type_display() if campaign.event_type else "",
        "event.date": f"{day:%A, %B} {day.day}, {day.year}" if day else "",
        "event.time": f"{time:%I:%M %p}".lstrip("0") if time else "",
        "event.place": campaign.event_place,
        "event.hook": campaign.event_hook,
    }
