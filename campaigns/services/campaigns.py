"""Campaigns: made of a version of a template, edited, drawn on until they start, moved from status to status.

Every verb holds the campaign FOR UPDATE, which whoever moves its people holds FOR SHARE: once a verb is committed,
nothing moves as it did before.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, transaction

from campaigns.choices import CHANNELS, RUNNING, CampaignStatus, TemplateStatus
from campaigns.models import Campaign, Graph, TemplateVersion
from campaigns.rules.differences import Difference
from campaigns.rules.drawings import Drawing
from campaigns.rules.validation import Fault, faults
from campaigns.services import bells, drawn, enrolling, graphs, letting_go, places, surroundings, templates, values
from campaigns.services.goals import faults_of_goal, refuse_unreachable
from campaigns.services.naming import named
from campaigns.services.ownership import refuse_lending, refuse_others
from campaigns.services.routes import channels_walked
from campaigns.services.senders import channels_of
from config.kernel.audit import acting
from config.kernel.errors import Conflict, DomainError
from config.kernel.moments import require_kept
from config.kernel.transactions import atomic_with_retries
from crm.models import User

_S = CampaignStatus
_ALWAYS: Final = frozenset(
    {"name", "description", "owner", "goal", "event_place", "event_hook", "reentry", "reentry_days"}
    | {"starts_per_day", "company_limit", "spread_minutes"}
)
_STANDING: Final = frozenset({"sender", "event_type", "event_date", "event_time"})
_NEW: Final = frozenset({"exclusive"})
EDITABLE: Final = _ALWAYS | _STANDING | _NEW

NEW: Final = (_S.DRAFT, _S.SCHEDULED)


class NameTaken(Conflict):
    """Another campaign has this name; upper and lower case are the same."""

    code = "already_exists"


class WrongStatus(Conflict):
    """The campaign is not in a status that allows this."""

    code = "wrong_status"


class WrongTime(DomainError):
    code = "wrong_time"


def editable(status: str) -> frozenset[str]:
    """Return what can be edited in this status."""
    if status == _S.ARCHIVED:
        return frozenset()
    return _ALWAYS | (_STANDING if status in {*NEW, _S.PAUSED} else set()) | (_NEW if status in NEW else set())


@atomic_with_retries
def create(*, name: str, version: TemplateVersion, by: User | None, at: datetime, **said: Any) -> Campaign:
    """Begin a campaign with a copy of ``version``'s graph, as a draft; whoever begins it owns it unless it is said.

    :raises templates.IsArchived: its template is archived.
    :raises NameTaken, naming.Nameless, NotYours, goals.ReachedAtOnce, goals.GoalNotInUse: as for ``edit``.
    """
    if version.template.status == TemplateStatus.ARCHIVED:
        raise templates.IsArchived(f"{version.template.name} is archived. Bring it back, or take another template.")
    row = Campaign(version=version, **{"owner": by, **{key: said[key] for key in EDITABLE & said.keys()}, "name": name})
    refuse_lending(row, by, owner=by.pk if by else None)
    refuse_unreachable(row)
    row.graph = graphs.new(graphs.drawing_of(version.graph))
    return _saved(row, by)


@atomic_with_retries
def edit(*, row: Campaign, changes: Mapping[str, Any], by: User | None, at: datetime) -> Campaign:
    """Change what may be changed in its status.

    :raises WrongStatus: ``details`` name what may not be changed now.
    :raises NotYours: it is somebody else's, or the changes put another name on it than may be.
    :raises NameTaken, naming.Nameless: another campaign is called like this; it has no name.
    :raises config.kernel.moments.YearOutOfRange: of a day that no calendar shows in every zone.
    :raises goals.ReachedAtOnce: it shall have the goal that everybody begins with.
    :raises goals.GoalNotInUse: it shall have one that nobody gets any more.
    :raises enrolling.ElsewhereToo: it shall be exclusive, and somebody in it is in another exclusive one.
    :raises enrolling.TooManyInIt: too many are in it for that to change.
    """
    row = _held(row, by)
    _refuse_unchangeable(row, changes)
    owner, sender = row.owner_id, row.sender_id
    goal, limit, exclusive = row.goal_id, row.company_limit, row.exclusive
    for name in EDITABLE & changes.keys():
        setattr(row, name, changes[name])
    refuse_lending(row, by, owner=owner, sender=sender)
    if row.goal_id != goal:
        refuse_unreachable(row)
    row = _saved(row, by)
    if row.exclusive != exclusive:
        enrolling.tell_exclusive(row)
    if row.company_limit != limit:
        places.let_begin(row, at=at)
    return row


@atomic_with_retries
def redraw(*, row: Campaign, drawing: Drawing, revision: int | None, by: User | None, at: datetime) -> Campaign:
    """Put ``drawing`` in the place of the graph of a draft; faults are no hindrance before it starts.

    :raises WrongStatus: it is no draft any more.
    :raises NotYours: it is somebody else's.
    :raises graphs.DrawnMeanwhile, graphs.NotDrawable: as for ``graphs.redraw``.
    """
    row = _held(row, by, _S.DRAFT, what="is drawn on", instead="Unschedule it first, or begin another campaign.")
    was = graphs.drawing_of(row.graph)
    row.graph = graphs.redraw(graph=row.graph, drawing=drawing, revision=revision)
    drawn.tell(row=row, was=was, now=drawing, by=by)
    return row


def faults_of(row: Campaign, channel: str | None = None) -> list[Fault]:
    """Return everything that would hinder the campaign from starting, or from going on, its goal and who sends for it
    included: on ``channel``, on every one (""), or (None) on those on which people walk it. Who sends on others is no
    matter."""
    walked = channels_walked(row) if channel is None else {channel}
    others = frozenset() if "" in walked else frozenset(CHANNELS) - walked
    around = surroundings.known(senders=channels_of(row.sender_id) | others, says=values.of_campaign(row))
    return [*faults_of_goal(row), *faults(graphs.drawing_of(row.graph), around)]


def differences_of(row: Campaign) -> list[Difference]:
    """Return what makes the campaign's graph of the version that it came from."""
    return templates.differences(row.version.graph, row.graph) if row.version else []


