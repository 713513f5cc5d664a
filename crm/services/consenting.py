"""Evidence that somebody allowed us to approach them, or took it back; the copies on the contact follow from it."""

from collections.abc import Iterable
from datetime import datetime

from config.kernel.audit import acting
from config.kernel.errors import DomainError
from config.kernel.transactions import atomic_with_retries
from crm.choices import REACHED_BY, Channel, ConsentKind
from crm.models import Consent, Contact, ContactPoint, Endpoint, User
from crm.services.locking import lock


class UnusableConsent(DomainError):
    """Evidence that would not prove anything; ``details`` name the fields."""

    code = "unusable_consent"


def give(
    *,
    contact: Contact,
    source: str,
    at: datetime,
    by: User | None = None,
    channel: str = "",
    endpoint: Endpoint | None = None,
    evidence: str = "",
) -> Consent:
    """Keep the evidence that ``contact`` allowed us to approach them on ``channel`` ("": on any) at ``at``.

    The same evidence again is the row that is there. :raises UnusableConsent: no source, an unknown channel, one that
    does not use the endpoint, or an endpoint that is not theirs.
    """
    return _keep(ConsentKind.GIVEN, contact, source, at, by, channel, endpoint, evidence)


def withdraw(
    *,
    contact: Contact,
    source: str,
    at: datetime,
    by: User | None = None,
    channel: str = "",
    endpoint: Endpoint | None = None,
    evidence: str = "",
) -> Consent:
    """Keep the evidence that ``contact`` took their consent back, on ``channel`` or ("") altogether; as ``give``.

    It is no wish to be left alone: whoever hears that suppresses the endpoint too.
    """
    return _keep(ConsentKind.WITHDRAWN, contact, source, at, by, channel, endpoint, evidence)


def standing(rows: Iterable[Consent]) -> dict[str, datetime]:
    """Return the channels ("": all) on which consent stands after ``rows``, and since when, in any order."""
    since: dict[str, datetime] = {}
    for row in sorted(rows, key=lambda row: (row.at, row.pk)):
        if row.kind == ConsentKind.GIVEN:
            since.setdefault(row.channel, row.at)
        elif row.channel:
            since.pop(row.channel, None)
        else:
            since.clear()
    return since


@atomic_with_retries
def _keep(
    kind: ConsentKind,
    contact: Contact,
    source: str,
    at: datetime,
    by: User | None,
    channel: str,
    endpoint: Endpoint | None,
    evidence: str,
) -> Consent:
    _check(contact, source, channel, endpoint)
    with acting(user=by and by.pk):
        person = lock(contact)
        same = Consent.objects.filter(
            contact=person, endpoint=endpoint, channel=channel, kind=kind, at=at, source=source
        )
        row = same.first() or Consent.objects.create(
            contact=person,
            endpoint=endpoint,
            channel=channel,
            kind=kind,
            at=at,
            source=source,
            evidence=evidence,
            by=by,
        )
        _copy(person)
    return row


def _copy(person: Contact) -> None:
    since = standing(person.consents.all())
    given, given_at = bool(since), min(since.values(), default=None)
    if (person.consent_given, person.consent_at) != (given, given_at):
        person.consent_given, person.consent_at = given, given_at
        person.save(update_fields=["consent_given", "consent_at", "updated_at"])


def _check(contact: Contact, source: str, channel: str, endpoint: Endpoint | None) -> None:
    faults = {}
    if not source.strip():
        faults["source"] = "Say where the evidence comes from, for example a form or a call."
    if channel and channel not in Channel.values:
        faults["channel"] = f"Must be one of {', '.join(Channel.values)}, or empty for all of them."
    elif channel and endpoint and REACHED_BY[Channel(channel)] != endpoint.kind:
        faults["channel"] = f"{Channel(channel).label} does not use this kind of endpoint."
    if endpoint and not ContactPoint.objects.filter(contact=contact, endpoint=endpoint).exists():
        faults["endpoint"] = "This is no number or address of the contact. Add it to them first."
    if faults:
        raise UnusableConsent("This proves no consent: " + " ".join(faults.values()), details=faults)
