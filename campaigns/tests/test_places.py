"""Of one company as many are on their way as the campaign says, and whoever leaves frees a place for the next."""

from datetime import timedelta

import pytest
from django.db import transaction

from campaigns import tasks
from campaigns.models import Campaign, Enrollment, Message
from campaigns.services import campaigns, handling, places
from campaigns.tests.drawings import drawing, node
from campaigns.tests.walks import begun, enrolled, run, settle
from config.kernel import clock
from config.testing import NOON
from crm.models import Contact
from crm.tests.factories import CompanyFactory, ContactFactory

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def test_of_one_company_as_many_are_on_the_way_as_the_campaign_says():
    campaign = begun(drawing(node("sms", "sms_send")), company_limit=2)
    company = CompanyFactory()
    enrolled(campaign, ContactFactory.create_batch(5, company=company))
    for done in (2, 4, 5):
        run(NOON)
        assert Message.objects.count() == done
        settle("accepted", NOON)
    run(NOON)
    assert set(Enrollment.objects.values_list("state", flat=True)) == {"completed"}


@pytest.fixture
def of_one_company():
    """One of three on the way, two waiting for a place."""
    campaign = begun(drawing(node("wait", "wait")), company_limit=1)
    enrolled(campaign, ContactFactory.create_batch(3, company=CompanyFactory()))
    run(NOON)
    return Campaign.objects.get(pk=campaign.pk)


def waiting_for_a_place():
    return list(Enrollment.objects.filter(state="pending").order_by("id").values_list("pk", flat=True))


def test_as_many_begin_as_a_lower_limit_leaves_room_for():
    campaign = begun(drawing(node("sms", "sms_send")), company_limit=3)
    enrolled(campaign, ContactFactory.create_batch(9, company=CompanyFactory()))
    run(NOON)
    campaigns.edit(row=Campaign.objects.get(), changes={"company_limit": 1}, by=None, at=NOON)
    for _ in range(3):
        settle("accepted", NOON)
        run(NOON)
        assert Enrollment.objects.filter(state="waiting_send").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_place_that_nobody_could_take_is_given_later(threads):
    campaign = begun(drawing(node("sms", "sms_send")), company_limit=1)
    enrolled(campaign, ContactFactory.create_batch(2, company=CompanyFactory()))
    run(NOON)
    held = Enrollment.objects.get(state="pending")
    settle("accepted", NOON)
    with transaction.atomic():  # a status is set, or news is heard
        Enrollment.objects.select_for_update(no_key=True).get(pk=held.pk)
        threads(lambda: run(NOON))
    run(NOON + DAY)
    assert Enrollment.objects.get(pk=held.pk).wake_at is None

    with clock.standing_at(NOON + DAY):
        tasks.look_after_places()
    run(NOON + DAY)

    assert Enrollment.objects.get(pk=held.pk).state == "waiting_send"
    assert places.waiting() == []


def test_without_a_company_nobody_waits_for_a_place_of_it(of_one_company):
    """Their company was deleted while they waited: they are no colleagues any more."""
    Enrollment.objects.filter(state="pending").update(company=None)
    places.give(campaign=of_one_company.pk, at=NOON)
    run(NOON)
    assert Enrollment.objects.filter(state="waiting").count() == 3


def test_a_place_is_of_the_company_that_somebody_was_enrolled_with_whatever_it_is_today():
    company = CompanyFactory()
    campaign = begun(drawing(node("wait", "wait")), company_limit=2)
    moved, leaves, *_ = enrolled(campaign, ContactFactory.create_batch(4, company=company))
    run(NOON)
    campaigns.edit(row=Campaign.objects.get(), changes={"company_limit": 1}, by=None, at=NOON)
    Contact.objects.filter(pk=moved.contact_id).update(company=CompanyFactory())
    for walk in (leaves, moved):
        handling.leave([walk.pk], reason="Moved away", by=None, at=NOON)
        run(NOON)
        assert Enrollment.objects.filter(state="waiting", company=company).count() == 1


def test_whoever_leaves_without_a_place_frees_none(of_one_company):
    first, _ = waiting_for_a_place()
    handling.leave([first], reason="Moved away", by=None, at=NOON)
    run(NOON)
    assert Enrollment.objects.filter(state="waiting").count() == 1


