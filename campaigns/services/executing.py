"""Carrying a campaign out: everybody who waits begins, on every channel or on one, and the starter is told what came.

The engine needs no list of who belongs to an execution: whoever begins, begins in the campaign's last one.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from django.urls import reverse

from campaigns.choices import CHANNELS, OVER, CampaignStatus, EnrollmentState, MessageState, RunState
from campaigns.models import Campaign, EnrollmentRun, Execution
from campaigns.rules import pace
from campaigns.services import bells, campaigns, counting, enrolling, graphs, ownership, routes
from config.kernel import prepared
from config.kernel.errors import Conflict, DomainError
from config.kernel.transactions import atomic_with_retries
from crm.choices import Channel
from crm.models import User
from crm.services import notices

_S = MessageState
_RESULT: Final = ("sent", "skipped", "blocked", "failed")
_MEANS: Final[Mapping[str, str]] = {
    _S.ACCEPTED: "sent", _S.DELIVERED: "sent", _S.CANCELLED: "skipped", _S.BLOCKED: "blocked",
}  # fmt: skip

# Whoever is to begin; not who waits for a place of their company.
_IS_BEGINNING = """
    SELECT EXISTS (SELECT FROM campaigns_enrollment e
                   WHERE e.campaign_id = %(campaign)s AND e.state = 'pending' AND e.wake_at IS NOT NULL)"""
# What is still going to change by itself; what waits for a person does not.
_IS_MOVING = """
    SELECT EXISTS (
        SELECT FROM campaigns_enrollment e
        WHERE e.execution_id = %(execution)s AND (e.state = 'active' OR e.state = 'waiting_send' AND EXISTS (
            SELECT FROM campaigns_message m
            WHERE m.enrollment_id = e.id AND m.state IN ('pending', 'claimed', 'dispatching', 'uncertain'))))"""
# Of a send that was tried again after it was blocked the last try counts.
_MESSAGES = """
    SELECT state, count(*) FROM (
        SELECT DISTINCT ON (m.enrollment_id, m.node_id, m.visit) m.state
        FROM campaigns_enrollment e JOIN campaigns_message m ON m.enrollment_id = e.id
        WHERE e.execution_id = %(execution)s
        ORDER BY m.enrollment_id, m.node_id, m.visit, m.id DESC) last
    GROUP BY state"""
_PEOPLE = """
    SELECT count(*) FILTER (WHERE v.kind = 'passed' AND v.data ->> 'outcome' = 'skipped'),
           count(DISTINCT e.id) FILTER (WHERE e.state = 'parked')
    FROM campaigns_enrollment e JOIN campaigns_enrollmentevent v ON v.enrollment_id = e.id
    WHERE e.execution_id = %(execution)s"""


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
    ended = row.campaign.status in OVER
    if not ended and _is_under_way(row, at):
        return False
    for name, number in counted(row.pk).items():
        setattr(row, name, number)
    row.waiting = 0 if ended else _pending(row.campaign)
    row.state, row.ended_at = RunState.FAILED if ended else RunState.DONE, at
    row.error = f"The campaign was {row.campaign.get_status_display().lower()} meanwhile." if ended else ""
    row.save()
    notices.tell(user=row.by, text=in_words(row), link=_page(row.campaign_id), at=at)
    return True


def counted(execution: UUID) -> dict[str, int]:
    """Return ``sent``, ``skipped``, ``blocked`` and ``failed`` as they are now, in two queries."""
    numbers = dict.fromkeys(_RESULT, 0)
    for state, number in prepared.rows(_MESSAGES, {"execution": execution}):
        if state not in {_S.PENDING, _S.CLAIMED, _S.DISPATCHING}:
            numbers[_MEANS.get(state, "failed")] += number
    ((skipped, parked),) = prepared.rows(_PEOPLE, {"execution": execution})
    numbers["skipped"] += skipped
    numbers["failed"] += parked
    return numbers


def result(row: Execution) -> dict[str, int]:
    """Return the numbers with which it was closed."""
    return {name: getattr(row, name) for name in _RESULT}


def is_ok(row: Execution) -> bool:
    """It came to its end, and nothing failed; what the gate refused is no failure. Where all that it was for still wait
    to begin nothing was carried out."""
    has_done = not row.waiting or any(result(row).values())
    return row.state == RunState.DONE and not row.failed and has_done


def in_words(row: Execution) -> str:
    """Say what came of an execution that is over, in a sentence."""
    what = (
        f"{row.campaign}: {row.sent:,} sent, {row.skipped:,} skipped, {row.blocked:,} blocked, {row.failed:,} failed."
    )
    waiting = f"{row.waiting:,} still wait to begin." if row.waiting else ""
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


def _is_under_way(row: Execution, at: datetime) -> bool:
    """Somebody begins, or is being enrolled, or does not wait for anything yet. Whoever waits for a place of their
    company, or for the pace of the campaign to have room for them, may do so for weeks."""
    asked = {"campaign": row.campaign_id, "execution": row.pk}
    is_coming = row.campaign.places_given_to is not None or _is_enrolling(row.campaign_id)
    looks = [_IS_BEGINNING] if _has_room(row.campaign, at) else []
    if _in_state(row.campaign, EnrollmentState.ACTIVE, EnrollmentState.WAITING_SEND):  # of many who wait nobody is read
        looks.append(_IS_MOVING)
    return is_coming or any(prepared.rows(sql, asked)[0][0] for sql in looks)


def _has_room(row: Campaign, at: datetime) -> bool:
    """Somebody may begin by now."""
    return not row.starts_per_day or pace.room(row.starts_per_day, last=row.last_start_at, at=at) > 0


def _is_enrolling(campaign: UUID) -> bool:
    return EnrollmentRun.objects.filter(campaign=campaign, state=RunState.RUNNING).exists()


def _page(campaign: UUID) -> str:
    return reverse("admin:campaigns_campaign_change", args=[campaign])
