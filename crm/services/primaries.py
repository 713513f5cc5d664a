"""Which number and which address of a contact comes first, and the copies of both on the contact (DESIGN 9).

``copy_primaries`` is the one writer of ``Contact.primary_phone`` and ``primary_email``; a contact may be *born* with
them, in the statement that inserts it.
"""

from collections.abc import Iterable
from uuid import UUID

from django.db import connection, transaction

from crm.models import Contact
from crm.services.locking import lock_all

# Whose copies are not true, or who has good points and no primary among them.
_WRONG = """
SELECT c.id FROM crm_contact c JOIN (
    SELECT k.id,
           coalesce(max(e.value) FILTER (WHERE p.kind = 'phone' AND p.is_primary), '') AS phone,
           coalesce(max(e.value) FILTER (WHERE p.kind = 'email' AND p.is_primary), '') AS email,
           bool_or(p.kind = 'phone') AND NOT bool_or(p.kind = 'phone' AND p.is_primary)
           OR bool_or(p.kind = 'email') AND NOT bool_or(p.kind = 'email' AND p.is_primary) AS leaderless
    FROM unnest(%s::uuid[]) AS k (id)
    LEFT JOIN crm_contactpoint p ON p.contact_id = k.id AND p.state = 'good' AND p.kind IN ('phone', 'email')
    LEFT JOIN crm_endpoint e ON e.id = p.endpoint_id AND e.value NOT LIKE '#%%'
    GROUP BY k.id
) true_now ON true_now.id = c.id
WHERE (c.primary_phone, c.primary_email) IS DISTINCT FROM (true_now.phone, true_now.email) OR true_now.leaderless
"""
# Nobody's first number is a stranger's: where no point is primary, the best good one becomes it.
_PROMOTE = """
UPDATE crm_contactpoint p SET is_primary = true, updated_at = clock_timestamp()
FROM (
    SELECT DISTINCT ON (contact_id, kind) id FROM crm_contactpoint g
    WHERE contact_id = ANY(%s) AND kind IN ('phone', 'email') AND state = 'good'
      AND NOT EXISTS (SELECT 1 FROM crm_contactpoint x
                      WHERE x.contact_id = g.contact_id AND x.kind = g.kind AND x.is_primary)
    ORDER BY contact_id, kind, verified_at DESC NULLS LAST, id
) best
WHERE p.id = best.id
"""
_COPY = """
UPDATE crm_contact c
SET primary_phone = true_now.phone, primary_email = true_now.email, updated_at = clock_timestamp()
FROM (
    SELECT k.id,
           coalesce(max(e.value) FILTER (WHERE p.kind = 'phone'), '') AS phone,
           coalesce(max(e.value) FILTER (WHERE p.kind = 'email'), '') AS email
    FROM unnest(%s::uuid[]) AS k (id)
    LEFT JOIN crm_contactpoint p ON p.contact_id = k.id AND p.is_primary AND p.state = 'good'
    LEFT JOIN crm_endpoint e ON e.id = p.endpoint_id AND e.value NOT LIKE '#%%'  -- an erased value
    GROUP BY k.id
) true_now
WHERE c.id = true_now.id AND (c.primary_phone, c.primary_email) IS DISTINCT FROM (true_now.phone, true_now.email)
RETURNING c.id
"""


@transaction.atomic
def copy_primaries(*, contact_ids: Iterable[UUID]) -> list[UUID]:
    """Make the copies of these contacts true, choosing a primary where there is none; return whose copies changed.

    One statement where all is well, four where something is not, whatever the number of contacts. Only those that are
    wrong are locked, in the order of their ids: whoever writes points holds the lock of their contact already. Whoever
    calls tells the news.
    """
    with connection.cursor() as cursor:
        cursor.execute(_WRONG, [list(set(contact_ids))])
        wrong = [contact for (contact,) in cursor.fetchall()]
    if not wrong:
        return []
    lock_all(Contact, wrong)
    with connection.cursor() as cursor:
        cursor.execute(_PROMOTE, [wrong])
        cursor.execute(_COPY, [wrong])
        return sorted(contact for (contact,) in cursor.fetchall())