@pytest.mark.parametrize(("limit", "begin"), [(2, 2), (None, 3), (1, 1)])
def test_as_many_more_begin_as_the_campaign_says_now(of_one_company, limit, begin):
    campaigns.edit(row=of_one_company, changes={"company_limit": limit}, by=None, at=NOON)
    run(NOON)
    assert Enrollment.objects.filter(state="waiting").count() == begin


def test_whoever_was_paused_while_a_place_became_free_takes_it_later(of_one_company):
    held = waiting_for_a_place()
    handling.pause(held, by=None, at=NOON)
    run(NOON + 2 * DAY)
    handling.resume(held, by=None, at=NOON + 3 * DAY)
    run(NOON + 3 * DAY)
    assert sorted(Enrollment.objects.values_list("state", flat=True)) == ["completed", "pending", "waiting"]


def test_whoever_waits_longest_begins_first(of_one_company):
    first, second = waiting_for_a_place()
    campaigns.edit(row=of_one_company, changes={"company_limit": 2}, by=None, at=NOON)
    assert waiting_for_a_place() == [first, second]
    assert Enrollment.objects.get(wake_at=NOON, state="pending").pk == first


def test_whoever_is_paused_without_a_place_takes_none(of_one_company):
    first, second = waiting_for_a_place()
    handling.pause([first], by=None, at=NOON)
    campaigns.edit(row=of_one_company, changes={"company_limit": 2}, by=None, at=NOON)
    assert Enrollment.objects.get(pk=second).wake_at == NOON


class TestOfMorePlacesThanAChunk:
    """Two companies, of each one on the way and four who wait; then three of each may be, and two begin at once."""

    @pytest.fixture(autouse=True)
    def campaign(self, monkeypatch):
        monkeypatch.setattr(places, "CHUNK", 2)
        campaign = begun(drawing(node("wait", "wait")), company_limit=1)
        self.companies = CompanyFactory.create_batch(2)
        enrolled(campaign, [ContactFactory(company=one) for one in self.companies for _ in range(5)])
        run(NOON)
        campaigns.edit(row=campaign, changes={"company_limit": 3}, by=None, at=NOON)
        return campaign

    def of_company(self):
        """Of each, who begins or has begun, in the order in which they came."""
        walks = [Enrollment.objects.filter(company=one).order_by("id") for one in self.companies]
        return ["".join("-" if walk.state == "pending" and not walk.wake_at else "x" for walk in of) for of in walks]

    def test_a_chunk_is_given_at_once_and_the_rest_by_itself(self, campaign):
        assert self.of_company() == ["xxx--", "x----"]
        assert places.unfinished() == [campaign.pk]
        with clock.standing_at(NOON):
            tasks.take_people_in()
        assert self.of_company() == ["xxx--", "xxx--"]
        assert places.unfinished() == []

    def test_whoever_comes_meanwhile_waits_behind_those_who_wait(self, campaign):
        campaign.refresh_from_db()
        late = ContactFactory(company=self.companies[1])
        enrolled(campaign, [late, *ContactFactory.create_batch(1, company=None)])
        assert self.of_company() == ["xxx--", "x-----"]
        assert Enrollment.objects.get(company=None).wake_at == NOON
        while places.unfinished():
            places.give(campaign=campaign.pk, at=NOON)
        assert self.of_company() == ["xxx--", "xxx---"]

    def test_a_limit_that_is_lowered_meanwhile_holds(self, campaign):
        campaigns.edit(row=campaign, changes={"company_limit": 2}, by=None, at=NOON)
        while places.unfinished():
            places.give(campaign=campaign.pk, at=NOON)
        assert self.of_company() == ["xxx--", "xx---"]

    def test_without_a_limit_nobody_is_forgotten(self, campaign):
        campaigns.edit(row=campaign, changes={"company_limit": None}, by=None, at=NOON)
        given = []
        while places.unfinished():
            given.append(places.give(campaign=campaign.pk, at=NOON))
        assert self.of_company() == ["xxxxx"] * 2
        assert given == [2, 2, 0]
