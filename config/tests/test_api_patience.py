"""No question to the API lets PostgreSQL think for longer than two seconds, whatever the route asks."""

import re
from typing import Any

import psycopg
import pytest
from django.db import connection

from calls.tests.factories import LeaseFactory, callable_pair
from config.api import router
from config.kernel import clock
from config.testing import NOON
from config.tests.clients import Caller
from config.tests.clients import admin as an_admin
from config.tests.records import MAKE

pytestmark = pytest.mark.django_db
VIEWS = {prefix: view for prefix, view, _ in router.registry}
BEFORE = re.compile(
    r'FROM "(django_session|crm_user|auth_permission|django_content_type)"|^(SAVEPOINT|RELEASE|SHOW|SET TRANSACTION)'
)


class Limits:
    """Notes under which limit each statement runs that a route has asked for."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if not BEFORE.search(sql) and "statement_timeout" not in sql:
            (limit,) = connection.connection.execute("SHOW statement_timeout").fetchone()
            self.found.append((limit, sql))
        return execute(sql, params, many, context)


@pytest.fixture
def admin() -> Any:
    with clock.standing_at(NOON):
        yield an_admin()


def ask(admin: Caller, path: str, **asked: str) -> list[tuple[str, str]]:
    limits = Limits()
    with connection.execute_wrapper(limits):
        answer = admin.get(f"/api/v1/{path}/", asked)
    assert answer.status_code == 200, answer.content
    return limits.found


@pytest.mark.parametrize("prefix", sorted(MAKE))
def test_a_list_and_a_row_are_read_under_the_limit(prefix, admin):
    row = MAKE[prefix](None)
    parts = [prefix, f"{prefix}/{row.pk}"]
    reads = [one for one in VIEWS[prefix].get_extra_actions() if "get" in one.mapping]
    parts += [f"{prefix}/{row.pk}/{one.url_path}" if one.detail else f"{prefix}/{one.url_path}" for one in reads]

    for part in parts:
        found = ask(admin, part)
        assert found or prefix == "users", part
        assert {limit for limit, _ in found} <= {"2s"}, found


def test_the_birth_of_a_row_in_the_audit_is_read_under_the_limit(admin):
    row = MAKE["contacts"](None)

    found = ask(admin, "audit-log", entity_id=str(row.pk), entity="crm.contact")

    assert len(found) > 1
    assert {limit for limit, _ in found} == {"2s"}


@pytest.mark.parametrize("part", ["", "/lease", "/explain", "/waterfall"])
def test_the_queue_is_read_under_the_limit(part, admin):
    assert {one.url_path for one in VIEWS["eligible-calls"].get_extra_actions() if "get" in one.mapping} == {
        "explain",
        "lease",
        "waterfall",
    }
    pair = callable_pair()
    LeaseFactory(user=admin.user, pair=callable_pair())
    asked = {"project": str(pair.project_id), "contact": str(pair.contact_id)} if part == "/explain" else {}

    found = ask(admin, f"eligible-calls{part}", **asked)

    assert {limit for limit, _ in found} == {"2s"}, found


@pytest.mark.parametrize("path", ["contacts/{contact}", "eligible-calls/explain", "eligible-calls/waterfall"])
@pytest.mark.django_db(transaction=True)
def test_what_takes_too_long_is_400_wherever_it_is_asked(settings, path, admin):
    pair = callable_pair()
    settings.STATEMENT_TIMEOUT_MS = 200
    asked = {"project": str(pair.project_id), "contact": str(pair.contact_id)} if "explain" in path else {}
    tables = "crm_contact, crm_projectcontact, calls_waterfall"

    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")  # nobody reads them before we let go
        answer = admin.get(f"/api/v1/{path.format(contact=pair.contact_id)}/", asked)

    assert (answer.status_code, answer.json()["error_code"]) == (400, "narrow_your_filter")
