"""Templates: drawn as a draft, published as versions that never change, restored, cloned, retired."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from campaigns.choices import TemplateStatus
from campaigns.models import Graph, Template, TemplateVersion
from campaigns.rules.differences import Difference, between
from campaigns.rules.drawings import Drawing
from campaigns.rules.validation import Fault, faults
from campaigns.services import drawn, graphs, surroundings
from campaigns.services.naming import named
from campaigns.services.saving import save_once
from config.kernel.audit import acting
from config.kernel.errors import Conflict, DomainError
from config.kernel.transactions import atomic_with_retries
from crm.models import User

EMPTY: Final = Drawing("", (), ())
EDITABLE: Final = frozenset({"name", "description"})


class NameTaken(Conflict):
    """Another template has this name; upper and lower case are the same."""

    code = "already_exists"


class HasFaults(DomainError):
    """``faults`` name everything that is wrong with the graph, each with its node."""

    code = "graph_has_faults"

    def __init__(self, found: list[Fault]) -> None:
        self.faults = found
        details = {".".join(filter(None, [fault.node or "graph", fault.field])): fault.message for fault in found}
        super().__init__(f"The graph has {len(found)} fault{'s' * (len(found) > 1)}: mend them first.", details=details)


class NothingNew(Conflict):
    """The draft is what was published last."""

    code = "nothing_new"


class IsArchived(Conflict):
    """An archived template is not drawn on; bring it back first."""

    code = "is_archived"


@atomic_with_retries
def create(*, name: str, by: User | None, at: datetime, description: str = "", drawing: Drawing = EMPTY) -> Template:
    """Begin a template with a draft.

    :raises NameTaken, naming.Nameless: another template is called like this; it has no name.
    :raises graphs.NotDrawable: the parts of the drawing do not make a graph.
    """
    with acting(user=by and by.pk):
        return _saved(Template(name=name, description=description, draft=graphs.new(drawing)))


@atomic_with_retries
def edit(*, row: Template, changes: Mapping[str, Any], by: User | None, at: datetime) -> Template:
    """Change the name or the description. :raises NameTaken, naming.Nameless: as for ``create``."""
    row = Template.objects.select_for_update(no_key=True).get(pk=row.pk)
    for name in EDITABLE & changes.keys():
        setattr(row, name, changes[name])
    with acting(user=by and by.pk):
        return _saved(row)


@atomic_with_retries
def draw(*, row: Template, drawing: Drawing, revision: int | None, by: User | None, at: datetime) -> Template:
    """Put ``drawing`` in the place of the draft of this ``revision``; faults are no hindrance, it is a draft.

    :raises IsArchived: bring it back first.
    :raises graphs.DrawnMeanwhile, graphs.NotDrawable: as for ``graphs.redraw``.
    """
    row = _held(row)
    return _redrawn(row, drawing, revision, by)


def faults_of(row: Template) -> list[Fault]:
    """Return everything that would hinder the draft from being published."""
    return faults(graphs.drawing_of(row.draft), surroundings.known())


@atomic_with_retries
def publish(*, row: Template, by: User | None, at: datetime, note: str = "") -> TemplateVersion:
    """Make the draft the next version, which never changes again.

    :raises HasFaults: something is wrong with the graph.
    :raises NothingNew: people would walk it as they walk the last version.
    :raises IsArchived: bring it back first.
    """
    row = _held(row)
    drawing = graphs.drawing_of(row.draft)
    if found := faults(drawing, surroundings.known()):
        raise HasFaults(found)
    last = row.versions.order_by("-number").select_related("graph").first()
    if last and not between(graphs.drawing_of(last.graph), drawing):
        raise NothingNew(f"Nothing has changed since version {last.number}.")
    version = TemplateVersion.objects.create(
        template=row, number=(last.number if last else 0) + 1, graph=graphs.new(drawing, frozen_at=at),
        note=note.strip(), published_at=at, published_by=by,
    )  # fmt: skip
    row.status, row.published_revision = TemplateStatus.PUBLISHED, row.draft.revision
    with acting(user=by and by.pk):
        row.save(update_fields=["status", "published_revision", "updated_at"])
    return version


@atomic_with_retries
def restore(*, version: TemplateVersion, revision: int | None, by: User | None, at: datetime) -> Template:
    """Make the draft of this ``revision`` what it was in ``version``; publishing makes a new version of it.

    :raises IsArchived: bring the template back first.
    :raises graphs.DrawnMeanwhile: somebody has drawn on it since.
    """
    try:
        return draw(row=version.template, drawing=graphs.drawing_of(version.graph), revision=revision, by=by, at=at)
    except graphs.DrawnMeanwhile as refusal:
        now = refusal.facts["revision"]
        raise graphs.DrawnMeanwhile(
            f"Somebody has drawn on the draft since you read it (revision {now}, yours is {revision}), and restoring "
            "would throw that away. Look at what they have drawn, and if it may go, ask for this once more.",
            revision=now,
        ) from refusal


@atomic_with_retries
def clone(*, row: Template, name: str, by: User | None, at: datetime) -> Template:
    """Begin another template with the same draft. :raises NameTaken, naming.Nameless: as for ``create``."""
    drawing = graphs.drawing_of(row.draft)
    return create(name=name, description=row.description, drawing=drawing, by=by, at=at)


@atomic_with_retries
def archive(*, row: Template, by: User | None, at: datetime) -> Template:
    """Let nobody begin a campaign with it any more; what runs goes on."""
    return _moved(row, TemplateStatus.ARCHIVED, by)


@atomic_with_retries
def bring_back(*, row: Template, by: User | None, at: datetime) -> Template:
    """Take a template out of the archive."""
    published = row.versions.exists()
    return _moved(row, TemplateStatus.PUBLISHED if published else TemplateStatus.DRAFT, by)


def differences(old: Graph, new: Graph) -> list[Difference]:
    """Return what makes ``new`` of ``old``."""
    return between(graphs.drawing_of(old), graphs.drawing_of(new))


def _redrawn(row: Template, drawing: Drawing, revision: int | None, by: User | None) -> Template:
    was = graphs.drawing_of(row.draft)
    row.draft = graphs.redraw(graph=row.draft, drawing=drawing, revision=revision)
    drawn.tell(row=row, was=was, now=drawing, by=by)
    return row


def _held(row: Template) -> Template:
    row = Template.objects.select_for_update(no_key=True, of=("self",)).select_related("draft").get(pk=row.pk)
    if row.status == TemplateStatus.ARCHIVED:
        raise IsArchived(f"{row.name} is archived. Bring it back first.")
    return row


def _moved(row: Template, status: TemplateStatus, by: User | None) -> Template:
    row = Template.objects.select_for_update(no_key=True).get(pk=row.pk)
    row.status = status
    with acting(user=by and by.pk):
        row.save(update_fields=["status", "updated_at"])
    return row


def _saved(row: Template) -> Template:
    row.name = named(row.name, what="template")
    save_once(
        row,
        constraint="campaigns_template_one_per_name",
        taken=NameTaken(f"There is a template {row.name!r} already.", details={"name": "Taken."}),
    )
    return row
