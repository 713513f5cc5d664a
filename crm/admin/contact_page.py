"""The page of a person: whether and how they can be reached first, what was and what comes next, then the rest."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from config.kernel import clock
from config.kernel.admin import cells
from config.kernel.admin.pages import Header, Section
from config.kernel.admin.scope import visible
from crm.admin import clocks, phrases, timelines
from crm.models import Contact, ContactPoint, ProjectContact
from crm.services import quality


def header(row: Contact) -> Header:
    work = " · ".join(part for part in (row.title, row.department) if part)
    first = _primary(row)
    return Header(
        title=str(row),
        subtitle=work or "No job title",
        badges=[*phrases.flags(row), cells.badge(row.get_lifecycle_display(), "info"), *phrases.urgency(row)],
        facts=[
            ("Company", cells.link(row.company)),
            ("Phone", phrases.phone(row.primary_phone)),
            ("E-mail", row.primary_email or cells.NOTHING),
            ("Their time now", clocks.local_times(first.endpoint.hours_profile if first and first.endpoint else None)),
            ("Owner", row.owner or cells.badge("Nobody", "plain")),
            ("Record", phrases.quality(quality.score(row).score)),
        ],
    )


def _primary(row: Contact) -> ContactPoint | None:
    found = row.points.filter(kind="phone", is_primary=True).select_related("endpoint__hours_profile")
    return found.first()


def sections(request: HttpRequest, row: Contact) -> Iterator[Section]:
    yield _points(row)
    yield _projects(request, row)
    yield timelines.section(row, user=request.user)
    yield from _notes(row)
    yield _quality(row)
    yield _details(row)
    yield from _elsewhere(row)


def _points(row: Contact) -> Section:
    now = clock.now()
    points = row.points.select_related("endpoint__hours_profile").order_by("kind", "-is_primary", "id")
    return Section(
        title="Numbers and addresses",
        place=10,
        headers=["Reach", "State", "Their time", "Verified", ""],
        rows=[_point(point, now) for point in points],
        empty="Nobody knows how to reach them. Add a number or an address.",
    )


def _point(point: ContactPoint, now: Any) -> list[Any]:
    kind = point.get_kind_display()
    if point.endpoint and point.kind == "phone":
        line = point.endpoint.get_line_type_display()
        kind = kind if line == "Unknown" else line
    marks = [cells.yes(point.is_primary, "Primary", "info"), cells.yes(bool(point.label), point.label, "plain")]
    return [
        cells.lines([cells.badges(_reach(point), *marks), cells.soft(kind)]),
        phrases.point_states(point, now=now) if point.endpoint else cells.NOTHING,
        clocks.local_times(point.endpoint.hours_profile) if point.endpoint and point.kind == "phone" else cells.NOTHING,
        cells.moment(point.verified_at),
        cells.link(point, "Actions"),
    ]  # fmt: skip


def _reach(point: ContactPoint) -> Any:
    if point.endpoint is None:
        return phrases.page(point.value_given) if point.kind == "social" else str(point)
    shown = phrases.phone(point.endpoint.value) if point.kind == "phone" else point.endpoint.value
    link = cells.link(point.endpoint, shown)
    return cells.badges(link, f"ext. {point.extension}") if point.extension else link


def _projects(request: HttpRequest, row: Contact) -> Section:
    pairs = visible(ProjectContact.objects.filter(contact=row), request.user)
    found = list(pairs.select_related("project").order_by("-id")[:21])
    return Section(
        title="Projects",
        place=20,
        headers=["Project", "Part in it", "Priority", "Last touch", "Callback", ""],
        rows=[_pair(pair) for pair in found[:20]],
        empty="They are in no project, so nobody will be offered them to call.",
        more_url=_list("projectcontact", contact=row.pk) if len(found) > 20 else _put_in(request, row),
        more="See all" if len(found) > 20 else "Put in a project",
    )


def _put_in(request: HttpRequest, row: Contact) -> str:
    may = request.user.has_perm("crm.add_projectcontact") and row.deleted_at is None
    return f"{reverse('admin:crm_projectcontact_add')}?contact={row.pk}" if may else ""


def _pair(pair: ProjectContact) -> list[Any]:
    return [
        cells.link(pair.project),
        cells.badges(phrases.roles(pair), cells.yes(pair.suppress_for_project, "Not in this project", "bad")),
        phrases.priority(pair),
        cells.moment(pair.last_touch_at),
        cells.exact(pair.callback_at),
        cells.link(pair, "Open"),
    ]  # fmt: skip


def _notes(row: Contact) -> Iterator[Section]:
    others = list(row.other_names.order_by("-times")[:10])
    if others:
        yield Section(
            title="Also listed as",
            text=", ".join(f"{other.name} ({other.times} times)" for other in others),
            note="on their line, in other records",
        )


def _quality(row: Contact) -> Section:
    found = quality.score(row)
    missing = cells.lines([f"Missing: {words}" for words in found.missing]) if found.missing else "Nothing is missing."
    return Section(title="Record", note=f"{found.score}% complete", text=missing, aside=True)


def _details(row: Contact) -> Section:
    chance, ids = row.conversion_probability, [row.contact_id, *row.aliases.values_list("value", flat=True)]
    return Section(
        title="Details",
        aside=True,
        facts=[
            ("Address", row.address_line or cells.NOTHING),
            ("Seniority", row.seniority or cells.NOTHING),
            ("Stated time zone", row.time_zone or cells.NOTHING),
            ("Prefers", row.get_preferred_channel_display() or cells.NOTHING),
            ("Consent", cells.moment(row.consent_at) if row.consent_given else "None on record"),
            ("Lead score", cells.number(row.lead_score)),
            ("Chance to convert", cells.NOTHING if chance is None else f"{chance:.0%}"),
            ("Id elsewhere", cells.lines([one for one in ids if one])),
            ("Source", row.source or cells.NOTHING),
            ("Added", cells.moment(row.created_at)),
            ("Changed", cells.moment(row.updated_at)),
        ],
    )  # fmt: skip


def _elsewhere(row: Contact) -> Iterator[Section]:
    if row.profiles:
        facts = [(network, phrases.page(str(url))) for network, url in row.profiles.items()]
        yield Section(title="Profiles", aside=True, facts=facts)
    if row.attributes:
        facts = [(name.replace("_", " "), phrases.worded(value)) for name, value in list(row.attributes.items())[:40]]
        yield Section(title="From the source", aside=True, facts=facts)


def _list(model: str, **asked: Any) -> str:
    asks = "&".join(f"{name}={value}" for name, value in asked.items())
    return f"{reverse(f'admin:crm_{model}_changelist')}?{asks}"