@atomic_with_retries
def schedule(*, row: Campaign, starts_at: datetime, by: User | None, at: datetime) -> Campaign:
    """Let it start by itself at ``starts_at``; what is wrong with it is said now.

    :raises WrongTime: that is past.
    :raises templates.HasFaults: something is wrong with the graph.
    :raises WrongStatus, NotYours: as for ``edit``.
    """
    row = _held(row, by, *NEW, what="is scheduled")
    if starts_at <= at:
        raise WrongTime("That is past: say when it shall start.", details={"starts_at": "Give a time to come."})
    refuse_faults(row)
    return _moved(row, _S.SCHEDULED, by, starts_at=starts_at)


@atomic_with_retries
def unschedule(*, row: Campaign, by: User | None, at: datetime) -> Campaign:
    """Make a scheduled campaign a draft again. :raises WrongStatus, NotYours: as for ``edit``."""
    return _moved(_held(row, by, _S.SCHEDULED, what="is unscheduled"), _S.DRAFT, by, starts_at=None)


@atomic_with_retries
def start(*, row: Campaign, by: User | None, at: datetime, channel: str = "") -> Campaign:
    """Let people walk, from now on, to begin with on ``channel`` only if one is said; its graph never changes again.

    :raises templates.HasFaults: something is wrong with the graph, or nobody sends on a channel that is used.
    :raises WrongStatus, NotYours: as for ``edit``.
    """
    row = _held(row, by, *NEW, what="is started", instead="Resume it, if it is paused or completed.")
    refuse_faults(row, channel)
    Graph.objects.filter(pk=row.graph_id, frozen_at=None).update(frozen_at=at)
    return _moved(row, _S.ACTIVE, by, started_at=at, **_let_go(row, at))


@atomic_with_retries
def pause(*, row: Campaign, by: User | None, at: datetime) -> Campaign:
    """Stop everybody where they are; once this is committed nobody goes on and nothing is handed over any more. Whoever
    answers has answered all the same: they leave, or go on from there once it is resumed.

    :raises WrongStatus, NotYours: as for ``edit``.
    """
    return _moved(_held(row, by, *RUNNING, what="is paused"), _S.PAUSED, by, paused_at=at)


@atomic_with_retries
def resume(*, row: Campaign, by: User | None, at: datetime) -> Campaign:
    """Let people go on. Where they stood, what has come due meanwhile is let go bit by bit.

    One that was completed runs again, for whoever is enrolled from now on.

    :raises templates.HasFaults: what it sends, or who sends it on the channels on which people walk it, is gone
        meanwhile.
    :raises WrongStatus, NotYours: as for ``edit``; and those of a completed one have not all left yet.
    """
    row = _held(row, by, _S.PAUSED, _S.DRAINING, _S.COMPLETED, what="is resumed", instead="Start it, if it is new.")
    if row.status == _S.COMPLETED and row.enrollments.live().order_by("contact_id").first():
        raise WrongStatus(f"{row.name} was completed, and its people are just leaving. Try again in a minute.")
    refuse_faults(row)
    return _moved(row, _S.ACTIVE, by, ended_at=None, **_let_go(row, at))


