"""What is read from a replica may be old, is never written, and never decides."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import InternalError, connections, transaction
from psycopg.errors import ReadOnlySqlTransaction

from calls.models import Lease, Waterfall
from calls.services import waterfalls
from calls.tests.factories import CallSessionFactory, callable_pair
from config.kernel import clock
from config.kernel.replica import ALIAS, stale_reads
from config.testing import NOON
from config.tests.clients import Caller
from config.tests.clients import admin as an_admin
from crm.models import Contact, ProjectContact
from crm.tests.factories import ContactFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def replica() -> Iterator[None]:
    """A mirror of the test database, which stands still from here on, as a replica that lags behind does."""
    cache.clear()
    connections.settings[ALIAS] = {**connections["default"].settings_dict, "TEST": {"MIRROR": "default"}}
    mirror: Any = connections.create_connection("default")
    connections[ALIAS] = mirror
    mirror.ensure_connection()
    mirror.connection.execute("SET default_transaction_isolation = 'repeatable read'")
    mirror.set_autocommit(False)
    yield
    mirror.rollback()
    mirror.close()
    del connections[ALIAS]
    del connections.settings[ALIAS]


@pytest.fixture
def admin() -> Iterator[Caller]:
    with clock.standing_at(NOON):
        yield an_admin()


def stand_still() -> None:
    """From now on the replica knows nothing new."""
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM crm_contact")


def offered(admin: Caller) -> list[str]:
    status, said = admin.send("get", "eligible-calls/")
    assert status == 200, said
    return [row["pair"] for row in said["results"]]


def test_the_list_of_eligible_calls_is_the_replicas_and_leases_and_explanations_are_not(replica, admin):
    closed = callable_pair()
    stand_still()
    ProjectContact.objects.filter(pk=closed.pk).update(suppress_for_project=True)
    new = callable_pair()

    explained = admin.get(
        "/api/v1/eligible-calls/explain/", {"project": str(closed.project_id), "contact": str(closed.contact_id)}
    ).json()
    refused = admin.send("post", "eligible-calls/lease/", {"pair": str(closed.pk)})
    taken = admin.send("post", "eligible-calls/lease/", {})

    assert offered(admin) == [str(closed.pk)]
    assert [block["code"] for block in explained["blocks"]] == ["pair_suppressed"]
    assert (refused[0], refused[1]["error_code"]) == (409, "gate_refused")
    assert (taken[0], taken[1]["pair"]) == (201, str(new.pk))
    assert Lease.objects.get().pair == new


def test_the_desk_itself_reads_the_primary(replica, admin, client):
    stand_still()
    pair = callable_pair()
    client.force_login(admin.user)

    assert client.get("/admin/desk/state/").json()["phase"] == "idle"
    assert offered(admin) == []
    assert ProjectContact.objects.get() == pair


def test_the_numbers_of_the_first_page_are_the_replicas(replica, admin, client):
    stand_still()
    CallSessionFactory(pair=callable_pair())
    client.force_login(admin.user)

    assert client.get("/admin/").context["today"].calls == 0


def test_the_command_lists_what_the_replica_knows(replica, admin, capsys):
    stand_still()
    callable_pair()

    call_command("eligible_calls", "--json")

    assert capsys.readouterr().out == ""


def test_the_waterfall_counts_what_the_replica_knows_and_is_kept_by_the_primary(replica):
    stand_still()
    callable_pair()

    row = waterfalls.count(project=None, at=NOON)

    assert (row.pairs, Waterfall.objects.get()) == (0, row)


@pytest.mark.parametrize("kind", ["replica", "primary"])
def test_nothing_is_written_or_locked_in_such_a_block(kind, request):
    person = ContactFactory()
    if kind == "replica":
        request.getfixturevalue("replica")

    for deed in (lambda: Contact.objects.update(title="x"), lambda: Contact.objects.select_for_update().get()):
        with pytest.raises(InternalError) as caught, stale_reads():
            deed()
        assert isinstance(caught.value.__cause__, ReadOnlySqlTransaction)
    with transaction.atomic():
        Contact.objects.select_for_update().filter(pk=person.pk).update(title="Owner")

    assert Contact.objects.get().title == "Owner"


def test_a_transaction_of_the_primary_does_not_rest_on_old_rows(replica):
    primary = connections["default"]
    with pytest.raises(RuntimeError, match="read first"), transaction.atomic(), stale_reads():
        pass

    with stale_reads():
        assert connections["default"] is connections[ALIAS]
    assert connections["default"] is primary
