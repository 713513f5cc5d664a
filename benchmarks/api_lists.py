"""Lists of the API at 100,000 and a million contacts, beside bare DRF and beside ``.values()`` with orjson.

Ours has what the yardsticks lack: session, permissions, scope, filters, every middleware. Requests go through the whole
of Django in one process; no web server is measured.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.test import Client, RequestFactory
from rest_framework import generics, pagination, renderers, serializers

from benchmarks.measure import Result, faster, seconds, slower, taking_turns
from config.kernel.keyset import beyond, sorts
from crm.api.readings import ContactReading
from crm.choices import Role
from crm.models import Contact, User
from crm.services.roles import grant

COLUMNS = [name for name in ContactReading.Meta.fields if name != "company_name"]
PATH = "/api/v1/contacts/"
FILL = """
    INSERT INTO crm_contact (name, first_name, last_name, title, primary_phone, primary_email, city, region, owner_id,
                             updated_at, lifecycle, attributes)
    SELECT 'Person ' || g * 7919 %% 500000, 'Person', 'Number ' || g, 'Foreman', '+1512' || lpad(g::text, 7, '0'),
           'person' || g || '@example.com', 'Austin', 'TX',
           CASE WHEN g %% 10 < 3 THEN NULL WHEN g %% 10 < 6 THEN %(mine)s::uuid ELSE %(theirs)s::uuid END,
           now() - (%(size)s - g) * interval '1 second', CASE WHEN g %% 100 = 0 THEN 'contacted' ELSE 'new' END,
           '{"row": 17, "tags": ["a", "b"]}'
    FROM generate_series(1::bigint, %(size)s) g"""


class Bare(serializers.ModelSerializer):
    class Meta:
        model = Contact
        fields = COLUMNS


class Cursor(pagination.CursorPagination):
    page_size, page_size_query_param, max_page_size, ordering = 50, "limit", 1000, "-id"


class BareList(generics.ListAPIView):
    """What DRF does when nobody asks who you are."""

    queryset = Contact.objects.order_by("-id")
    serializer_class = Bare
    pagination_class = Cursor
    renderer_classes = (renderers.JSONRenderer,)
    authentication_classes = permission_classes = filter_backends = ()


def bare(limit: int) -> bytes:
    answer = BareList.as_view()(RequestFactory().get("/", {"limit": limit}))
    return bytes(answer.render().content)


def values(limit: int) -> bytes:
    return orjson.dumps({"results": list(Contact.objects.order_by("-id").values(*COLUMNS)[:limit])})


def run(sizes: list[int]) -> list[Result]:
    settings.ALLOWED_HOSTS, settings.DEBUG = ["testserver"], False
    logging.getLogger("clearline.access").setLevel(logging.WARNING)
    return [result for size in sizes for result in _at(size)]


def _at(size: int) -> list[Result]:
    mine, theirs = _fill(size)
    admin, rep = _signed_in(theirs), _signed_in(mine)
    return [
        _page(f"API list of 50, {size:,} contacts, admin", 50, partial(_ask, admin), bare, ">= 0.4 of bare DRF"),
        _page(f"API list of 50, {size:,} contacts, BDR's scope", 50, partial(_ask, rep), bare, ">= 0.4 of bare DRF"),
        _page(f"API list of 1000, {size:,} contacts", 1000, partial(_ask, rep), values, ">= 0.5 of .values() + orjson"),
        _search(mine, size),
        *(_depth(ordering, size) for ordering in ("-id", "name", "lifecycle", "-updated_at")),
    ]


def _fill(size: int) -> tuple[UUID, UUID]:
    from django.apps import apps

    grant(models=apps)
    users = [User.objects.get_or_create(email=f"bench-{name}@example.com")[0] for name in ("rep", "admin")]
    users[0].groups.set(users[0].groups.model.objects.filter(name=Role.BDR))
    users[1].groups.set(users[1].groups.model.objects.filter(name=Role.ADMIN))
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # no audit of rows that nobody will miss
        cursor.execute("TRUNCATE crm_contact CASCADE")
        cursor.execute(FILL, {"size": size, "mine": users[0].pk, "theirs": users[1].pk})
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM (ANALYZE) crm_contact")
    return users[0].pk, users[1].pk


def _signed_in(key: UUID) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=key), backend="crm.services.signing_in.Backend")
    return client


def _ask(client: Client, limit: int) -> bytes:
    answer = client.get(PATH, {"limit": limit})
    if answer.status_code != 200:
        raise RuntimeError(f"{PATH} answered {answer.status_code}: {answer.content[:500]!r}")
    return bytes(answer.content)


def _page(name: str, limit: int, ours: Callable[[int], Any], yardstick: Callable[[int], Any], budget: str) -> Result:
    times = 20 if limit <= 50 else 5
    mine, theirs = taking_turns(partial(_often, ours, limit, times), partial(_often, yardstick, limit, times))
    return faster(name, mine, theirs, amount=times, unit="requests/s", budget=budget)


def _often(ask: Callable[[int], Any], limit: int, times: int) -> None:
    for _ in range(times):
        ask(limit)


def _search(mine: UUID, size: int) -> Result:
    """The SQL of a search in a BDR's scope: one word that everybody has, one that few have."""
    seen = Contact.objects.visible_to(User.objects.get(pk=mine)).alive().order_by("-id")
    found = [seen.filter(search__contains="person").filter(search__contains=str(n)) for n in range(4711, 4733)]
    taken = [seconds(partial(_fetch, rows)) for rows in found]
    return slower(f"API search for two words, {size:,} contacts", taken[2:], None, budget="<= 20 ms")


def _depth(ordering: str, size: int) -> Result:
    """The SQL of a page behind 95 % of the table, beside that of the first page."""
    terms = sorts(Contact, [ordering])
    rows = Contact.objects.order_by(*[term.expression() for term in terms])
    edge = rows.values_list(*[term.field for term in terms])[size * 95 // 100]
    (after,) = beyond(terms, edge)
    deep, first = taking_turns(partial(_fetch, rows.filter(after)), partial(_fetch, rows), runs=15)
    return slower(f"API page by {ordering} at depth {size * 95 // 100:,}", deep, first, budget="<= 1.5x page 1")


def _fetch(rows: QuerySet[Contact]) -> list[Any]:
    return list(rows.values_list(*ContactReading.plan().columns)[:51])
