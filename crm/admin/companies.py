from collections.abc import Iterable, Iterator

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import display

from config.kernel.admin import cells, filters
from config.kernel.admin.pages import Header, Section
from config.kernel.admin.scope import visible
from crm.admin import phrases
from crm.admin.base import RecordAdmin
from crm.models import Company, Contact
from crm.services import editing


def known_by(text: str) -> Q | None:
    """A domain typed in full is looked up, not searched."""
    word = text.strip().casefold()
    return Q(domain=word) if "." in word and " " not in word and Company.objects.filter(domain=word).exists() else None


@admin.register(Company)
class CompanyAdmin(RecordAdmin):
    """Organizations. Everybody sees all of them; of their people, everybody sees their own."""

    changed_by = staticmethod(editing.edit)
    created_by = staticmethod(editing.create_company)
    empty_hint = "Companies come with the people of a file, or are created by hand."
    fieldsets = [
        (None, {"fields": ["name", ("domain", "website"), ("industry", "employees"), ("annual_revenue", "phone")]}),
        ("Where it is", {"fields": ["street", ("city", "region"), ("postal_code", "country")]}),
        ("More", {"fields": ["technologies", "keywords", "profiles", "attributes"]}),
    ]
    add_fieldsets = [(None, {"fields": ["external_id"]}), *fieldsets]
    list_display = ["name", "industry", "shown_place", "domain", "employees", "shown_age"]
    list_filter = [filters.Born.of("id", "Added")]
    search_exactly = staticmethod(known_by)
    search_fields = ["search"]
    search_help_text = "Name, domain or city"
    sortable_by = ["name", "shown_age"]
    symbol = "apartment"

    @display(description="Place")
    def shown_place(self, row: Company) -> str:
        return ", ".join(part for part in (row.city, row.region) if part)

    @display(description="Added", ordering="pk")
    def shown_age(self, row: Company) -> SafeString:
        return cells.moment(row.created_at)

    def header(self, request: HttpRequest, row: Company) -> Header:
        return Header(
            title=row.name,
            subtitle=row.industry or "No industry",
            facts=[
                ("Domain", row.domain or cells.NOTHING),
                ("Website", phrases.page(row.website)),
                ("Phone", phrases.phone(row.phone)),
                ("Employees", cells.number(row.employees)),
                ("Revenue", cells.number(row.annual_revenue)),
                ("Place", row.address_line or cells.NOTHING),
            ],
        )

    def sections(self, request: HttpRequest, row: Company) -> Iterable[Section]:
        yield _people(request, row)
        yield Section(
            title="Details",
            aside=True,
            facts=[
                ("Id elsewhere", row.external_id or cells.NOTHING),
                ("Technologies", ", ".join(row.technologies) or cells.NOTHING),
                ("Keywords", ", ".join(row.keywords) or cells.NOTHING),
                ("Source", row.source or cells.NOTHING),
                ("Added", cells.moment(row.created_at)),
                ("Changed", cells.moment(row.updated_at)),
            ],
        )
        yield from _elsewhere(row)


def _people(request: HttpRequest, row: Company) -> Section:
    people = visible(Contact.objects.filter(company=row, deleted_at=None), request.user)
    found = list(people.select_related("owner").order_by("-id")[:26])
    return Section(
        title="People",
        headers=["Name", "Title", "Phone", "Stage", "Owner"],
        rows=[
            [cells.badges(cells.link(one), *phrases.flags(one)), one.title or cells.NOTHING,
             phrases.phone(one.primary_phone), phrases.lifecycle(one), one.owner or cells.NOTHING]
            for one in found[:25]
        ],
        empty="Nobody you may see works here.",
        more_url=f"{reverse('admin:crm_contact_changelist')}?company={row.pk}" if len(found) > 25 else "",
    )  # fmt: skip


def _elsewhere(row: Company) -> Iterator[Section]:
    if row.profiles:
        yield Section(title="Profiles", aside=True, facts=[(n, phrases.page(str(u))) for n, u in row.profiles.items()])
    if row.attributes:
        facts = [(name.replace("_", " "), phrases.worded(value)) for name, value in list(row.attributes.items())[:40]]
        yield Section(title="From the source", aside=True, facts=facts)
