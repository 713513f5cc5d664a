"""What happened to a contact, in a project or between the two, newest first, from every source there is.

Apps above add what they know through ``timeline_sources``: crm does not know them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from django.db.models.fields.json import KT

from config.kernel.errors import NotThere
from crm.choices import Channel, Operation
from crm.models import AuditEvent, Consent, Contact, ContactPoint, Project, ProjectContact, Suppression, Touch, User
from crm.reports import audit
from crm.reports.audit import Change, FieldChange, Place, earlier

LIFTED: Final = "/lifted"  # ends the keys of what a suppression tells a second time
PARTS: Final = 200  # pairs of a project whose changes are shown: those that changed last

_VERBS: Final = {Operation.CREATE: "added", Operation.UPDATE: "changed", Operation.DELETE: "removed"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. ``kind`` is for icons: created, changed, removed, touch, consent, suppressed, lifted.

    ``entity`` and ``entity_id`` say which row it is about; one that is gone has no id. ``key`` makes the order total:
    the id of a row as text, with a suffix where the same row tells of another moment too.
    """

    at: datetime
    key: str
    kind: str
    title: str
    text: str = ""
    by: str = ""
    entity: str = ""
    entity_id: UUID | None = None
    changes: tuple[FieldChange, ...] = ()

    @property
    def place(self) -> Place:
        return self.at, self.key


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose timeline it is: a contact, a project, or both for the pair."""

    contact: Contact | None = None
    project: Project | None = None
    pair: ProjectContact | None = None


class TimelineSource(Protocol):
    def __call__(self, subject: Subject, *, user: User, limit: int, before: Place | None) -> Iterable[Entry]:
        """Return the newest ``limit`` entries which ``user`` may see, from that place on (``audit.earlier``)."""
        ...


@dataclass(slots=True)
class _Registry:
    sources: list[TimelineSource] = field(default_factory=list)
    told: set[str] = field(default_factory=set)


_registry = _Registry()


def timeline_sources(*new: TimelineSource, tells: Iterable[str] = ()) -> Sequence[TimelineSource]:
    """Add sources once, when an app gets ready, and return all there are.

    ``tells`` names the sources of touches ("calls.callsession") that the new ones tell of in more detail: the bare
    touches are left out then.
    """
    _registry.sources.extend(source for source in new if source not in _registry.sources)
    _registry.told.update(tells)
    return tuple(_registry.sources)


def timeline(
    *,
    user: User,
    contact: Contact | None = None,
    project: Project | None = None,
    pair: ProjectContact | None = None,
    limit: int = 50,
    before: Place | None = None,
) -> list[Entry]:
    """Return what happened, newest first; ``before`` is the ``place`` of the last entry of the page before.

    Rows that ``user`` does not see do not appear, and their names are withheld.

    :raises NotThere: ``user`` does not see the subject.
    :raises ValueError: not exactly one subject was named.
    """
    subject = _subject(contact, project, pair, user)
    found = [
        entry
        for source in timeline_sources()
        for entry in source(subject, user=user, limit=limit, before=before)
        if before is None or entry.place < before
    ]
    found.sort(key=lambda entry: entry.place, reverse=True)
    return found[:limit]


def _subject(contact: Contact | None, project: Project | None, pair: ProjectContact | None, user: User) -> Subject:
    named = [row for row in (contact, project, pair) if row is not None]
    if len(named) != 1:
        raise ValueError("A timeline is of one contact, of one project or of one pair.")
    if not type(named[0]).objects.visible_to(user).filter(pk=named[0].pk).exists():
        raise NotThere(f"There is no such {named[0]._meta.verbose_name}.")
    return Subject(pair.contact, pair.project, pair) if pair else Subject(contact, project)


def changed(subject: Subject, *, user: User, limit: int, before: Place | None) -> Iterable[Entry]:
    """Changes of the rows themselves and of what belongs to them or did, and births that were never written down.

    Of people put into a project in bulk the project's own timeline says nothing: they stand on its page.
    """
    mine, pairs, lost = _rows_of(subject, user)
    events = audit.newest(AuditEvent.objects.filter(entity_id__in=mine | pairs | lost), limit=limit, before=before)
    if subject.contact:
        gone = AuditEvent.objects.annotate(whose=KT("old__contact_id")).filter(
            operation=Operation.DELETE, whose=str(subject.contact.pk)
        )
        known = {event.pk for event in events}
        events += [event for event in audit.newest(gone, limit=limit, before=before) if event.pk not in known]
    bulk = mine | lost | (pairs if subject.contact else set())
    told = [*audit.in_words(events, user=user), *audit.births(bulk, user=user, limit=limit, before=before)]
    yield from (_changed(change, is_gone=change.entity_id in lost) for change in told)


def _rows_of(subject: Subject, user: User) -> tuple[set[UUID], set[UUID], set[UUID]]:
    """Return the ids of the subject with its points, of its parts in projects, and of points it lost."""
    mine: set[UUID] = {row.pk for row in (subject.contact, subject.project, subject.pair) if row is not None}
    pairs, lost = set[UUID](), set[UUID]()
    if subject.contact:
        mine.update(ContactPoint.objects.filter(contact=subject.contact).values_list("pk", flat=True))
        lost = audit.lost_points(subject.contact)
    if subject.pair is None:
        whose = {"contact": subject.contact} if subject.contact else {"project": subject.project}
        seen = ProjectContact.objects.visible_to(user).filter(**whose).order_by("-updated_at")
        pairs.update(seen.values_list("pk", flat=True)[:PARTS])
    return mine, pairs, lost


def _changed(change: Change, *, is_gone: bool) -> Entry:
    kind = {Operation.CREATE: "created", Operation.UPDATE: "changed", Operation.DELETE: "removed"}[change.operation]
    shown = change.fields if change.operation is Operation.UPDATE else ()
    title = f"{change.what} {_VERBS[change.operation]}"
    if shown:
        title += ": " + ", ".join(each.label.lower() for each in shown)
    text = "" if change.by else change.service.partition(", record ")[0]
    entity_id = None if is_gone else change.entity_id
    return Entry(change.at, change.key, kind, title, text, change.by, change.entity, entity_id, change.fields)


def touched(subject: Subject, *, user: User, limit: int, before: Place | None) -> Iterable[Entry]:
    """Outbound attempts that no other source tells of."""
    touches = Touch.objects.visible_to(user).exclude(source__in=_registry.told)
    touches = touches.filter(contact=subject.contact) if subject.contact else touches.filter(project=subject.project)
    rows = touches.filter(earlier(before)).select_related("user", "endpoint").order_by("-at", "-id")
    for row in rows[:limit]:
        where = f" to {row.endpoint}" if row.endpoint else ""
        text = "" if row.counts else "It was never made, so it does not count."
        title = f"{Channel(row.channel).label}{where}"
        yield Entry(row.at, str(row.pk), "touch", title, text, str(row.user or ""), "crm.touch", row.pk)


def consented(subject: Subject, *, user: User, limit: int, before: Place | None) -> Iterable[Entry]:
    if subject.contact is None:
        return
    rows = Consent.objects.filter(earlier(before), contact=subject.contact).select_related("by").order_by("-at", "-id")
    for row in rows[:limit]:
        for_what = Channel(row.channel).label if row.channel else "every channel"
        title = f"Consent {row.get_kind_display().lower()} for {for_what}"
        text = ". ".join(part for part in (row.evidence, row.source) if part)
        yield Entry(row.at, str(row.pk), "consent", title, text, str(row.by or ""), "crm.consent", row.pk)


def suppressed(subject: Subject, *, user: User, limit: int, before: Place | None) -> Iterable[Entry]:
    """Suppressions of the contact's lines, and their lifting."""
    if subject.contact is None:
        return
    lines = ContactPoint.objects.filter(contact=subject.contact, endpoint__isnull=False).values("endpoint")
    rows = Suppression.objects.filter(endpoint__in=lines).select_related("endpoint", "by", "lifted_by")
    for row in rows.filter(earlier(before)).order_by("-at", "-id")[:limit]:
        title = f"{row.endpoint} suppressed{_on(row)}: {row.get_reason_display()}"
        text = ". ".join(part for part in (row.words, row.source) if part)
        yield Entry(row.at, str(row.pk), "suppressed", title, text, str(row.by or ""), "crm.suppression", row.pk)
    lifted = rows.filter(earlier(before, moment="lifted_at", suffix=LIFTED), lifted_at__isnull=False)
    for row in lifted.order_by("-lifted_at", "-id")[:limit]:
        title, by = f"Suppression of {row.endpoint}{_on(row)} lifted", str(row.lifted_by or "")
        yield Entry(
            row.lifted_at or row.at,
            f"{row.pk}{LIFTED}",
            "lifted",
            title,
            row.lift_reason,
            by,
            "crm.suppression",
            row.pk,
        )


def _on(row: Suppression) -> str:
    return f" for {Channel(row.channel).label}" if row.channel else ""


timeline_sources(changed, touched, consented, suppressed)
