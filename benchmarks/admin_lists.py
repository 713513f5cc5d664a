"""The back office's lists and searches at 100,000 and a million contacts: CPU of a page, time of its SQL, the plans."""

import logging
import os
import statistics
import time
from collections.abc import Callable
from itertools import product
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.test.utils import override_settings

from benchmarks.measure import Result, backend_seconds
from config.kernel.admin import search
from config.kernel.admin.lists import SEARCHED
from crm.models import Contact, User
from crm.services.roles import grant

RUNS = 9
PAGE_BUDGET = "<= 150 ms CPU (web + PostgreSQL): 0.4 of DjangoCRM's 375 ms at 100k"
SEARCH_BUDGET = "<= 20 ms"
PAGES = {
    "contacts": "/admin/crm/contact/",
    "contacts by name": "/admin/crm/contact/?o=1",
    "contacts, page 200": "/admin/crm/contact/?p=200",
    "contacts, nobody's and qualified": "/admin/crm/contact/?owner=nobody&lifecycle=qualified",
    "contacts, added on one day": "/admin/crm/contact/?id_from=2026-03-01&id_to=2026-03-01",
    "contacts, searched: rare word": "/admin/crm/contact/?q=joric+wexiworth",
    "contacts, searched: frequent word": "/admin/crm/contact/?q=manager",
    "people in projects": "/admin/crm/projectcontact/",
    "people in projects, searched": "/admin/crm/projectcontact/?q=joric+wexiworth",
    "numbers and e-mails": "/admin/crm/endpoint/",
}
SEARCHES = {
    "a first and a last name": "joric wexiworth",
    "a surname": "wexiworth",
    "a title and a first name": "manager joric",
    "a word of every row and a surname": "example.com wexiworth",
    "a word of every row and a number": "example 5122002346",
    "two letters": "jo",
    "half an e-mail address": "p2345@exam",
    "a number": "(512) 200-2346",
    "nothing that exists": "zzqqx",
}


def run(sizes: list[int]) -> list[Result]:
    return [result for size in sizes for result in _at(size)]


def _at(size: int) -> list[Result]:
    load(size)
    grant(models=apps)
    _quiet()
    client, label = _signed_in(), f"{size:,} contacts"
    with override_settings(ALLOWED_HOSTS=["*"], SECURE_SSL_REDIRECT=False, DEBUG=False, STORAGES=_plain_static()):
        pages = [_page(f"admin page: {name}, {label}", client, url) for name, url in PAGES.items()]
    return pages + [_search(f"admin search: {name}, {label}", text) for name, text in SEARCHES.items()]


def _quiet() -> None:
    """The access log of a thousand requests is not what is measured, nor shown."""
    logging.disable(logging.INFO)


def _plain_static() -> dict[str, Any]:
    """Without collected files; their addresses cost the same."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    return {**settings.STORAGES, "staticfiles": plain}


def _signed_in() -> Client:
    user, _ = User.objects.update_or_create(
        email="bench@clearline.example", defaults={"name": "B", "is_superuser": True, "is_staff": True}
    )
    client = Client()
    client.force_login(user)
    return client


def _page(name: str, client: Client, url: str) -> Result:
    """CPU seconds of this process and of its PostgreSQL backend: what a busy machine does not change."""
    taken = []
    for number in range(RUNS + 2):
        before = time.process_time() + backend_seconds()
        response = client.get(url)
        assert response.status_code == 200, (url, response.status_code)
        if number >= 2:
            taken.append(time.process_time() + backend_seconds() - before)
    return _result(name, taken, PAGE_BUDGET)


def _search(name: str, text: str) -> Result:
    """The statement that a search of the list runs, warm, beside what Django's own admin would ask: a count and a page
    over five columns. Its plan is printed when PLANS=1."""
    found = Contact.objects.filter(search.containing(text, model=Contact)).values_list("pk", flat=True)
    rows = found.order_by("-pk")[:51] if search.is_vague(text) else found.order_by()[: SEARCHED + 1]
    naive = Contact.objects.filter(_naive(text)).order_by("-pk")
    list(rows.all())
    taken = [_seconds(lambda: list(rows.all())) for _ in range(RUNS)]
    stock = [_seconds(lambda: (naive.count(), list(naive.all()[:50]))) for _ in range(3)]
    if os.environ.get("PLANS") == "1":
        print(f"\n-- {name}\n{rows.all().explain(analyze=True, buffers=True)}\n")
    return _result(name, taken, SEARCH_BUDGET, stock)


def _naive(text: str) -> Q:
    condition = Q()
    for word in text.split():
        columns = ("name", "title", "primary_phone", "primary_email", "contact_id")
        condition &= Q.create([(f"{column}__icontains", word) for column in columns], Q.OR)
    return condition


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _result(name: str, taken: list[float], budget: str, stock: list[float] | None = None) -> Result:
    ours, yardstick = statistics.median(taken) * 1000, statistics.median(stock) * 1000 if stock else None
    spread = f"{min(taken) * 1000:.1f}..{max(taken) * 1000:.1f}"
    return Result(name, ours, yardstick, "ms", ours / yardstick if yardstick else None, budget, spread)


def load(contacts: int) -> None:
    """Fill the database with so many people of made-up names, each with a number and a part in a project.

    Two hundred first names and a thousand surnames, as frequent as in a real table of this size.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SELECT setseed(0.5)")
        for statement in _statements(contacts):
            cursor.execute(statement)
        cursor.execute("SET session_replication_role = origin")
        for table in ("crm_contact", "crm_company", "crm_endpoint", "crm_contactpoint", "crm_projectcontact"):
            cursor.execute(f"VACUUM (ANALYZE) {table}")


