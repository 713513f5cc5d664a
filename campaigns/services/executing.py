"""Carrying a campaign out: everybody who waits begins, on every channel or on one, and the starter is told what came.

The engine needs no list of who belongs to an execution: whoever begins, begins in the campaign's last one, and whoever
leaves or needs somebody instead of beginning does so in that one.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.urls import reverse

from campaigns.choices import CHANNELS, OVER, SENDS, CampaignStatus, EnrollmentState, MessageState, RunState
from campaigns.models import Campaign, Enrollment, EnrollmentRun, Execution
from campaigns.rules import pace
from campaigns.services import bells, campaigns, counting, enrolling, graphs, ownership, routes
from config.kernel import prepared
from config.kernel.errors import Conflict, DomainError
from config.kernel.transactions import atomic_with_retries
from crm.choices import Channel
from crm.models import User
from crm.services import notices

_S = MessageState
SOON: Final = timedelta(days=3)  # what is put off over a weekend is worth waiting for
_RESULT: Final = ("sent", "skipped", "blocked", "failed")
_MEANS: Final[Mapping[str, str]] = {
    _S.ACCEPTED: "sent", _S.DELIVERED: "sent", _S.CANCELLED: "skipped", _S.BLOCKED: "blocked",
}  # fmt: skip

# Whoever is to begin; not who waits for a place of their company.
_IS_BEGINNING = """
    SELECT EXISTS (SELECT FROM campaigns_enrollment e
                   WHERE e.campaign_id = %(campaign)s AND e.state = 'pending' AND e.wake_at IS NOT NULL)"""
# What was written to them where they stand. OFFSET, because it is asked for few: of everybody nothing is to be read.
_HERE = """
    SELECT FROM campaigns_message m WHERE m.enrollment_id = e.id AND (m.node_id, m.visit) = (e.node_id, e.visit)"""
# What they are to be sent is tried again by itself: the gate refused it for a time, or a pause came between.
_IS_PUT_OFF = "e.state IN ('waiting', 'paused') AND coalesce(e.wake_rule ? 'blocked', false)"
# What is still going to change by itself, and soon; what waits for a person does not.
_IS_MOVING = f"""
    SELECT EXISTS (
        SELECT FROM campaigns_enrollment e
        WHERE e.execution_id = %(execution)s AND (
            e.state = 'active' OR {_IS_PUT_OFF} AND e.wake_at <= %(soon)s::timestamptz
            OR e.state = 'waiting_send' AND NOT EXISTS (
                {_HERE} AND m.state = 'not_sent_presumed' AND m.settled_at IS NULL OFFSET 0)))"""  # noqa: S608 - our own words
# What is on its way goes on, also where somebody has stopped its walk meanwhile.
_IS_IN_FLIGHT = """
    SELECT EXISTS (
        SELECT FROM campaigns_message m JOIN campaigns_enrollment e ON e.id = m.enrollment_id
        WHERE e.execution_id = %(execution)s
          AND (m.state IN ('claimed', 'dispatching') OR m.state = 'uncertain' AND m.decided_at IS NULL))"""
# Of a send that was tried again after it was blocked the last try counts. One that was not sent, and at which somebody
# is put off, is to be tried again or needs somebody, counts with the people.
_SENDS = f"""
    SELECT state, count(*) FROM (
        SELECT DISTINCT ON (m.enrollment_id, m.node_id, m.visit)
               m.state, (e.state = 'parked' OR e.paused_from = 'active' OR {_IS_PUT_OFF})
                        AND (m.node_id, m.visit) = (e.node_id, e.visit) AS is_open
        FROM campaigns_enrollment e JOIN campaigns_message m ON m.enrollment_id = e.id
        WHERE e.execution_id = %(execution)s
        ORDER BY m.enrollment_id, m.node_id, m.visit, m.id DESC) last
    WHERE NOT is_open OR state IN ('accepted', 'delivered')
    GROUP BY state"""  # noqa: S608 - our own words
_IS_AT_A_SEND = "n.type = ANY(%(sends)s::text[])"
# Who was passed over, who left before anything was written to them where it was to be, who needs somebody, and who is
# still to be sent to: later, or once somebody lets them go on.
_PEOPLE = f"""
    SELECT (SELECT count(*) FROM campaigns_enrollment e JOIN campaigns_enrollmentevent v ON v.enrollment_id = e.id
            WHERE e.execution_id = %(execution)s AND v.kind = 'passed' AND v.data ->> 'outcome' = 'skipped'),
           count(*) FILTER (WHERE e.state = 'exited' AND (e.node_id IS NULL OR {_IS_AT_A_SEND})
                              AND NOT EXISTS ({_HERE} OFFSET 0)),
           count(*) FILTER (WHERE e.state = 'parked'),
           count(*) FILTER (WHERE {_IS_PUT_OFF} OR e.paused_from = 'active' AND {_IS_AT_A_SEND}
                              OR e.paused_from = 'waiting_send' AND EXISTS ({_HERE} AND m.state = 'pending' OFFSET 0))
    FROM campaigns_enrollment e LEFT JOIN campaigns_node n ON n.id = e.node_id
    WHERE e.execution_id = %(execution)s"""  # noqa: S608 - our own words


class NotExecutable(Conflict):
    """The campaign is in no state in which it could be carried out; twice at a time is none either."""

    code = "not_executable"


class NoSuchSend(DomainError):
    """The graph sends nothing on this channel."""

    code = "no_such_send"


@atomic_with_retries
def begin(*, campaign: Campaign, channel: str, by: User | None, at: datetime) -> Execution:
    """Carry the campaign out for everybody who waits to begin, on ``channel`` only or ("") as the whole graph.

    A new campaign is started. Whoever is enrolled later begins on the same channel, until the next execution: behind
    one on a single channel the whole graph may be asked for though nobody waits just now.

    :raises NotExecutable: it is paused, on its way out or over, an execution runs already, or nobody waits to begin.
    :raises NoSuchSend: nothing is sent on ``channel``.
    :raises templates.HasFaults: something is wrong with the graph, or nobody sends for it on what is asked for.
    :raises ownership.NotYours: it is somebody else's.
    """
    held = Campaign.objects.select_for_update(of=("self",)).select_related("graph").get(pk=campaign.pk)
    ownership.refuse_others(held, by)
    _refuse(held, channel)
    if held.status in campaigns.NEW:
        held = campaigns.start(row=held, by=by, at=at, channel=channel)
    else:
        campaigns.refuse_faults(held, channel)
    held.execution = Execution.objects.create(campaign=held, channel=channel, by=by)
    held.save(update_fields=["execution", "updated_at"])
    bells.engine()
    return held.execution


def channels_of(row: Campaign) -> list[Channel]:
    """Return the channels on which its graph sends, one of which may be asked for."""
    sent = routes.channels_in(graphs.drawing_of(row.graph))
    return [channel for channel in CHANNELS if channel in sent]


def why_not(row: Campaign, channel: str = "") -> str:
    """Return why it cannot be carried out now, on ``channel`` or ("") as the whole graph, in a sentence; "" where it
    can."""
    if row.status not in (*campaigns.NEW, CampaignStatus.ACTIVE):
        return f"{row.name} is {row.get_status_display().lower()}. {enrolling.instead(row.status)}"
    earlier = Execution.objects.filter(campaign=row, state=RunState.RUNNING).first()
    if earlier:
        return (
            f"{row.name} is being carried out since {earlier.created_at:%Y-%m-%d %H:%M} UTC: wait until that is over."
        )
    widens = not channel and routes.channel_of(row.execution_id)
    return "" if widens or _is_awaited(row) else f"Nobody waits to begin {row.name}: enrol people first."


def running() -> list[UUID]:
    """Return the executions that are not over, the oldest first."""
    return list(Execution.objects.filter(state=RunState.RUNNING).order_by("id").values_list("pk", flat=True))


@atomic_with_retries
def look(execution: UUID, *, at: datetime) -> bool:
    """Close an execution that is over, with its numbers, and tell whoever began it; say whether it was closed."""
    row = Execution.objects.select_for_update(of=("self",)).select_related("campaign", "by").get(pk=execution)
    if row.state != RunState.RUNNING:
        return False
    if _is_under_way(row, at):
        return False
    for name, number in counted(row.pk).items():
        setattr(row, name, number)
    row.waiting += _still_to_begin(row.campaign)
    ended = row.campaign.status in OVER
    row.state, row.ended_at = RunState.FAILED if ended else RunState.DONE, at
    row.error = f"The campaign was {row.campaign.get_status_display().lower()} meanwhile." if ended else ""
    row.save()
    notices.tell(user=row.by, text=in_words(row), link=_page(row.campaign_id), at=at)
    return True


def counted(execution: UUID) -> dict[str, int]:
    """Return ``sent``, ``skipped``, ``blocked`` and ``failed`` as they are now, and who of those who have begun are
    ``waiting``, in two queries.

    Every send is in one of these. Whoever needs somebody has failed, once, with what was not sent where they stand.
    """
    numbers = dict.fromkeys((*_RESULT, "waiting"), 0)
    for state, number in prepared.rows(_SENDS, {"execution": execution}):
        if state not in {_S.PENDING, _S.CLAIMED, _S.DISPATCHING}:
            numbers[_MEANS.get(state, "failed")] += number
    asked = {"execution": execution, "sends": [str(node) for node in SENDS]}
    ((passed_over, left, parked, waiting),) = prepared.rows(_PEOPLE, asked)
    numbers["skipped"] += passed_over + left
    numbers["failed"] += parked
    return numbers | {"waiting": waiting}


def result(row: Execution) -> dict[str, int]:
    """Return the numbers with which it was closed."""
    return {name: getattr(row, name) for name in _RESULT}


def is_ok(row: Execution) -> bool:
    """It came to its end, and nothing failed; what the gate refused is no failure. Where all that it was for still wait
    nothing was carried out."""
    has_done = not row.waiting or any(result(row).values())
    return row.state == RunState.DONE and not row.failed and has_done


def in_words(row: Execution) -> str:
    """Say what came of an execution that is over, in a sentence."""
    what = (
        f"{row.campaign}: {row.sent:,} sent, {row.skipped:,} skipped, {row.blocked:,} blocked, {row.failed:,} failed."
    )
    waiting = f"{row.waiting:,} still wait to begin or to go on." if row.waiting else ""
    return " ".join(filter(None, [what, waiting, row.error]))


def _refuse(row: Campaign, channel: str) -> None:
    if why := why_not(row, channel):
        raise NotExecutable(why)
    if channel and channel not in channels_of(row):
        named = Channel(channel).label
        raise NoSuchSend(f"Nothing in {row.name} is sent on this channel.", details={"channel": f"It has no {named}."})


def _is_awaited(row: Campaign) -> bool:
    """Somebody waits to begin, or is being enrolled just now."""
    return _pending(row) > 0 or _is_enrolling(row.pk)


def _pending(row: Campaign) -> int:
    return _in_state(row, EnrollmentState.PENDING)


def _in_state(row: Campaign, *states: EnrollmentState) -> int:
    numbers = counting.numbers(row)
    return sum(numbers.get(f"state:{state}", 0) for state in states)


def _still_to_begin(row: Campaign) -> int:
    """Whoever was paused before they began is to begin as well."""
    return _pending(row) + Enrollment.objects.filter(campaign=row, state=EnrollmentState.PAUSED, node=None).count()


def _is_under_way(row: Execution, at: datetime) -> bool:
    """Somebody begins, or is being enrolled, or does not wait for anything yet, or something is on its way. Whoever
    waits for a place of their company, or for the pace of the campaign to have room for them, may do so for weeks, and
    so may whom the gate has put off by more than some days. What is over has to be left by everybody first."""
    asked = {"campaign": row.campaign_id, "execution": row.pk, "soon": at + SOON}
    looks = [_IS_IN_FLIGHT]
    if row.campaign.status in OVER:
        is_coming = Enrollment.objects.live().filter(campaign=row.campaign).exists()
    else:
        is_coming = row.campaign.places_given_to is not None or _is_enrolling(row.campaign_id)
        looks = [*_looks(row.campaign, at), *looks]
    return is_coming or any(prepared.rows(sql, asked)[0][0] for sql in looks)


def _looks(row: Campaign, at: datetime) -> Iterator[str]:
    """Yield what has to be asked about people: of many who wait to begin nobody is read."""
    if _has_room(row, at):
        yield _IS_BEGINNING
    if _in_state(row, EnrollmentState.ACTIVE, EnrollmentState.WAITING, EnrollmentState.WAITING_SEND):
        yield _IS_MOVING


def _has_room(row: Campaign, at: datetime) -> bool:
    """Somebody may begin by now."""
    return not row.starts_per_day or pace.room(row.starts_per_day, last=row.last_start_at, at=at) > 0


def _is_enrolling(campaign: UUID) -> bool:
    return EnrollmentRun.objects.filter(campaign=campaign, state=RunState.RUNNING).exists()


def _page(campaign: UUID) -> str:
    return reverse("admin:campaigns_campaign_change", args=[campaign])
