from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from config.kernel import clock
from config.kernel.admin import cells, filters
from config.kernel.admin.pages import Header, Section
from config.kernel.admin.scope import shown, visible
from crm.admin import clocks, phrases, verbs
from crm.admin.base import RecordAdmin
from crm.choices import LineType
from crm.models import ContactPoint, Endpoint, HoursProfile, Suppression, Touch
from crm.services.normalization.emails import find_email
from crm.services.normalization.phones import find_phone


def written_as(text: str) -> Q:
    """A number or an address is found as a whole, however it is written."""
    number, address = find_phone(text), find_email(text)
    return Q(value__in=[text.strip().casefold(), *filter(None, [number and number.e164, address])])


@admin.register(Endpoint)
class EndpointAdmin(RecordAdmin):
    """Phone lines and mailboxes, whoever uses them: suppressed and capped as a whole, and never deleted."""

    empty_hint = "Numbers and addresses come with people."
    list_display = ["shown_value", "kind", "shown_type", "shown_whose", "shown_state", "shown_profile", "shown_age"]
    list_filter = [
        filters.Choice.of("kind"),
        filters.Given.of("suppressed_at", "suppressed"),
        filters.Born.of("id", "Added"),
    ]
    list_select_related = ["owner", "hours_profile"]
    linked_by = ("hours_profile",)
    search_exactly = staticmethod(written_as)
    search_fields = ["value"]
    search_help_text = "A whole number or e-mail address"
    sortable_by = ["shown_age"]
    symbol = "dialpad"
    verbs = [verbs.SUPPRESS_ENDPOINT, verbs.REST]
    views = [("All", {}), ("Suppressed", {"suppressed_at": "yes"}), ("E-mail", {"kind": "email"})]

    @display(description="Number or e-mail")
    def shown_value(self, row: Endpoint) -> Any:
        return phrases.reach(row)

    @display(description="Line type")
    def shown_type(self, row: Endpoint) -> str:
        return row.get_line_type_display() if row.kind == "phone" else ""

    @display(description="Whose")
    def shown_whose(self, row: Endpoint) -> Any:
        return row.owner

    @display(description="State")
    def shown_state(self, row: Endpoint) -> SafeString:
        return _state(row)

    @display(description="Where it may ring")
    def shown_profile(self, row: Endpoint) -> Any:
        if row.kind != "phone":
            return ""
        cities = [clocks.city(zone) for zone in clocks.zones(row.hours_profile)]
        return ", ".join(cities[:3]) + (f" and {len(cities) - 3} more" if len(cities) > 3 else "")

    @display(description="Added", ordering="pk")
    def shown_age(self, row: Endpoint) -> SafeString:
        return cells.moment(row.created_at)

    def header(self, request: HttpRequest, row: Endpoint) -> Header:
        kind_of_line = "" if row.line_type == LineType.UNKNOWN else self.shown_type(row)
        by_phone = [
            ("Their time now", clocks.local_times(row.hours_profile)),
            ("Rests until", cells.exact(row.failed_until)),
        ]
        return Header(
            title=self.shown_value(row),
            subtitle=" · ".join(part for part in (row.get_kind_display(), kind_of_line) if part),
            badges=[_state(row)],
            facts=[
                ("Whose", cells.link(shown(row.owner, request.user))),
                *(by_phone if row.kind == "phone" else []),
                ("Suppressed", cells.moment(row.suppressed_at)),
                ("Added", cells.moment(row.created_at)),
            ],
        )

    def sections(self, request: HttpRequest, row: Endpoint) -> Iterable[Section]:
        yield users_of(request, row)
        yield suppressions_of(row)
        yield _touches(request, row)
        if row.kind == "phone":
            places = clocks.places(row.hours_profile) if row.hours_profile and row.hours_profile.key else []
            yield Section(
                title="Where it may ring",
                aside=True,
                text=cells.lines(places) if places else "",
                empty="Nobody knows, so it is never called.",
                note="every place must allow the call",
            )


def _state(row: Endpoint) -> SafeString:
    found = phrases.endpoint_states(row, now=clock.now())
    return cells.badges(*found) if found else cells.badge("Good", "good")


def users_of(request: HttpRequest, row: Endpoint) -> Section:
    """Everybody whom the number or address reaches, as far as one sees them."""
    points = visible(ContactPoint.objects.filter(endpoint=row), request.user).select_related("contact__company")
    found = list(points.order_by("-is_primary", "id")[:50])
    return Section(
        title="Who uses it",
        place=10,
        headers=["Person", "Company", "For them", "State", ""],
        rows=[
            [cells.badges(cells.link(point.contact), *phrases.flags(point.contact)), cells.link(point.contact.company),
             cells.badges(cells.yes(point.is_primary, "Primary", "info"), point.label),
             phrases.point_states(point, now=clock.now()), cells.link(point, "Actions")]
            for point in found
        ],
        empty="Nobody you may see.",
    )  # fmt: skip


def suppressions_of(row: Endpoint) -> Section:
    """Who asked us to leave it alone, and when that was lifted."""
    found = Suppression.objects.filter(endpoint=row).select_related("by").order_by("-id")[:20]
    return Section(
        title="Suppressions",
        place=20,
        headers=["Since", "Reason", "Channel", "In their words", "By", "Lifted"],
        rows=[
            [cells.link(one, cells.exact(one.at)), one.get_reason_display(), one.get_channel_display() or "All",
             one.words or cells.NOTHING, one.by or one.source, cells.exact(one.lifted_at)]
            for one in found
        ],
        empty="Nobody asked us to leave it alone.",
    )  # fmt: skip


def _touches(request: HttpRequest, row: Endpoint) -> Section:
    touches = visible(Touch.objects.filter(endpoint=row), request.user).select_related("contact", "user", "project")
    return Section(
        title="Touches",
        place=30,
        note="what caps and cooldowns count",
        headers=["When", "Channel", "Person", "Project", "By", "Counts"],
        rows=[
            [cells.exact(one.at), one.get_channel_display(), cells.link(one.contact),
             cells.link(shown(one.project, request.user)), one.user or one.source, "Yes" if one.counts else "No"]
            for one in touches.order_by("-at", "-id")[:20]
        ],
        empty="Nobody has used it.",
    )  # fmt: skip


@admin.register(HoursProfile)
class HoursProfileAdmin(RecordAdmin):
    """The sets of places that lines may ring in; a few hundred, made by intake."""

    audited = False
    empty_hint = "They are made with the first numbers."
    list_display = ["shown_places", "shown_clock"]
    ordering = ["key"]
    shared = True
    symbol = "schedule"

    @display(description="Places")
    def shown_places(self, row: HoursProfile) -> str:
        places = clocks.places(row) or ["Unknown place"]
        return ", ".join(places[:4]) + (f" and {len(places) - 4} more" if len(places) > 4 else "")

    @display(description="Time now")
    def shown_clock(self, row: HoursProfile) -> SafeString:
        return clocks.local_times(row)

    def header(self, request: HttpRequest, row: HoursProfile) -> Header:
        return Header(title=self.shown_places(row), subtitle="Every place must allow the call")

    def sections(self, request: HttpRequest, row: HoursProfile) -> Iterable[Section]:
        yield Section(title="Places", text=cells.lines(clocks.places(row)) if row.key else "", empty="Unknown place.")
