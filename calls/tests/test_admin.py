"""The back office of calls: its lists, what may be written there, and who sees what."""

from datetime import timedelta

from django.contrib import admin
from django.urls import reverse

from calls.choices import Scope
from calls.models import CallingPolicy
from calls.services import outcomes
from calls.tests import office
from calls.tests.factories import (
    CallSessionFactory,
    DispositionFactory,
    LeaseFactory,
    TerminalSessionFactory,
    callable_pair,
)
from calls.tests.office import person
from config.kernel.admin.base import ClearlineAdmin
from config.testing import NOON
from crm.tests.backoffice import list_url, model, page_url, signed_in
from crm.tests.factories import ProjectFactory, UserFactory

noon, boss, rep = office.noon, office.boss, office.rep
LABELS = sorted(one._meta.label_lower for one in admin.site._registry if one._meta.app_label == "calls")
SERVICE_OWNED = ["calls.callsession", "calls.lease", "calls.callinghours"]


def fill(number: int) -> None:
    """So many more rows of every kind."""
    for _ in range(number):
        call = CallSessionFactory(pair=callable_pair())
        event = outcomes.conclude(session=call, disposition=DispositionFactory(), by=call.rep, at=NOON)
        TerminalSessionFactory(pair=call.pair, cause=event, by=call.rep)
        TerminalSessionFactory(scope=Scope.PROJECT, project=call.project, until=NOON + timedelta(days=3))
        LeaseFactory()
        CallingPolicy.objects.create(project=ProjectFactory(), day_cap=2)


def test_every_list_opens_at_the_same_cost_however_many_rows_it_shows_and_every_kind_of_row_has_its_page(
    boss, subtests, monkeypatch, django_assert_max_num_queries
):
    monkeypatch.setattr(ClearlineAdmin, "list_per_page", 1000)
    costs = {label: [] for label in LABELS}
    for number in (0, 3, 9):
        fill(number)
        for label in LABELS:
            with subtests.test(label, more=number), django_assert_max_num_queries(30) as queries:
                assert boss.get(list_url(label)).status_code == 200
            costs[label].append(len(queries))

    for label, (_, few, many) in costs.items():
        with subtests.test(label):
            assert few == many
            assert boss.get(page_url(model(label)._default_manager.latest("pk"))).status_code == 200


def test_what_a_service_owns_cannot_be_written_by_hand(boss, subtests):
    fill(1)

    for label in SERVICE_OWNED:
        with subtests.test(label):
            assert boss.get(reverse(f"admin:{label.replace('.', '_')}_add")).status_code == 403
            assert boss.post(page_url(model(label)._default_manager.first()), {}).status_code == 403


def test_nothing_is_deleted_here_not_even_by_an_admin(boss, subtests):
    fill(1)

    for label in LABELS:
        with subtests.test(label):
            row = model(label)._default_manager.first()
            delete = reverse(f"admin:{label.replace('.', '_')}_delete", args=[row.pk])
            assert boss.post(delete, {"post": "yes"}).status_code == 403


def test_a_rep_sees_calls_of_people_they_see_and_their_own(rep):
    other = UserFactory(bdr=True)
    hidden = CallSessionFactory(pair=callable_pair(contact=person("Hidden Person", owner=other)), rep=other)
    free = CallSessionFactory(pair=callable_pair(contact=person("Free Person")), rep=other)
    mine = CallSessionFactory(pair=callable_pair(contact=person("Called By Me", owner=other)), rep=rep)
    client = signed_in(rep)

    codes = [client.get(page_url(call)).status_code for call in (hidden, free, mine)]
    listed = client.get("/admin/calls/callsession/").content.decode()

    assert codes == [404, 200, 200]
    assert "Hidden Person" not in listed
    assert "Free Person" in listed
    assert "Called By Me" not in listed  # the call is theirs to see, the person is not


def test_a_rep_sees_their_own_lease_only(rep):
    mine, other = LeaseFactory(user=rep), LeaseFactory()
    client = signed_in(rep)

    assert client.get("/admin/calls/lease/").context["cl"].result_list == [mine]
    assert client.get(page_url(other)).status_code == 404
    assert client.get(f"/admin/calls/lease/{mine.pk}/do/release/").status_code == 403
