"""Which places a telephone line may ring in: the union of all live evidence about everybody who uses it.

What a set of evidence amounts to is a pure matter of ``crm.services.normalization.evidence``; here it is gathered for
many lines at once and stored as the id of a shared ``HoursProfile``.
"""

from collections.abc import Iterable
from functools import lru_cache
from uuid import UUID

from django.db import connection, transaction

from crm.models import Endpoint, HoursProfile
from crm.services.locking import lock_all
from crm.services.normalization.evidence import key_of_candidates
from crm.services.normalization.places import Candidate, from_phone

# Separators of evidence that no text of ours contains: one_line() drops control characters.
_FIELD, _RECORD = "\x1f", "\x1e"

# Places of everybody alive whose number it is, and what they said about their zone.
_EVIDENCE = """
WITH users AS (
    SELECT p.endpoint_id, c.id, c.country, c.region, c.postal_code, c.time_zone
    FROM crm_contactpoint p JOIN crm_contact c ON c.id = p.contact_id
    WHERE p.endpoint_id = ANY(%(ids)s) AND p.state = 'good' AND c.deleted_at IS NULL
), places AS (
    SELECT endpoint_id, concat_ws(%(field)s, country, region, postal_code, time_zone) AS text FROM users
    UNION ALL
    SELECT u.endpoint_id, concat_ws(%(field)s, a.country, a.region, a.postal_code, '')
    FROM users u JOIN crm_contactpoint a ON a.contact_id = u.id AND a.kind = 'address'
)
SELECT e.id, e.value, e.hours_profile_id, coalesce(string_agg(DISTINCT places.text, %(record)s), '')
FROM crm_endpoint e LEFT JOIN places ON places.endpoint_id = e.id
WHERE e.id = ANY(%(ids)s) AND e.kind = 'phone'
GROUP BY e.id
"""
_MOVE = """
UPDATE crm_endpoint e SET hours_profile_id = moved.profile, updated_at = clock_timestamp()
FROM unnest(%s::uuid[], %s::uuid[]) AS moved (id, profile) WHERE e.id = moved.id
"""


def refresh_profiles(*, endpoint_ids: Iterable[UUID]) -> list[UUID]:
    """Give every phone among these endpoints the profile of all evidence there is; return those whose profile moved.

    Six statements at most, whatever their number. The endpoints are locked first, in the order of their ids, so that
    two people on one line who both move are both seen by whoever comes second. Whoever calls tells the news.
    """
    ids = list(set(endpoint_ids))
    if not ids:
        return []
    with transaction.atomic():
        lock_all(Endpoint, ids)
        keys, current = _evidence(ids)
        profiles = profile_ids(keys.values())
        moved = sorted(endpoint for endpoint, key in keys.items() if current[endpoint] != profiles[key])
        if moved:
            with connection.cursor() as cursor:
                cursor.execute(_MOVE, [moved, [profiles[keys[endpoint]] for endpoint in moved]])
    return moved


def _evidence(ids: list[UUID]) -> tuple[dict[UUID, str], dict[UUID, UUID | None]]:
    """Return the key that each phone should have, and the profile that it has."""
    keys, current = {}, {}
    with connection.cursor() as cursor:
        cursor.execute(_EVIDENCE, {"ids": ids, "field": _FIELD, "record": _RECORD})
        for endpoint, value, profile, evidence in cursor.fetchall():
            keys[endpoint], current[endpoint] = _key_of_text(from_phone(value), evidence), profile
    return keys, current


def profile_ids(keys: Iterable[str]) -> dict[str, UUID]:
    """Return the id of every profile, making those that do not exist; others may make the same ones meanwhile."""
    wanted = set(keys)
    found = _known(wanted)
    if missing := sorted(wanted - found.keys()):
        HoursProfile.objects.bulk_create([HoursProfile(key=key) for key in missing], ignore_conflicts=True)
        found |= _known(missing)
    return found


def _known(keys: Iterable[str]) -> dict[str, UUID]:
    return dict(HoursProfile.objects.filter(key__in=list(keys)).values_list("key", "id"))


@lru_cache(maxsize=32_768)  # distinct combinations of area and evidence, some 10 MB
def _key_of_text(phone: frozenset[Candidate], evidence: str) -> str:
    records = [(text.split(_FIELD) + [""] * 4)[:4] for text in evidence.split(_RECORD)] if evidence else []
    places = [(country, region, postal_code) for country, region, postal_code, _ in records]
    return key_of_candidates(phone, places, [zone for *_, zone in records if zone])
