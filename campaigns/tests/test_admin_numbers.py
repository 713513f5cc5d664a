"""What the numbers and names on pages of campaigns lead to: exactly to what they say."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.admin import accounts as pages
from campaigns.models import CallTask, Message
from campaigns.services import accounts
from campaigns.services.dispatch import accounts as pacing
from campaigns.tests import office
from campaigns.tests.factories import CampaignFactory, EnrollmentFactory, MessageFactory, SendingAccountFactory
from campaigns.tests.office import said
from campaigns.tests.scenes import a_campaign
from config.kernel import clock
from config.testing import NOON
from crm.tests.backoffice import list_url, page_url, signed_in
from crm.tests.factories import ContactFactory, UserFactory

pytestmark = pytest.mark.django_db
boss, window = office.boss, office.window
LIST = list_url("campaigns.message")


def of_messages(page):
    """The numbers on a page that lead to messages, by their addresses."""
    found = re.findall(rf'href="({re.escape(LIST)}\?[^"]+)">([\d,]+)<', page)
    return {unescape(address): int(number) for address, number in found}


def rows_of(window, address):
    return list(window.get(address).context["cl"].result_list)


def test_every_number_of_messages_leads_to_exactly_those(window, boss):
    row = a_campaign(people=20, owner=boss)
    first, second = Message.objects.filter(state="delivered").order_by("id")[:2]
    Message.objects.filter(pk__in=[first.pk, second.pk]).update(clicked_at=NOON, answered_at=NOON)
    Message.objects.filter(pk=first.pk).update(opted_out_at=NOON)
    MessageFactory(enrollment=first.enrollment, node=first.node, channel=first.channel, visit=9, state="undelivered",
                   ever_dispatched=True)  # fmt: skip
    MessageFactory(state="rejected", ever_dispatched=True)  # of another campaign
    found = of_messages(said(window.get(page_url(row))))
    assert {address: len(rows_of(window, address)) for address in found} == found
    asked = {re.search(r"became=(\w+)", address)[1] for address in found}  # type: ignore[index]  # each asks for it
    assert asked >= {"written", "blocked", "failed", "undelivered", "lost", "unsure", "delivered", "handed_over"}
    assert asked >= {"clicked", "answered", "opted_out"}


def test_a_rep_is_led_to_messages_to_people_whom_they_see(boss):
    rep = UserFactory(bdr=True)
    row = CampaignFactory()
    owners = (rep, None, UserFactory(bdr=True))
    mine, free, _ = (
        MessageFactory(enrollment=EnrollmentFactory(campaign=row, contact=ContactFactory(owner=owner)))
        for owner in owners
    )
    for address in (f"{LIST}?campaign={row.pk}", f"{LIST}?campaign={row.pk}&became=waiting"):
        assert rows_of(signed_in(rep), address) == [free, mine]
        assert len(rows_of(signed_in(boss), address)) == 3
    assert rows_of(signed_in(rep), f"{LIST}?node={mine.node_id}&became=waiting") == [mine]
    row.sender = boss
    row.save()
    assert rows_of(signed_in(rep), f"{LIST}?node={mine.node_id}&became=waiting") == []


def test_only_a_rep_is_told_that_lists_show_fewer_than_the_numbers_say(boss):
    row = CampaignFactory()
    EnrollmentFactory(campaign=row, contact=ContactFactory(owner=boss))
    for who, told in ((boss, 0), (UserFactory(bdr=True), 1)):
        assert said(signed_in(who).get(page_url(row))).count("lists show yours and nobody") == told


def test_a_call_leads_to_the_campaign_that_asks_for_it_and_its_page_to_the_walk(window, boss):
    walk = EnrollmentFactory(campaign=CampaignFactory(owner=boss))
    task = CallTask.objects.create(enrollment=walk, contact=walk.contact, node=walk.node, visit=1, priority=1)
    for address in (list_url("campaigns.calltask"), page_url(task)):
        assert f'href="{page_url(walk.campaign)}">{walk.campaign}<' in said(window.get(address)), address
    assert f'href="{page_url(walk)}">Open<' in said(window.get(page_url(task)))
    walk.campaign.sender = boss
    walk.campaign.save()
    for address in (list_url("campaigns.calltask"), page_url(task)):
        hidden = said(signed_in(UserFactory(bdr=True)).get(address))
        assert str(walk.campaign_id) not in hidden
        assert str(walk.pk) not in hidden


@pytest.mark.parametrize(
    ("became", "change", "index"),
    [
        ("lost", {"state": "rejected", "ever_dispatched": True}, "campaigns_message_amiss"),
        ("not_sent", {"state": "expired"}, "campaigns_message_amiss"),
        ("unsure", {"state": "uncertain", "ever_dispatched": True}, "campaigns_message_amiss"),
        ("clicked", {"clicked_at": NOON}, "campaigns_message_heard"),
        ("opted_out", {"opted_out_at": NOON}, "campaigns_message_heard"),
    ],
)
def test_what_few_of_many_became_is_found_by_an_index(window, became, change, index):
    walk = EnrollmentFactory()
    kept = {"direction": "outbound", "channel": "sms", "not_before": NOON, "contact": walk.contact, "enrollment": walk,
            "campaign": walk.campaign, "node": walk.node}  # fmt: skip
    many = (
        Message(dedupe_key=f"t:{n}", visit=n, **{**kept, "state": "accepted", "ever_dispatched": True})
        for n in range(3000)
    )
    Message.objects.bulk_create(many)
    rare = MessageFactory(enrollment=walk, **change)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE campaigns_message")
    with CaptureQueriesContext(connection) as asked:
        found = rows_of(window, f"{LIST}?campaign={walk.campaign_id}&became={became}")
    assert found == [rare]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {next(one['sql'] for one in asked if 'LIMIT 51' in one['sql'])}")
        assert index in str(cursor.fetchall())


def test_the_page_of_an_account_says_how_much_of_its_day_is_used_and_what_waits(window, monkeypatch):
    account = SendingAccountFactory(per_day=1200, failures=2, user=UserFactory(bdr=True, name="Ada Lane"))
    at = clock.now()
    pacing.reserve(
        account_id=account.pk, wanted=[pacing.Wanted(1, at + timedelta(days=1), by=account.user_id)] * 3, at=at
    )
    MessageFactory.create_batch(2, account=account, not_before=at)

    page = said(window.get(page_url(account)))

    for words in ("3 of 1,200", "the day where Ada Lane is", "Batches in a row without success"):
        assert words in page
    assert pacing.sent_today(account_id=account.pk, at=at + timedelta(days=1)) == 0
    assert accounts.waiting(account, most=9) == 2
    monkeypatch.setattr(pages, "MOST", 1)
    assert "More than 1" in said(window.get(page_url(account)))
