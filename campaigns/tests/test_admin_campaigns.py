"""Campaigns and accounts in the back office: what pages say, what buttons do, and what is hidden from whom."""

from datetime import date

import pytest

from campaigns.models import (
    CallTask,
    Campaign,
    Enrollment,
    EnrollmentRun,
    Message,
    SendingAccount,
    SendingStop,
    Template,
)
from campaigns.services import campaigns
from campaigns.tests import office
from campaigns.tests.drawings import drawing, node
from campaigns.tests.office import draft, messages_of, said
from campaigns.tests.scenes import a_campaign, a_version
from campaigns.tests.walks import begun, enrolled, run
from config.kernel import clock
from config.testing import NOON
from crm.tests.backoffice import ask, form_of, list_url, page_url, signed_in
from crm.tests.factories import ContactFactory, UserFactory

pytestmark = pytest.mark.django_db
boss, window = office.boss, office.window


def test_the_page_of_a_campaign_says_who_stands_where(window, boss):
    page = said(window.get(page_url(a_campaign(people=30, owner=boss))))
    assert "55 here" not in page
    assert "30 passed" in page
    assert "1 blocked" in page
    assert 'Received RSVP</a></span><span class="cl-track"><i style="width: 13.33%">' in page
    assert "30 contacts of a list" in page
    assert "Its graph is that of the version that it was made of." in page


def test_the_funnel_of_a_campaign_in_which_people_begin_again_tells_of_rounds(window):
    campaign = begun(drawing(node("end", "exit")), reentry="ended")
    assert "Nobody is in it yet." in said(window.get(page_url(campaign)))
    (walk,) = enrolled(campaign)
    assert "1 person in all" in said(window.get(page_url(campaign)))
    run(NOON)
    enrolled(campaign, [walk.contact])
    page = said(window.get(page_url(campaign)))
    assert "2 rounds of 1 person" in page
    assert 'No Activity</a></span><span class="cl-track"><i style="width: 100.00%">' in page


@pytest.mark.parametrize(
    "label", ["campaigns.campaign", "campaigns.enrollment", "campaigns.message", "campaigns.calltask"]
)
def test_a_list_costs_the_same_queries_however_long_it_is(window, boss, label, django_assert_max_num_queries):
    version = a_version()
    costs = []
    for number in (2, 12):
        for index in range(number):
            row = campaigns.create(name=f"C{number}.{index}", version=version, by=boss, at=NOON)
            walk = Enrollment.objects.create(
                campaign=row, graph=row.graph, contact=ContactFactory(), enrolled_at=NOON, wake_at=NOON
            )
            Message.objects.create(
                direction="inbound", channel="sms", contact=walk.contact, state="received", not_before=NOON,
                campaign=row, enrollment=walk,
            )  # fmt: skip
            CallTask.objects.create(
                enrollment=walk, node=row.graph.nodes.first(), visit=1, contact=walk.contact, priority=3
            )
        with django_assert_max_num_queries(30) as queries:
            window.get(list_url(label))
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_a_campaign_is_begun_in_the_back_office(window, boss):
    a_version()
    template = Template.objects.get(name="Open house")
    new = {
        "template": str(template.pk), "name": "Friday", "event_date": "2026-12-04", "event_time": "18:30",
        "reentry": "never", "reentry_days": "90", "spread_minutes": "60",
    }  # fmt: skip
    answer = window.post("/admin/campaigns/campaign/add/", new, follow=True)
    row = Campaign.objects.get(name="Friday")
    assert (row.status, row.owner, row.version.template, row.event_date) == ("draft", boss, template, date(2026, 12, 4))
    assert "Start" in said(answer)
    answer = window.post("/admin/campaigns/campaign/add/", {**new, "name": "FRIDAY"})
    assert "Taken." in said(answer)


def test_what_its_status_forbids_is_not_to_be_edited(window, boss):
    row = campaigns.start(row=draft(boss), by=boss, at=NOON)
    form = form_of(window, f"{page_url(row)}?tab=edit")
    window.post(page_url(row), {**form, "name": "Renamed", "event_date": "2027-01-01"})
    row.refresh_from_db()
    assert (row.name, row.event_date) == ("Renamed", None)


def test_a_rep_runs_what_is_theirs_and_sees_why_not_else(boss):
    rep = UserFactory(bdr=True, name="Rae Rep")
    theirs, window = draft(boss), signed_in(rep)
    page = said(window.get(page_url(theirs)))
    assert "Open house is not yours: its owner, its sender and admins run it." in page
    assert "?tab=edit" not in page
    answer = ask(window, theirs, "start")
    assert any("not yours" in one for one in messages_of(answer))
    mine = campaigns.create(name="Mine", version=theirs.version, by=rep, at=NOON)
    ask(window, mine, "start")
    mine.refresh_from_db()
    assert mine.status == "active"
    assert window.get(f"/admin/campaigns/campaign/{mine.pk}/do/archive/").status_code == 403
    assert window.get(list_url("campaigns.sendingaccount")).status_code == 403


