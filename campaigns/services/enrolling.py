"""Enrolling: many people begin a campaign, chunk by chunk, each of them once, and the account adds up."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import IntegrityError, connection, transaction

from campaigns.choices import CampaignStatus, Reentry, RunState
from campaigns.models import Campaign, Enrollment, EnrollmentRun, EnrollmentStatus
from campaigns.services import audiences, bells, counting, ownership, places, statuses
from config.kernel import faults
from config.kernel.errors import Conflict
from config.kernel.transactions import atomic_with_retries
from crm.models import User

CHUNK: Final = 5_000
MOST_TOLD = 10_000  # whether they are in a campaign exclusively, in one request
TRIES: Final = 3  # in a row of a question that takes too long
OPEN: Final = [CampaignStatus.DRAFT, CampaignStatus.SCHEDULED, CampaignStatus.ACTIVE, CampaignStatus.PAUSED]
_FIRST: Final = UUID(int=0)
_ACCOUNT: Final = ("asked", "enrolled", "inside", "through", "elsewhere", "gone")

_TOO_SLOW: Final = (
    "Finding its people took too long, three times in a row. Whoever was enrolled stays; ask again with a simpler "
    "filter, or for fewer people."
)

faults.register("enrolling.before_commit")

# ``asked`` are the next contacts of the audience whom the asker sees; what keeps each of them out is asked in the
# order of the account. Places within a company are taken in the order of the contacts, and so they begin; when that is,
# where not all begin at once, nobody knows yet.
_TAKE = """
WITH asked AS MATERIALIZED (
    SELECT c.id, c.company_id, c.deleted_at IS NOT NULL AS is_gone,
           c.primary_phone <> '' AND c.primary_email <> '' AS is_enriched
    FROM crm_contact c WHERE c.id IN ({who}) AND c.id > %s ORDER BY c.id LIMIT %s
), before AS (
    SELECT e.contact_id, max(e.run_no) AS runs, max(e.ended_at) AS ended_at, bool_or(e.ended_at IS NULL) AS is_inside
    FROM campaigns_enrollment e WHERE e.campaign_id = %s AND e.contact_id IN (SELECT id FROM asked)
    GROUP BY e.contact_id
), judged AS MATERIALIZED (
    SELECT a.*, coalesce(b.runs, 0) + 1 AS run_no,
           CASE WHEN a.is_gone THEN 'gone' WHEN b.is_inside THEN 'inside'
                WHEN b.runs > 0 AND (%s OR b.ended_at > %s::timestamptz) THEN 'through'
                WHEN %s AND EXISTS (SELECT FROM campaigns_enrollment o WHERE o.contact_id = a.id AND o.exclusive
                                      AND o.ended_at IS NULL) THEN 'elsewhere'
                ELSE 'enrolled' END AS verdict
    FROM asked a LEFT JOIN before b ON b.contact_id = a.id
), walking AS (
    SELECT e.company_id, count(*) AS number FROM campaigns_enrollment e
    WHERE %s AND e.campaign_id = %s AND e.ended_at IS NULL AND e.company_id IN (SELECT company_id FROM judged)
      AND NOT {held}
    GROUP BY e.company_id
), placed AS (
    SELECT j.*, row_number() OVER (PARTITION BY j.company_id ORDER BY j.id) + coalesce(w.number, 0) AS of_company
    FROM judged j LEFT JOIN walking w ON w.company_id = j.company_id WHERE j.verdict = 'enrolled'
), born AS (
    INSERT INTO campaigns_enrollment (id, campaign_id, graph_id, contact_id, company_id, pair_id, run_no, exclusive,
        epoch, enrolled_at, run_id, status_id, wake_at)
    SELECT clearline_uuid7(), %s, %s, p.id, p.company_id,
           (SELECT pc.id FROM crm_projectcontact pc WHERE pc.contact_id = p.id AND pc.project_id = %s::uuid),
           p.run_no, %s, %s, %s, %s, %s::uuid,
           CASE WHEN p.company_id IS NULL OR NOT %s AND (%s::int IS NULL OR p.of_company <= %s::int)
                THEN %s::timestamptz END
    FROM placed p ORDER BY p.id
    ON CONFLICT DO NOTHING
    RETURNING id, contact_id, run_no, wake_at
), told AS (
    INSERT INTO campaigns_enrollmentevent (id, at, enrollment_id, kind, state, by_id, data)
    SELECT clearline_uuid7(), %s, b.id, 'enrolled', 'pending', %s::uuid,
           jsonb_build_object('wake_at', CASE WHEN %s THEN b.wake_at END, 'status', %s::text)
    FROM born b
)
SELECT (SELECT count(*) FROM judged), (SELECT count(*) FROM born),
       count(*) FILTER (WHERE verdict = 'inside'), count(*) FILTER (WHERE verdict = 'through'),
       count(*) FILTER (WHERE verdict = 'elsewhere'), count(*) FILTER (WHERE verdict = 'gone'),
       (SELECT count(*) FROM born WHERE run_no = 1),
       (SELECT count(*) FROM born b JOIN judged j ON j.id = b.contact_id WHERE b.run_no = 1 AND j.is_enriched),
       (SELECT id FROM judged ORDER BY id DESC LIMIT 1)
