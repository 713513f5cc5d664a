"""Endpoints as a whole: made where they are missing, and whom a record with their value means."""

from crm.choices import EndpointKind
from crm.models import Contact, ContactPoint, Endpoint
from crm.services.locking import lock, lock_all


def line_for(kind: str, value: str, line_type: str, *, person: Contact | None = None) -> Endpoint | None:
    """Return the locked endpoint with this normal value, made where it is missing; None without a value.

    One that nobody owns becomes ``person``'s.
    """
    if not value:
        return None
    typed = {"line_type": line_type} if line_type else {}
    new = Endpoint(kind=EndpointKind(kind), value=value, owner=person, **typed)
    Endpoint.objects.bulk_create([new], ignore_conflicts=True)
    endpoint = lock(Endpoint.objects.get(kind=kind, value=value))
    if endpoint.owner_id is None and person is not None:
        endpoint.owner = person
        endpoint.save(update_fields=["owner", "updated_at"])
    return endpoint


def pass_on(endpoint: Endpoint | None, person: Contact) -> None:
    """Let the line be owned by whoever else has used it longest, now that it is not ``person``'s."""
    if endpoint is None or endpoint.owner_id != person.pk:
        return
    others = ContactPoint.objects.good().filter(endpoint=endpoint, contact__deleted_at=None).exclude(contact=person)
    endpoint.owner_id = others.order_by("id").values_list("contact_id", flat=True).first()
    endpoint.save(update_fields=["owner", "updated_at"])


def leave_to_the_living(person: Contact) -> None:
    """Pass the lines of somebody deleted on to whoever alive uses them, so that records mean those from now on.

    A line that nobody else uses stays theirs: they are not made anew from it.
    """
    users = ContactPoint.objects.good().filter(endpoint__owner=person, contact__deleted_at=None).exclude(contact=person)
    ids = set(users.values_list("endpoint_id", flat=True))
    lock_all(Endpoint, ids)
    for endpoint in Endpoint.objects.filter(pk__in=ids).order_by("pk"):
        pass_on(endpoint, person)