def test_with_a_sender_its_pages_do_not_exist_for_others(boss):
    row = a_campaign(people=3, owner=boss)
    Campaign.objects.update(sender=boss)
    window = signed_in(UserFactory(bdr=True))
    walk, run = Enrollment.objects.first(), EnrollmentRun.objects.first()
    assert [window.get(page_url(one)).status_code for one in (row, walk, run)] == [404] * 3
    assert "Open house in Austin" not in said(window.get(list_url("campaigns.campaign")))
    message = Message.objects.first()
    message.contact.owner = None  # type: ignore[union-attr]  # of a walk
    message.contact.save()  # type: ignore[union-attr]  # what goes out has a contact
    page = said(window.get(page_url(message)))
    assert "Open house in Austin" not in page


def test_a_rep_sees_no_names_of_a_colleagues_people(boss):
    row = a_campaign(people=3, owner=boss)
    window = signed_in(UserFactory(bdr=True))
    assert window.get(page_url(row)).status_code == 200
    assert window.get(page_url(Enrollment.objects.first())).status_code == 404
    assert "Barford" not in said(window.get(f"{list_url('campaigns.enrollment')}?campaign={row.pk}"))


def test_a_first_start_lets_people_begin_and_a_resumption_lets_go_what_was_held(window, boss):
    row = campaigns.start(row=draft(boss), by=boss, at=clock.now())
    page = said(window.get(page_url(row)))
    assert "People begin" in page
    assert "Letting go" not in page
    row = campaigns.pause(row=row, by=boss, at=clock.now())
    campaigns.resume(row=row, by=boss, at=clock.now())
    page = said(window.get(page_url(row)))
    assert "Letting go what was held" in page
    assert "People begin" not in page


def test_an_account_is_set_up_changed_and_opened_again(window):
    new = {"name": "Team", "channel": "sms", "provider": "sms", "address": "512 555 0100", "per_second": "2",
           "per_day": "100", "is_active": "on"}  # fmt: skip
    window.post("/admin/campaigns/sendingaccount/add/", new)
    row = SendingAccount.objects.get()
    assert (row.address, row.per_second) == ("+15125550100", 2)
    assert "Taken." in said(window.post("/admin/campaigns/sendingaccount/add/", new))
    wrong = window.post("/admin/campaigns/sendingaccount/add/", {**new, "address": "nobody"})
    assert "This is not a telephone number." in said(wrong)
    wrong = window.post("/admin/campaigns/sendingaccount/add/", {**new, "provider": "voice"})
    assert "There are: sms." in said(wrong)
    form = form_of(window, f"{page_url(row)}?tab=edit")
    assert "From 0.001 to 10,000." in said(window.post(page_url(row), {**form, "per_second": "0"}))
    SendingAccount.objects.update(open_until=NOON, open_reason="Suspended")
    ask(window, row, "reopen")
    row.refresh_from_db()
    assert (row.open_until, row.open_reason) == (None, "")


def test_what_is_simulated_is_labelled_wherever_it_sends(window, boss):
    row = a_campaign(people=6, owner=boss)
    message = Message.objects.get(state="uncertain")
    for url in (page_url(row), page_url(message), page_url(message.account), list_url("campaigns.sendingaccount")):
        assert 'title="Nobody is reached by it.">Simulated carrier' in said(window.get(url)), url


def test_a_sender_is_offered_to_leave_and_not_to_take_the_campaign(boss):
    lent = UserFactory(bdr=True)
    row = draft(boss, sender=lent)
    edits, mine = f"{page_url(row)}?tab=edit", signed_in(lent)
    form = mine.get(edits).context["adminform"].form
    assert form.fields["owner"].disabled
    assert [choice.value for choice, _ in list(form.fields["sender"].choices)[1:]] == [lent.pk]
    mine.post(page_url(row), {**form_of(mine, edits), "owner": str(lent.pk), "sender": ""})
    row.refresh_from_db()
    assert (row.owner, row.sender) == (boss, None)


def test_the_brake_is_of_messages_wherever_it_is_offered(window):
    adds = "/admin/campaigns/sendingstop/add/"
    form = window.get(adds).context["adminform"].form
    assert [value for value, _ in form.fields["channel"].choices] == ["", "sms", "email", "voicemail"]
    assert "Calls go on." in said(window.get(adds))
    window.post(adds, {"reason": "Wrong text", "channel": "call"})
    assert not SendingStop.objects.exists()


def test_a_stop_of_all_sending_is_seen_on_every_campaign_that_runs(window, boss):
    row = a_campaign(people=3, owner=boss)
    window.post("/admin/campaigns/sendingstop/add/", {"reason": "Wrong text", "channel": ""})
    assert "No message goes out" in said(window.get(page_url(row)))
    stop = SendingStop.objects.get()
    assert stop.by == boss
    assert "No message goes out" in said(window.get(page_url(stop)))
    again = window.post("/admin/campaigns/sendingstop/add/", {"reason": "Again", "channel": ""})
    assert "Sending is stopped already." in said(again)
    ask(window, stop, "lift")
    assert "No message goes out" not in said(window.get(page_url(row)))
    assert signed_in(UserFactory(bdr=True)).get("/admin/campaigns/sendingstop/add/").status_code == 403
