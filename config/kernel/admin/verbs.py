"""What a person may do to rows beside editing them. A verb is asked for on the page of a row or for many in a list; it
always says how many rows it means before it does anything, and it always ends in a service."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import helpers
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from config.kernel import clock
from config.kernel.errors import DomainError

MOST_ROWS = 500  # at a time: more would take longer than a person waits for a page
SHOWN = 8  # names on the page that asks


class Question(forms.Form):
    """What else has to be said before a verb can be done; nothing, unless a verb's own form asks more."""

    def __init__(self, data: Any = None, *, row: Any = None, user: Any = None) -> None:
        super().__init__(data, label_suffix="")
        self.row, self.user = row, user
        for field in self.fields.values():
            field.widget.attrs.setdefault("class", "cl-input")


@dataclass(frozen=True)
class Verb:
    """``do(row, by=, at=, **answers)`` is called for each row; the service behind it opens its own transaction.

    ``effect`` tells a person what will happen; ``done`` completes "37 contacts ..."; ``still`` says of the rows it was
    done to what is left to do, if anything is. ``hindrance(row, user)`` says why it cannot be done to this row now: its
    button is there, and says so.
    """

    name: str
    label: str
    permission: str
    do: Callable[..., Any]
    effect: str
    done: str
    icon: str = "bolt"
    form: type[Question] = Question
    applies: Callable[[Any], bool] = lambda row: True
    in_lists: bool = True
    on_page: bool = True
    grave: bool = False
    still: Callable[[Sequence[Any]], str] = lambda rows: ""
    hindrance: Callable[[Any, Any], str] = lambda row, user: ""


_extras: dict[str, list[Verb]] = defaultdict(list)


def add_verb(label: str, verb: Verb) -> None:
    """Let an app above offer ``verb`` for the rows of a model below it ("crm.contact"), which does not know it."""
    _extras[label].append(verb)


@dataclass
class Tally:
    """What came of a verb: the rows it was done to, and why not to the others."""

    done: list[Any]
    refusals: Counter[str]


def perform(verb: Verb, rows: Sequence[Any], *, by: Any, answers: dict[str, Any]) -> Tally:
    """Do ``verb`` to each of ``rows``; a refusal leaves that row as it was and stops nobody else."""
    tally, at = Tally([], Counter()), clock.now()
    for row in rows:
        try:
            verb.do(row, by=by, at=at, **answers)
        except DomainError as refusal:
            tally.refusals[str(refusal)] += 1
        else:
            tally.done.append(row)
    return tally


class VerbsMixin:
    """Offers ``verbs`` as actions of the list and as buttons of the page; knows no other action."""

    verbs: Sequence[Verb] = ()
    model: Any
    opts: Any
    admin_site: Any
    header: Any  # of the page of a row

    def all_verbs(self) -> list[Verb]:
        return [*self.verbs, *_extras[self.opts.label_lower]]

    def allowed_verbs(self, request: HttpRequest) -> list[Verb]:
        return [verb for verb in self.all_verbs() if request.user.has_perm(verb.permission)]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        offered = [verb for verb in self.allowed_verbs(request) if verb.in_lists]
        return {verb.name: (_action(verb), verb.name, verb.label) for verb in offered}

    def offered_on(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        """The buttons of ``row``'s page."""
        verbs = [verb for verb in self.allowed_verbs(request) if verb.on_page and verb.applies(row)]
        verbs.sort(key=lambda verb: (verb.grave, verb.name == "delete"))
        return [
            {"verb": verb, "url": self.verb_url(verb, row), "why_not": verb.hindrance(row, request.user)}
            for verb in verbs
        ]

    def verb_url(self, verb: Verb, row: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_do", args=[row.pk, verb.name])

    def verb_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_do"
        return [path("<path:object_id>/do/<slug:name>/", self.admin_site.admin_view(self.verb_view), name=name)]

    def verb_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Ask whether to do it to this one row, then do it."""
        verb = next((verb for verb in self.all_verbs() if verb.name == name and verb.on_page), None)
        row = self.get_object(request, object_id)  # type: ignore[attr-defined]  # of the ModelAdmin beside us
        if verb is None or row is None:
            raise Http404("There is no such page.")
        if verb not in self.allowed_verbs(request):
            raise PermissionDenied
        back = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])
        return self._ask_and_do(request, verb, [row], back=back, on_page=True)

    def ask_about(self, request: HttpRequest, verb: Verb, rows: Any) -> HttpResponse | None:
        """Ask whether to do it to the rows that were ticked in a list, then do it."""
        chosen = list(rows.order_by("pk")[: MOST_ROWS + 1])
        if len(chosen) > MOST_ROWS:
            messages.error(request, f"That is more than {MOST_ROWS} rows: narrow the list first. Nothing was done.")
            return None
        return self._ask_and_do(request, verb, chosen, back=request.get_full_path(), on_page=False)

    def _ask_and_do(
        self, request: HttpRequest, verb: Verb, rows: list[Any], *, back: str, on_page: bool
    ) -> HttpResponse:
        answered = request.method == "POST" and (on_page or "confirmed" in request.POST)
        one = rows[0] if on_page else None
        form = verb.form(request.POST if answered else None, row=one, user=request.user)
        if answered and form.is_valid():
            tally = perform(verb, rows, by=request.user, answers=form.cleaned_data)
            self._tell(request, verb, tally)
            if getattr(request, "htmx", False):
                return HttpResponse(headers={"HX-Redirect": back})
            return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts, "original": one, "called": self.header(request, one).name if one else "",
            "title": verb.label, "verb": verb, "form": form, "back": back,
            "rows": rows[:SHOWN], "others": max(0, len(rows) - SHOWN), "counted": self.counted(len(rows)),
            "on_page": on_page, "row_keys": [str(row.pk) for row in rows], "checkbox": helpers.ACTION_CHECKBOX_NAME,
        }  # fmt: skip
        return TemplateResponse(request, "admin/verb.html", context)

    def counted(self, rows: int) -> str:
        """How many rows, with their name: "1 contact", "37 contacts"."""
        return f"{rows:,} {self.opts.verbose_name if rows == 1 else self.opts.verbose_name_plural}"

    def _tell(self, request: HttpRequest, verb: Verb, tally: Tally) -> None:
        if tally.done:
            messages.success(request, f"{self.counted(len(tally.done))} {verb.done}.")
            if left := verb.still(tally.done):
                messages.warning(request, left)
        for refusal, times in tally.refusals.most_common(5):
            messages.warning(request, f"{self.counted(times)} left as before: {refusal}" if times > 1 else refusal)
        if len(tally.refusals) > 5:
            messages.warning(request, f"{sum(tally.refusals.values()):,} rows were refused in all.")


def _action(verb: Verb) -> Callable[..., HttpResponse | None]:
    def act(model_admin: Any, request: HttpRequest, rows: Any) -> HttpResponse | None:
        response: HttpResponse | None = model_admin.ask_about(request, verb, rows)
        return response

    act.short_description = verb.label  # type: ignore[attr-defined]  # how Django names an action
    return act
