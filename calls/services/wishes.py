"""What an outcome says about the person: "do not call me", "this is not my number", and how that is taken back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Func, Value

from calls.models import CallEvent, CallSession
from calls.services.undoing import Made, others, root, text
from config.kernel import clock
from crm.choices import PointState, SourceKind
from crm.models import Contact, ContactPoint, Endpoint, SourceRecord
from crm.services import points

DO_NOT_CALL = "do_not_call"
WRONG_PERSON = "wrong_person"


def foresee_do_not_call(session: CallSession) -> Made:
    was, edited = Contact.objects.values_list("do_not_call", "edited").get(pk=session.contact_id)
    return {"was": was, "edited": DO_NOT_CALL in edited}


def set_do_not_call(session: CallSession, made: Made) -> None:
    """Set the wish. It is the outcome's now, not a person's: whoever confirms it later is in ``edited`` again."""
    if not made["was"]:
        _write(session.contact_id, do_not_call=True, edited=_without())


def take_back_do_not_call(old: CallEvent) -> None:
    """Clear the wish where outcomes set it, none of them stands, no source says so and no person confirmed it."""
    contact = Contact.objects.get(pk=old.session.contact_id)
    made = root(old, DO_NOT_CALL, others(old, DO_NOT_CALL, session__contact=contact))
    if made is None or DO_NOT_CALL in contact.edited or _a_source_says_so(contact):
        return
    again: dict[str, Any] = {"edited": [*contact.edited, DO_NOT_CALL]} if made["edited"] else {}
    _write(contact.pk, do_not_call=False, **again)


def _write(contact_id: UUID, **values: Any) -> None:
    Contact.objects.filter(pk=contact_id).update(**values, updated_at=clock.now())


def _without() -> Func:
    return Func(F("edited"), Value(DO_NOT_CALL), function="array_remove")


def _a_source_says_so(contact: Contact) -> bool:
    """A record is what its source said last; what it said before is gone (DESIGN 7)."""
    said = SourceRecord.objects.filter(contact=contact, kind=SourceKind.PARTY, raw__do_not_call=True)
    return said.exists()


def foresee_wrong_person(session: CallSession) -> Made | None:
    """Return what the point is now, and who and what will take its place as owner and as first number."""
    point = _point(session)
    if point is None:
        return None
    person, endpoint = point.contact_id, point.endpoint
    siblings = ContactPoint.objects.good().filter(contact=person, kind=point.kind).exclude(pk=point.pk)
    users = ContactPoint.objects.good().filter(endpoint=endpoint, contact__deleted_at=None).exclude(contact=person)
    return {
        "point": str(point.pk),
        "was": point.state == PointState.WRONG_PERSON,
        "was_primary": point.is_primary,
        "next_primary": text(siblings.primary_first().values_list("pk", flat=True).first()),
        "was_owner": bool(endpoint and endpoint.owner_id == person),
        "next_owner": text(users.order_by("id").values_list("contact_id", flat=True).first()),
    }


def set_wrong_person(made: Made, *, at: datetime) -> None:
    if not made["was"]:
        points.mark_wrong_person(point=ContactPoint.objects.get(pk=made["point"]), at=at)


def take_back_wrong_person(old: CallEvent, *, at: datetime) -> None:
    """Let the point be theirs again, unless another outcome says so too: first and owned again as it was."""
    whose = {"session__contact": old.session.contact_id, "session__point": old.session.point_id}
    made = root(old, WRONG_PERSON, others(old, WRONG_PERSON, **whose))
    point = _point(old.session)
    if made is None or point is None or point.state == PointState.GOOD:
        return
    if made["was_owner"] and point.endpoint and _owner_followed(point.endpoint, made["next_owner"]):
        point.endpoint.owner_id = point.contact_id
        point.endpoint.save(update_fields=["owner", "updated_at"])
    first = made["was_primary"] and _first_followed(point, made["next_primary"])
    points.mark_good(point=point, at=at, is_primary=first)


def _point(session: CallSession) -> ContactPoint | None:
    """The point that was called as it is now, with its line; None: it has been removed."""
    if session.point_id is None:
        return None
    return ContactPoint.objects.filter(pk=session.point_id).select_related("endpoint").first()


def _owner_followed(line: Endpoint, heir: str | None) -> bool:
    """Whether the line has the owner that it got by itself: whom somebody chose since stays."""
    if text(line.owner_id) == heir:
        return True
    if heir is None:
        theirs = ContactPoint.objects.filter(endpoint=line, contact=line.owner_id).first()
        return _came_back(theirs, "was_owner")
    return not ContactPoint.objects.good().filter(endpoint=line, contact=UUID(heir)).exists()


def _first_followed(point: ContactPoint, heir: str | None) -> bool:
    """Whether the number that is first became it by itself, one after the other: what somebody chose since stays."""
    rest = ContactPoint.objects.good().filter(contact=point.contact_id, kind=point.kind)
    first = rest.filter(is_primary=True).first()
    if heir is None:
        return first is None or _came_back(first, "was_primary")
    return text(first and first.pk) == heir or not rest.filter(pk=heir).exists()


def _came_back(point: ContactPoint | None, place: str) -> bool:
    """Whether a corrected outcome had taken a point away that had no such ``place`` then: it has it because it was the
    only one that came back."""
    if point is None:
        return False
    said = {f"facts__made__{WRONG_PERSON}__point": str(point.pk), f"facts__made__{WRONG_PERSON}__was": False}
    told = CallEvent.objects.filter(session__contact=point.contact_id, corrected_by__isnull=False, **said)
    last = told.order_by("pk").last()
    return last is not None and not last.facts["made"][WRONG_PERSON][place]
