"""Pages against the plain ORDER BY that they must add up to."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.keyset import BadCursor, Keyset, NarrowYourFilter, beyond, sorts, timed
from crm.models import Contact, User

pytestmark = pytest.mark.django_db

PAGE = 51
DAY = datetime(2026, 3, 1, tzinfo=UTC)
ROWS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["Ada", "Bea", "ada", "", "Zoë"]),
        "priority": st.integers(1, 2),
        "lead_score": st.none() | st.integers(1, 3),
        "conversion_probability": st.none() | st.sampled_from([0.0, 0.1, 1 / 3]),
        "consent_at": st.none() | st.integers(0, 2).map(lambda days: DAY + timedelta(days=days, microseconds=days)),
    }
)
NAMES = ["name", "priority", "lead_score", "conversion_probability", "consent_at", "owner", "owner__name", "id"]
ORDERINGS = st.lists(st.sampled_from(NAMES), max_size=3, unique=True).flatmap(
    lambda names: st.tuples(*[st.sampled_from([name, f"-{name}"]) for name in names])
)


@contextmanager
def undone() -> Iterator[None]:
    """Each example starts from nothing: hypothesis runs them all inside one test, hence one transaction."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def fill(rows: list[dict[str, Any]]) -> list[Contact]:
    owners = [None, *User.objects.bulk_create(User(email=f"rep{n}@example.com", name="Rep") for n in range(2))]
    return Contact.objects.bulk_create(
        Contact(owner=owners[number % len(owners)], **row) for number, row in enumerate(rows)
    )


def plain(ordering: tuple[str, ...]) -> list[Any]:
    terms = [term.expression() for term in sorts(Contact, ordering)]
    return list(Contact.objects.order_by(*terms).values_list("id", flat=True))


def keyset(*ordering: str, limit: int = 3, question: str = "") -> Keyset:
    return Keyset(ordering, limit, question)


def read(pages: Keyset, cursor: str | None = None) -> Any:
    return pages.page(Contact.objects.all(), ["id"], cursor)


def ids(page: Any) -> list[Any]:
    return [row[0] for row in page.rows]


@given(rows=st.lists(ROWS, max_size=12), ordering=ORDERINGS, limit=st.integers(1, 5))
def test_the_pages_of_any_ordering_add_up_to_its_plain_order_by_there_and_back(rows, ordering, limit):
    with undone():
        fill(rows)
        pages, wanted = keyset(*ordering, limit=limit), plain(ordering)

        page = read(pages)
        there = [ids(page)]
        while page.following:
            page = read(pages, page.following)
            there.append(ids(page))
        back = [ids(page)]
        while page.previous:
            page = read(pages, page.previous)
            back.insert(0, ids(page))

    assert [key for part in there for key in part] == [key for part in back for key in part] == wanted
    assert all(len(part) == limit for part in there[:-1])


@given(
    rows=st.lists(ROWS, min_size=2, max_size=10),
    ordering=ORDERINGS,
    changes=st.lists(st.tuples(st.booleans(), st.integers(0, 9), ROWS), max_size=6),
)
def test_rows_that_come_and_go_between_pages_cost_no_other_row_its_place(rows, ordering, changes):
    with undone():
        stays = [row.id for row in fill(rows)]
        pages, seen, cursor = keyset(*ordering, limit=2), [], None

        while cursor or not seen:
            page = read(pages, cursor)
            seen += ids(page)
            cursor = page.following
            if changes:
                come_or_go(stays, *changes.pop())
        order = plain(ordering)

    assert len(seen) == len(set(seen))
    assert [key for key in seen if key in stays] == [key for key in order if key in stays]


def come_or_go(stays: list[Any], leaves: bool, which: int, born: dict[str, Any]) -> None:
    if not leaves:
        Contact.objects.create(**born)
    elif stays:
        Contact.objects.filter(id=stays.pop(which % len(stays))).delete()


def test_a_cursor_knows_the_question_and_the_ordering_that_it_belongs_to():
    fill([{"name": str(number)} for number in range(5)])
    following = read(keyset("name", question="owner=1")).following

    for other in (keyset("name", question="owner=2"), keyset("-name", question="owner=1"), keyset("name", "id")):
        with pytest.raises(BadCursor, match="another filter or ordering"):
            read(other, following)


@pytest.mark.parametrize("damage", [lambda c: c[:-1], lambda c: "x" + c, lambda c: "", lambda c: "a:b:c", str.upper])
def test_a_cursor_that_somebody_touched_is_refused(damage):
    fill([{"name": str(number)} for number in range(5)])
    cursor = damage(read(keyset("name")).following) or "?"

    with pytest.raises(BadCursor, match="damaged"):
        read(keyset("name"), cursor)


def test_a_page_costs_the_same_at_any_depth():
    """Blocks that PostgreSQL touches, not seconds: a row or two for each row shown, whatever lies before the page.

    One lifecycle for all rows: nothing but ties.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO crm_contact (id, name, updated_at) SELECT clearline_uuid7(), 'Person ' || i, "
            "now() - (i / 7) * interval '1 second' FROM generate_series(1, 20000) i"
        )
        cursor.execute("ANALYZE crm_contact")

    for ordering in (("-id",), ("name",), ("-name",), ("lifecycle",), ("-lifecycle",), ("updated_at",)):
        terms = sorts(Contact, ordering)
        in_order = Contact.objects.order_by(*[term.expression() for term in terms])
        edge = in_order.values_list(*[term.field for term in terms])[17_000]
        (after,) = beyond(terms, edge)

        assert blocks(in_order) <= 2 * PAGE, ordering
        assert blocks(in_order.filter(after)) <= 2 * PAGE, ordering


def blocks(rows: Any) -> int:
    text = rows.values_list("id")[:PAGE].explain(analyze=True, buffers=True, format="json")
    plan = json.loads(text)[0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def test_a_list_that_takes_too_long_asks_for_a_narrower_filter(settings):
    settings.STATEMENT_TIMEOUT_MS = 20

    with pytest.raises(NarrowYourFilter, match="20 ms"), timed("default"), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1)")


def test_the_time_limit_of_a_list_does_not_outlive_it():
    with connection.cursor() as cursor:
        with timed("default"):
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("2s",)

        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
