"""How many people of one company are on the way at a time: whoever has no place yet waits without a time of waking."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef

from campaigns.choices import RUNNING, EnrollmentState
from campaigns.models import Campaign, Enrollment
from campaigns.services import bells
from config.kernel import prepared
from config.kernel.transactions import atomic_with_retries

CHUNK = 2_000

HELD: Final = """(e.state = 'pending' AND e.wake_at IS NULL
            OR e.state = 'paused' AND e.paused_from = 'pending' AND e."left" IS NULL)"""
_ANY = """
    SELECT FROM campaigns_enrollment e
    WHERE e.campaign_id = %(campaign)s AND e.state = 'pending' AND e.wake_at IS NULL LIMIT 1"""
# How many of a company are on the way; more of them than the limit are not counted.
WALKING: Final = f"""
    SELECT count(*)::int AS number FROM (
        SELECT FROM campaigns_enrollment e
        WHERE e.campaign_id = %(campaign)s AND e.company_id = {{company}} AND e.ended_at IS NULL AND NOT {HELD}
        LIMIT %(limit)s::int) walks"""  # noqa: S608 - our own words
# Where somebody who is looked at gets no place their company is full, for all behind them too: nobody looks back.
_BEGIN = f"""
    WITH looked AS MATERIALIZED (
        SELECT e.id, e.company_id FROM campaigns_enrollment e
        WHERE e.campaign_id = %(campaign)s AND e.state = 'pending' AND e.wake_at IS NULL AND e.id > %(after)s::uuid
        ORDER BY e.wake_at, e.id LIMIT %(size)s::int),
    taken AS MATERIALIZED (
        SELECT of.company_id, walking.number
        FROM (SELECT DISTINCT company_id FROM looked WHERE %(limit)s::int IS NOT NULL) of
             CROSS JOIN LATERAL ({WALKING.format(company="of.company_id")}) walking),
    placed AS (
        SELECT looked.id, row_number() OVER (PARTITION BY company_id ORDER BY looked.id) + taken.number AS place
        FROM looked JOIN taken USING (company_id)),
    begun AS (
        UPDATE campaigns_enrollment SET wake_at = %(at)s::timestamptz
        WHERE id = ANY(ARRAY(SELECT id FROM looked EXCEPT SELECT id FROM placed WHERE place > %(limit)s::int))
        RETURNING id)
    SELECT (SELECT count(*) FROM looked), (SELECT id FROM looked ORDER BY id DESC LIMIT 1),
           (SELECT count(*) FROM begun)"""  # noqa: S608 - our own words
_FIRST: Final = UUID(int=0)


def unfinished() -> list[UUID]:
    """Return the campaigns in which somebody may wait for a place that is free."""
    campaigns = Campaign.objects.filter(places_given_to__isnull=False)
    return list(campaigns.order_by("pk").values_list("pk", flat=True))


def waiting() -> list[UUID]:
    """Return the campaigns in which anybody waits for a place: one that became free while they were locked, or while
    more were under way than the campaign has room for now, was given to nobody."""
    held = Enrollment.objects.filter(campaign=OuterRef("pk"), state=EnrollmentState.PENDING, wake_at=None)
    campaigns = Campaign.objects.filter(Exists(held), status__in=RUNNING, company_limit__isnull=False)
    return list(campaigns.order_by("pk").values_list("pk", flat=True))


@atomic_with_retries
def give(*, campaign: UUID, at: datetime) -> int:
    """Give the places that are free to the next chunk of those who wait; return how many begin."""
    held = Campaign.objects.select_for_update(no_key=True).get(pk=campaign)
    return _give(held, at, after=held.places_given_to or _FIRST)


def let_begin(campaign: Campaign, *, at: datetime) -> int:
    """Give the places that are free to those who wait longest; return how many begin. The caller holds the campaign.

    Of many it looks at a chunk: the campaign gives places to the rest by itself, and whoever is enrolled meanwhile
    waits behind them.
    """
    return _give(campaign, at, after=_FIRST)


def _give(campaign: Campaign, at: datetime, *, after: UUID) -> int:
    limit = campaign.company_limit
    looked, last, given = 0, None, 0
    if prepared.rows(_ANY, {"campaign": campaign.pk}):
        bells.engine()
        # Without a limit nobody is passed over, so the first who wait are the next.
        params = {"campaign": campaign.pk, "limit": limit, "at": at, "after": after if limit else _FIRST, "size": CHUNK}
        looked, last, given = prepared.rows(_BEGIN, params)[0]
    given_to = last if looked == CHUNK else None
    if given_to != campaign.places_given_to:
        campaign.places_given_to = given_to
        campaign.save(update_fields=["places_given_to"])
    if given_to:
        bells.enrolment()
    return int(given)