@atomic_with_retries
def drain(*, row: Campaign, by: User | None, at: datetime) -> Campaign:
    """Let nobody in any more; whoever is in it goes on to the end, and then it is completed.

    :raises WrongStatus, NotYours: as for ``edit``.
    """
    row = _held(row, by, _S.ACTIVE, _S.PAUSED, what="is drained")
    return _moved(row, _S.DRAINING, by, **_let_go(row, at))


@atomic_with_retries
def complete(*, row: Campaign, by: User | None, at: datetime) -> Campaign:
    """End it. Whoever is still on the way leaves it, in chunks from now on: drain it first to let them finish.

    :raises WrongStatus, NotYours: as for ``edit``.
    """
    row = _moved(_held(row, by, *RUNNING, _S.PAUSED, what="is completed"), _S.COMPLETED, by, ended_at=at)
    bells.enrolment()
    return row


@atomic_with_retries
def archive(*, row: Campaign, by: User | None, at: datetime) -> Campaign:
    """Put it out of sight; what was sent stays, and whoever was to begin leaves.

    :raises WrongStatus, NotYours: as for ``edit``.
    """
    row = _held(row, by, *NEW, _S.COMPLETED, what="is archived", instead="Complete it first, if it runs.")
    row = _moved(row, _S.ARCHIVED, by, starts_at=None)
    bells.enrolment()
    return row


@atomic_with_retries
def bring_back(*, row: Campaign, by: User | None, at: datetime) -> Campaign:
    """Take it out of the archive: a draft where it never started, else completed.

    :raises WrongStatus, NotYours: as for ``edit``.
    """
    row = _held(row, by, _S.ARCHIVED, what="is brought back")
    return _moved(row, _S.COMPLETED if row.started_at else _S.DRAFT, by)


def _held(row: Campaign, by: User | None, *statuses: str, what: str = "", instead: str = "") -> Campaign:
    """Return the campaign as it is now, held until the transaction ends, if ``by`` may and its status allows it."""
    row = Campaign.objects.select_for_update(of=("self",)).select_related("graph").get(pk=row.pk)
    refuse_others(row, by)
    if statuses and row.status not in statuses:
        wanted = " or ".join(_S(each).label.lower() for each in statuses)
        said = f"{row.name} is {row.get_status_display().lower()}; only one that is {wanted} {what}. {instead}"
        raise WrongStatus(said.rstrip(), status=row.status)
    return row


def _let_go(row: Campaign, at: datetime) -> dict[str, Any]:
    """What a campaign whose people stood still needs beside its status, so that they move again."""
    if row.status in RUNNING:
        return {}
    letting_go.begin_epoch(row, since=letting_go.stands_since(row), at=at)
    return {name: getattr(row, name) for name in letting_go.EPOCH}


def _moved(row: Campaign, status: CampaignStatus, by: User | None, **also: Any) -> Campaign:
    for name, value in {"status": status, **also}.items():
        setattr(row, name, value)
    with acting(user=by and by.pk):
        row.save(update_fields=["status", *also, "updated_at"])
    return row


def refuse_faults(row: Campaign, channel: str | None = None) -> None:
    """:raises templates.HasFaults: there are some, as ``faults_of`` says."""
    if found := faults_of(row, channel):
        raise templates.HasFaults(found)


def _refuse_unchangeable(row: Campaign, changes: Mapping[str, Any]) -> None:
    changed = {name for name in EDITABLE & changes.keys() if getattr(row, name) != changes[name]}
    if refused := sorted(changed - editable(row.status)):
        instead = "Bring it back first." if row.status == _S.ARCHIVED else "Pause it first."
        instead = "It holds from the start." if set(refused) <= _NEW else instead
        said = f"While it is {row.get_status_display().lower()} this stays as it is: {', '.join(refused)}. {instead}"
        raise WrongStatus(said, details=dict.fromkeys(refused, instead))


def _saved(row: Campaign, by: User | None) -> Campaign:
    require_kept(event_date=row.event_date, starts_at=row.starts_at)
    row.name = named(row.name, what="campaign")
    try:
        with transaction.atomic(), acting(user=by and by.pk):
            row.save()
    except IntegrityError as error:
        raise NameTaken(f"There is a campaign {row.name!r} already.", details={"name": "Taken."}) from error
    return row
