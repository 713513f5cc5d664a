"""What Ctrl+K finds: people, companies and projects by a few words, anybody by a whole number or address."""

from collections.abc import Iterator
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.dataclasses import SearchResult

from config.kernel import clock
from config.kernel.admin import search
from config.kernel.admin.patience import TooBroad, patient
from config.kernel.admin.scope import visible
from crm.admin.contacts import reached_by
from crm.models import Company, Contact, Project

EACH = 6  # of each kind: enough to see whether more words are needed


def view(request: HttpRequest) -> HttpResponse:
    """Answer the search box. The theme's own view would remember its answers for five minutes: whoever was just added
    could not be found."""
    text, began = request.GET.get("s", "").strip(), clock.monotonic()
    if not text:
        return HttpResponse()
    pages = Paginator(find(request, text), EACH * 3)
    context = {
        "results": pages.page(1), "page_obj": pages, "page_counter": 0, "command_show_history": False,
        "execution_time": clock.monotonic() - began,
    }  # fmt: skip
    return TemplateResponse(request, "unfold/helpers/command_results.html", context, headers={"HX-Trigger": "search"})


def find(request: HttpRequest, text: str) -> list[SearchResult]:
    """Return the newest few of each kind that ``request.user`` may see and that have every word of ``text``."""
    if not search.words(text):
        return []
    try:
        with patient(1.0):
            return list(_found(request.user, text))
    except TooBroad:
        return []


def people(user: Any, text: str) -> list[Contact]:
    """Return the newest few contacts whom ``user`` may see, that have every word of ``text`` or are reached by it."""
    if not (search.words(text) and user.has_perm("crm.view_contact")):
        return []
    meant = reached_by(text) or search.containing(text, model=Contact)
    seen = visible(Contact.objects.filter(meant, deleted_at=None), user)
    return list(seen.select_related("company", "owner").order_by("-pk")[:EACH])


def described(person: Contact) -> str:
    return " · ".join(part for part in (person.title, str(person.company or "")) if part)


def _found(user: Any, text: str) -> Iterator[SearchResult]:
    for one in people(user, text):
        yield _result(one, described(one) or "Contact", "person")
    if user.has_perm("crm.view_project"):
        words = search.containing(text, model=Project)
        for project in visible(Project.objects.filter(words, deleted_at=None), user).order_by("-pk")[:EACH]:
            yield _result(project, f"Project {project.project_id}", "domain")
    if user.has_perm("crm.view_company"):
        words = search.containing(text, model=Company)
        for company in visible(Company.objects.filter(words), user).order_by("-pk")[:EACH]:
            yield _result(company, f"Company {company.city}".strip(), "apartment")


def _result(row: Any, said: str, icon: str) -> SearchResult:
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return SearchResult(title=str(row), description=said, link=url, icon=icon)