FROM judged"""


class NotOpen(Conflict):
    """Nobody can be enrolled in a campaign that is on its way out."""

    code = "not_open"


class ElsewhereToo(Conflict):
    """Somebody in a campaign that shall be exclusive is in another exclusive one."""

    code = "elsewhere_too"


class TooManyInIt(Conflict):
    """So many are in a campaign already that it stays exclusive, or not."""

    code = "too_many"


def instead(status: str) -> str:
    """Return what has to be done so that people begin in a campaign that stands still, or is on its way out or over."""
    return "Bring it back first." if status == CampaignStatus.ARCHIVED else "Resume it first."


@atomic_with_retries
def begin(*, campaign: Campaign, audience: Mapping[str, Any], by: User | None, at: datetime) -> EnrollmentRun:
    """Ask for everybody whom ``audience`` means to be enrolled; ``take`` does it, chunk by chunk.

    :raises audiences.UnusableAudience: it cannot be read, or names what ``by`` does not see.
    :raises ownership.NotYours: it is somebody else's.
    :raises NotOpen: the campaign is drained, completed or archived.
    """
    kept = audiences.checked(audience, by=by)
    held = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    ownership.refuse_others(held, by)
    if held.status not in OPEN:
        raise NotOpen(f"{held.name} is {held.get_status_display().lower()}. {instead(held.status)}")
    bells.enrolment()
    return EnrollmentRun.objects.create(campaign=held, audience=kept, by=by)


def tell_exclusive(campaign: Campaign) -> None:
    """Let whoever is in ``campaign`` be in it exclusively, or no longer, as it says. The caller holds it.

    :raises TooManyInIt: they are more than can be told at once.
    :raises ElsewhereToo: somebody of them is in another exclusive campaign.
    """
    people = Enrollment.objects.live().filter(campaign=campaign)
    if people.order_by()[: MOST_TOLD + 1].count() > MOST_TOLD:
        instead = "It is decided before people are enrolled: begin another campaign."
        said = f"More than {MOST_TOLD:,} people are in {campaign.name}, too many to be told at once. {instead}"
        raise TooManyInIt(said, details={"exclusive": instead})
    try:
        with transaction.atomic():
            people.update(exclusive=campaign.exclusive)
    except IntegrityError as error:
        others = Enrollment.objects.live().filter(exclusive=True).exclude(campaign=campaign)
        number = others.filter(contact__in=people.values("contact")).count()
        instead = "Let them leave one of the two first."
        said = f"Of the people in {campaign.name}, {number:,} are in another exclusive campaign too. {instead}"
        raise ElsewhereToo(said, details={"exclusive": instead}) from error


def running() -> list[UUID]:
    """Return the runs that are not through, the oldest first."""
    return list(EnrollmentRun.objects.filter(state=RunState.RUNNING).order_by("id").values_list("pk", flat=True))


@atomic_with_retries
def take(run: UUID, *, at: datetime, size: int = CHUNK) -> bool:
    """Enrol the next chunk of a run; say whether there may be more. People, account and cursor are one commit."""
    campaign = Campaign.objects.select_for_update(no_key=True).get(runs=run)
    row = EnrollmentRun.objects.select_for_update(of=("self",), no_key=True).select_related("by").get(pk=run)
    if row.state != RunState.RUNNING:
        return False
    if campaign.status not in OPEN:
        _close(row, RunState.FAILED, at, error=f"The campaign was {campaign.get_status_display().lower()} meanwhile.")
        return False
    status = statuses.first()
    account, people, last = _taken(campaign, row, status, at, size)
    for name, number in account.items():
        setattr(row, name, getattr(row, name) + number)
    row.after, row.slow = last or row.after, 0
    is_over = account["asked"] < size
    if is_over:
        _count_hidden(row)
    _close(row, RunState.DONE if is_over else RunState.RUNNING, at)
    _count(campaign, account["enrolled"], people, status)
    faults.point("enrolling.before_commit")
    return not is_over


@atomic_with_retries
def give_up(run: UUID, *, error: str, at: datetime) -> None:
    """Stop a run that cannot go on; whoever it has enrolled stays."""
    row = EnrollmentRun.objects.select_for_update(no_key=True).get(pk=run)
    if row.state == RunState.RUNNING:
        _close(row, RunState.FAILED, at, error=error)


@atomic_with_retries
def was_too_slow(run: UUID, *, at: datetime) -> bool:
    """Say of a run that finding its next people took too long; after three times in a row it stops. Return whether."""
    row = EnrollmentRun.objects.select_for_update(no_key=True).get(pk=run)
    if row.state != RunState.RUNNING:
        return False
    row.slow += 1
    gives_up = row.slow >= TRIES
    _close(row, RunState.FAILED if gives_up else RunState.RUNNING, at, error=_TOO_SLOW if gives_up else "")
    return gives_up


def _taken(
    campaign: Campaign, row: EnrollmentRun, status: EnrollmentStatus | None, at: datetime, size: int
) -> tuple[dict[str, int], dict[str, int], UUID | None]:
    """Enrol them; return what became of each, how many people are new to the campaign, and who was the last."""
    try:
        who, params = audiences.contacts_of(row.audience, by=row.by).order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:  # nobody can be meant
        return dict.fromkeys(_ACCOUNT, 0), {}, None
    rest = at - timedelta(days=campaign.reentry_days) if campaign.reentry == Reentry.RESTED else None
    values = [
        *params, row.after or _FIRST, size,
        campaign.pk,
        campaign.reentry == Reentry.NEVER, rest,
        campaign.exclusive,
        campaign.company_limit is not None, campaign.pk,
        campaign.pk, campaign.graph_id, audiences.project_of(row.audience),
        campaign.exclusive, campaign.epoch, at, row.pk, status and status.pk,
        campaign.places_given_to is not None, campaign.company_limit, campaign.company_limit, at,
        at, row.by_id, campaign.starts_per_day is None, status.name if status else "",
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_TAKE.replace("{held}", places.HELD).replace("{who}", who), values)
        asked, enrolled, inside, through, elsewhere, gone, new, enriched, last = cursor.fetchone()
    # Whoever began elsewhere between the question and the answer
    elsewhere += asked - enrolled - inside - through - elsewhere - gone
    account = dict(zip(_ACCOUNT, (asked, enrolled, inside, through, elsewhere, gone), strict=True))
    return account, {"total_contacts": new, "enriched_contacts": enriched}, last


def _count_hidden(row: EnrollmentRun) -> None:
    """Of a list of ids, those that the asker does not see, or that do not exist, are gone for them."""
    hidden = len(row.audience["contacts"]) - row.asked if "contacts" in row.audience else 0
    row.asked, row.gone = row.asked + hidden, row.gone + hidden


def _close(row: EnrollmentRun, state: RunState, at: datetime, *, error: str = "") -> None:
    row.state, row.error, row.ended_at = state, error, None if state == RunState.RUNNING else at
    row.save(update_fields=[*_ACCOUNT, "after", "slow", "state", "error", "ended_at", "updated_at"])


def _count(campaign: Campaign, enrolled: int, people: Mapping[str, int], status: EnrollmentStatus | None) -> None:
    walks = ["state:pending", *([f"status:{status.pk}"] if status else [])]
    counts = {**dict.fromkeys(walks, enrolled), **people}
    counting.add(campaign=campaign.pk, counts={(None, name): more for name, more in counts.items()})
