"""Evidence that somebody allowed us to approach them, or took it back; the copies on the contact follow from it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from config.kernel.audit import acting
from config.kernel.errors import DomainError
from config.kernel.moments import require_kept
from config.kernel.transactions import atomic_with_retries
from crm.choices import REACHED_BY, Channel, ConsentKind
from crm.models import Consent, Contact, ContactPoint, Endpoint, User
from crm.services.scope import lock_seen

REPEAT: Final = timedelta(days=1)  # a program tries again for as long, a person says the same anew only later


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
    return keep(
        kind=ConsentKind.GIVEN, contact=contact, source=source, at=at, by=by, channel=channel, endpoint=endpoint,
        evidence=evidence,
    )[0]  # fmt: skip


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
    return keep(
        kind=ConsentKind.WITHDRAWN, contact=contact, source=source, at=at, by=by, channel=channel, endpoint=endpoint,
        evidence=evidence,
    )[0]  # fmt: skip


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
def keep(
    *,
    kind: str,
    contact: Contact,
    source: str,
    at: datetime,
    by: User | None = None,
    channel: str = "",
    endpoint: Endpoint | None = None,
    evidence: str = "",
    again_within: timedelta | None = None,
) -> tuple[Consent, bool]:
    """Keep evidence of ``kind``, and return the row and whether it is new; see ``give`` and ``withdraw``.

    Whoever does not say when it was may be repeating themselves: with ``again_within`` the same words shortly after the
    last ones about this channel are the row that is there.
    """
    require_kept(at=at)
    _check(contact, source, channel, endpoint)
    about = {"endpoint": endpoint, "channel": channel}
    with acting(user=by and by.pk):
        person = lock_seen(contact, by)
        told = Consent.objects.filter(contact=person, **about)
        row = told.filter(kind=kind, at=at, source=source).first() or _repeated(
            told, at, again_within, {"kind": kind, "source": source, "evidence": evidence}
        )
        if row is not None:
            return row, False
        row = Consent.objects.create(
            contact=person, kind=kind, at=at, source=source, evidence=evidence, by=by, **about
        )  # fmt: skip
        _copy(person)
    return row, True


def _repeated(told: Any, at: datetime, within: timedelta | None, said: Mapping[str, str]) -> Consent | None:
    last: Consent | None = told.order_by("-at", "-id").first() if within else None
    if last is None or within is None or not at - within < last.at <= at:
        return None
    return last if all(getattr(last, name) == value for name, value in said.items()) else None


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
