"""Of one company as many are on their way as the campaign says, and whoever leaves frees a place for the next."""

from datetime import timedelta

import pytest

from campaigns.models import Campaign, Enrollment, Message
from campaigns.services import campaigns, handling
from campaigns.tests.drawings import drawing, node
from campaigns.tests.walks import begun, enrolled, run, settle
from config.testing import NOON
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
