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
_BEGIN = f"""
    WITH held AS MATERIALIZED (
        SELECT e.id, e.company_id, row_number() OVER (PARTITION BY e.company_id ORDER BY e.id) AS place
        FROM campaigns_enrollment e
        WHERE e.campaign_id = %(campaign)s AND e.state = 'pending' AND e.wake_at IS NULL),
    walking AS MATERIALIZED (
        SELECT e.company_id, count(*) AS number FROM campaigns_enrollment e
        WHERE e.campaign_id = %(campaign)s AND e.ended_at IS NULL AND NOT {HELD}
          AND e.company_id IN (SELECT company_id FROM held)
        GROUP BY e.company_id)
    UPDATE campaigns_enrollment SET wake_at = %(at)s::timestamptz
    WHERE id IN (
        SELECT held.id FROM held LEFT JOIN walking ON walking.company_id = held.company_id
        WHERE %(limit)s::int IS NULL OR held.company_id IS NULL
              OR held.place + coalesce(walking.number, 0) <= %(limit)s::int
        ORDER BY held.id LIMIT %(size)s::int)"""  # noqa: S608 - HELD is ours


def unfinished() -> list[UUID]:
    """Return the campaigns in which somebody may wait for a place that is free."""
    return list(Campaign.objects.filter(gives_places=True).order_by("pk").values_list("pk", flat=True))


def waiting() -> list[UUID]:
    """Return the campaigns in which anybody waits for a place: one that became free while they were locked, or while
    more were under way than the campaign has room for now, was given to nobody."""
    held = Enrollment.objects.filter(campaign=OuterRef("pk"), state=EnrollmentState.PENDING, wake_at=None)
    campaigns = Campaign.objects.filter(Exists(held), status__in=RUNNING, company_limit__isnull=False)
    return list(campaigns.order_by("pk").values_list("pk", flat=True))


@atomic_with_retries
def give(*, campaign: UUID, at: datetime) -> int:
    """Give the next chunk of the places that are free; return how many begin."""
    return let_begin(Campaign.objects.select_for_update(no_key=True).get(pk=campaign), at=at)


def let_begin(campaign: Campaign, *, at: datetime) -> int:
    """Give the places that are free to those who wait longest; return how many begin. The caller holds the campaign.

    Of many it is a chunk: the campaign ``gives_places`` to the rest by itself, and whoever is enrolled meanwhile waits
    behind them.
    """
    given = 0
    if prepared.rows(_ANY, {"campaign": campaign.pk}):
        bells.engine()
        params = {"campaign": campaign.pk, "limit": campaign.company_limit, "at": at, "size": CHUNK}
        given = prepared.run(_BEGIN, params)
    if (is_more := given == CHUNK) != campaign.gives_places:
        campaign.gives_places = is_more
        campaign.save(update_fields=["gives_places"])
    if is_more:
        bells.enrolment()
    return given