_FIRST = "al be ca da el fa ga ha is jo ka lu ma na ol pa ro sa ti vi", "na rin lo mira ton len vis dro ssa ric"
_LAST = (
    "bar cal dun fer gil hart kel lam mor nor pem quin rad sel tor und val wex yar zan",
    "a e i o u",
    "ford ley man son ton well wick worth by ner",
)
_TITLES = ["Project Manager", "Superintendent", "Estimator", "Owner", "President", "Foreman", "Architect", "Engineer"]


def _names(parts: tuple[str, ...]) -> list[str]:
    return ["".join(syllables).capitalize() for syllables in product(*(part.split() for part in parts))]


def _array(words: list[str]) -> str:
    return "ARRAY[" + ",".join(f"'{word}'" for word in words) + "]"


def _statements(contacts: int) -> list[str]:
    first, last, titles = _array(_names(_FIRST)), _array(_names(_LAST)), _array(_TITLES)
    companies, projects = max(1, contacts // 5), max(1, contacts // 10)
    return [
        "TRUNCATE crm_touch, crm_projectcontact, crm_contactpoint, crm_endpoint, crm_contact, crm_company, crm_project CASCADE",
        f"INSERT INTO crm_company (name, name_key, city, region) SELECT 'Company ' || g, g, 'Austin', 'TX' FROM generate_series(1, {companies}) g",
        "CREATE TEMP TABLE k AS SELECT row_number() OVER () AS place, id FROM crm_company; CREATE INDEX ON k (place); ANALYZE k",
        f"""INSERT INTO crm_contact (id, created_at, updated_at, contact_id, first_name, last_name, name, title,
                primary_phone, primary_email, company_id, lifecycle, priority, city, region, country, do_not_call)
            SELECT clearline_uuid7_from(born), born, now() - late * interval '60 days',
                   CASE WHEN n % 3 = 0 THEN 'EXT-' || n END, one, two, one || ' ' || two, title,
                   '+1' || (ARRAY[512, 737, 212, 415, 303, 602])[1 + n % 6] || lpad((2000000 + n)::text, 7, '0'),
                   'p' || n || '@example.com', k.id,
                   (ARRAY['new', 'new', 'new', 'contacted', 'qualified', 'nurturing'])[1 + (chance * 5)::int],
                   (ARRAY[2, 2, 2, 3, 1, 4])[1 + (chance * 5)::int], 'Austin', 'TX', 'US', chance < 0.02
            FROM (SELECT n, timestamptz '2026-11-01' - interval '400 days' + n * (interval '400 days' / {contacts}) AS born,
                         random() AS late, random() AS chance, ({first})[1 + (random() * 199)::int] AS one,
                         ({last})[1 + (random() * 999)::int] AS two, ({titles})[1 + (random() * 7)::int] AS title
                  FROM generate_series(1, {contacts}) n) people JOIN k ON k.place = 1 + people.n % {companies}""",
        """INSERT INTO crm_endpoint (kind, value, owner_id, line_type)
           SELECT 'phone', primary_phone, id, 'mobile' FROM crm_contact""",
        """INSERT INTO crm_contactpoint (contact_id, endpoint_id, kind, value_given, is_primary)
           SELECT owner_id, id, 'phone', value, true FROM crm_endpoint""",
        f"INSERT INTO crm_project (project_id, name) SELECT 'P-' || g, 'Building ' || g FROM generate_series(1, {projects}) g",
        "CREATE TEMP TABLE p AS SELECT row_number() OVER () - 1 AS n, id FROM crm_project; CREATE INDEX ON p (n); ANALYZE p",
        f"""INSERT INTO crm_projectcontact (project_id, contact_id, roles, priority, callable_from)
            SELECT p.id, c.id, '{{owner}}', c.priority, now() FROM (SELECT *, row_number() OVER () AS n FROM crm_contact) c
            JOIN p ON p.n = c.n % {projects}""",
        "DROP TABLE k, p",
    ]  # fmt: skip
