"""Lists that cost the same at a million rows: a page is n+1 rows, a count stops at 10,001, depth ends at 10,000."""

from functools import cached_property
from typing import Any

from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst
from unfold.views import ChangeList

from config.kernel.admin import search, sidebar
from config.kernel.admin.patience import TooBroad, patient
from config.kernel.admin.scope import visible

DEEPEST = 10_000  # rows that may be skipped; whoever looks further has not said what they look for
MOST = 10_001  # where counting stops; shown as "10,000+"
SEARCHED = 1_000  # rows that a search collects before it puts them in order; whoever finds more has said too little
COUNTING = 0.15  # seconds that the count of a page may take; a page is worth more than its count


def count_up_to(rows: QuerySet[Any], most: int = MOST) -> int | None:
    """Return how many ``rows`` there are, at most ``most``; None where even that would take too long."""
    try:
        with patient(COUNTING):
            return rows.order_by().values("pk")[:most].count()
    except TooBroad:
        return None


class ShortPage(Page):
    """A page that knows whether another follows without counting: one row more than is shown was fetched."""

    def __init__(self, rows: list[Any], number: int, paginator: "ShortPages") -> None:
        super().__init__(rows[: paginator.per_page], number, paginator)
        self.more = len(rows) > paginator.per_page

    def has_next(self) -> bool:
        return self.more


class ShortPages(Paginator):
    """Pages without a count, for lists and for choices that are loaded while one types."""

    count = 0  # nobody may count: whoever needs a number asks count_up_to

    def validate_number(self, number: Any) -> int:
        try:
            return max(1, int(number))
        except (TypeError, ValueError):
            return 1

    def page(self, number: Any) -> ShortPage:
        page = self.validate_number(number)
        skipped = (page - 1) * self.per_page
        if skipped > DEEPEST:
            return ShortPage([], page, self)
        return ShortPage(list(self.object_list[skipped : skipped + self.per_page + 1]), page, self)


class Listing(ChangeList):
    """A change list whose page, count and depth are bounded."""

    page_num: int
    result_count: int
    counted: int | None  # how many rows there are, at most MOST; None: more than were worth counting

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.request, self.user = request, request.user
        super().__init__(request, *args, **kwargs)
        self.title = self._heading()

    def _heading(self) -> str:
        """The sidebar's word for the list, or for the ready-made question that is asked."""
        asked = {name: value for name, value in self.params.items() if name not in {ORDER_VAR, PAGE_VAR} and value}
        return sidebar.title_of(self.opts.label_lower, asked) or capfirst(str(self.opts.verbose_name_plural))

    def get_results(self, request: HttpRequest) -> None:
        found = self._found()
        self.paginator = ShortPages(self._of_keys(found) if found is not None else self.queryset, self.list_per_page)
        self.page_num = self.paginator.validate_number(self.page_num)
        self.too_deep = (self.page_num - 1) * self.list_per_page > DEEPEST
        page = self.paginator.page(self.page_num)
        self.result_list, self.has_next = page.object_list, page.has_next()
        self.first = (self.page_num - 1) * self.list_per_page + 1
        self.last = self.first + len(self.result_list) - 1
        self.counted = self._counted(found)
        self.result_count = self.last if self.counted is None else self.counted
        self.full_result_count = self.result_count  # no second count is shown, nor a way to show all
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = self.multi_page = False

    def _found(self) -> list[Any] | None:
        """The keys of all that a search found, or None: nothing was searched, or there are more than can be meant.

        Collected without an order, the rare words come from the trigram index and the frequent ones from wherever the
        table is read; ordered at once, PostgreSQL would have to guess which they are.
        """
        if search.is_vague(self.query):
            return None
        found = list(self.queryset.order_by().values_list("pk", flat=True)[: SEARCHED + 1])
        return found if len(found) <= SEARCHED else None

    def _of_keys(self, keys: list[Any]) -> QuerySet[Any]:
        rows = self.apply_select_related(self.root_queryset.filter(pk__in=keys))
        ordered: QuerySet[Any] = rows.order_by(*self.queryset.query.order_by)
        return ordered

    def _counted(self, found: list[Any] | None) -> int | None:
        if found is not None:
            return len(found)
        if not self.has_next and self.page_num == 1:
            return int(self.last)
        if not self.query.strip():
            return count_up_to(self.queryset)
        return None if search.is_vague(self.query) else SEARCHED + 1

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the toolbar's form must carry along: the order, and whose rows these are."""
        names = {ORDER_VAR, *self.model_admin.linked_by}
        return [(name, value) for name, value in self.params.items() if name in names and value]

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        """Rows of something that one does not see are none: also that they are its rows is not told."""
        rows: QuerySet[Any] = super().get_queryset(request, *args, **kwargs)
        return rows.none() if None in self._linked.values() else rows

    @property
    def linked(self) -> list[str]:
        """Whose rows these are, where another page linked to them."""
        return [str(row or name) for name, row in self._linked.items()]

    @cached_property
    def _linked(self) -> dict[str, Any]:
        """What the rows are linked by, and that row; None for one that is not there, or not for this user.

        A key that is kept without a relation is of some record: which one, its pages say.
        """
        found: dict[str, Any] = {}
        for name in self.model_admin.linked_by:
            if key := self.params.get(name):
                other = self.model._meta.get_field(name).related_model
                found[name] = (
                    visible(other._default_manager.filter(pk=key), self.user).first() if other else "one record"
                )
        return found

    @property
    def verbs(self) -> list[Any]:
        return [verb for verb in self.model_admin.allowed_verbs(self.request) if verb.in_lists]

    @property
    def total(self) -> str:
        """The count in words: "37", "10,000+", or "more" where counting would have taken too long."""
        if self.counted is None:
            return "more"
        most = SEARCHED + 1 if self.query.strip() else MOST
        return f"{most - 1:,}+" if self.counted >= most else f"{self.counted:,}"

    def _get_deterministic_ordering(self, ordering: list[Any]) -> list[Any]:
        """End with the key, in the direction of the last column: an index on (column, id) serves no other order."""
        last = ordering[-1] if ordering else "-pk"
        if not isinstance(last, str) or last.lstrip("-") in {"pk", "id"}:
            return list(ordering) or ["-pk"]
        return [*ordering, "-pk" if last.startswith("-") else "pk"]
