"""What is decided leaves a receipt, which names its law and replays."""

from datetime import timedelta

import pytest
from django.db import transaction

from calls.choices import Scope
from calls.models import CallingHours, Lease
from calls.rules import opening
from calls.services import deciding, leasing, queue, terminal
from calls.services.deciding import Refused
from calls.tests.factories import LeaseFactory, callable_pair, first_point
from crm.choices import GateAction
from crm.models import GateDecision
from crm.services.normalization.places import ZONE_DATA_VERSION
from crm.tests.factories import UserFactory, give_point


@pytest.mark.django_db
@pytest.mark.parametrize(("until", "earliest"), [(2, 2), (None, None)])
def test_of_two_closures_the_longer_one_counts(at, until, earliest):
    pair, hour = callable_pair(), timedelta(hours=1)
    for end in (at + hour, until and at + until * hour, at + hour / 2):
        terminal.close(scope=Scope.CONTACT, subject=pair.contact, reason="Asked us to wait", at=at, until=end)

    explained = queue.explain(pair=pair, user=UserFactory(admin=True), at=at)

    assert explained.earliest == (earliest and at + earliest * hour)


@pytest.mark.django_db
def test_a_receipt_names_its_law_and_replays(at):
    pair = callable_pair()
    lease = leasing.take_next(user=UserFactory(bdr=True), at=at)
    receipt = GateDecision.objects.get(pk=lease.decision_id)

    assert receipt.facts["hours.law"] == opening.book().table.version
    assert receipt.zones == ZONE_DATA_VERSION
    assert deciding.replay(receipt) == ()
    receipt.at += timedelta(hours=12)
    assert [block.code for block in deciding.replay(receipt)] == ["outside_hours"]
    assert pair.pk == lease.pair_id


@pytest.mark.django_db
def test_a_receipt_replays_by_the_law_of_its_time(at, monkeypatch):
    CallingHours.objects.update(created_at=at - timedelta(days=30))
    callable_pair()
    receipt = GateDecision.objects.get(pk=leasing.take_next(user=UserFactory(bdr=True), at=at).decision_id)
    later = at + timedelta(days=1)
    CallingHours.objects.filter(replaced_at=None).update(replaced_at=later)
    assert not opening.book().table.rows

    monkeypatch.setattr(opening, "_tables", {})  # another process, on another day

    assert deciding.replay(receipt) == ()


@pytest.mark.django_db
def test_a_law_that_cannot_be_had_any_more_is_not_made_up(at, monkeypatch):
    monkeypatch.setattr(opening, "_tables", {})

    opening.recall("of no law", at)

    assert opening._tables == {}


@pytest.mark.django_db
def test_a_refusal_leaves_a_receipt_for_each_number_and_each_project(at):
    pair = callable_pair()
    give_point(pair.contact, "phone", "+15125550177")
    elsewhere = callable_pair(contact=pair.contact)
    terminal.close(scope=Scope.CONTACT, subject=pair.contact, reason="Asked us to wait", at=at)
    rep = UserFactory(bdr=True)

    for _ in range(2):
        for one in (pair, elsewhere):
            with pytest.raises(Refused):
                leasing.take(pair=one, user=rep, at=at)

    assert sorted(GateDecision.objects.values_list("pair", "endpoint").distinct()) == sorted(
        (one.pk, point.endpoint_id) for one in (pair, elsewhere) for point in pair.contact.points.all()
    )
    assert GateDecision.objects.count() == 4


@pytest.mark.django_db
def test_there_is_no_receipt_for_a_lease_that_there_is_not(at):
    pair, rep = callable_pair(), UserFactory(bdr=True)
    approach = deciding.approach_of(pair=pair, contact_id=pair.contact_id, point=first_point(pair.contact))
    mine = LeaseFactory(pair=callable_pair(), user=rep)  # from another window, a moment ago

    with transaction.atomic():
        ruling = deciding.prove(action=GateAction.LEASE, approaches=[approach], user_id=rep.pk, at=at)
        assert leasing._write(ruling, user=rep, at=at) is None

    assert Lease.objects.get() == mine
    assert not GateDecision.objects.exists()
