"""Campaigns in the back office: what their pages say, what their buttons do, and what is hidden from whom."""

from datetime import date
from typing import Any

import pytest
from django.test import Client

from campaigns.models import (
    Campaign,
    Conversation,
    Enrollment,
    EnrollmentRun,
    Message,
    Node,
    SendingAccount,
    SendingStop,
    Template,
)
from campaigns.services import campaigns, enrolling
from campaigns.tests.factories import EnrollmentFactory
from campaigns.tests.scenes import a_campaign, a_version, some_people
from config.kernel import clock
from config.testing import NOON
from crm.models import User
from crm.tests.backoffice import ask, form_of, list_url, page_url, signed_in
from crm.tests.factories import ContactFactory, ProjectContactFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss() -> User:
    return UserFactory(admin=True, name="Ada Admin")


@pytest.fixture
def window(boss: User) -> Client:
    return signed_in(boss)


def said(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def messages_of(answer: Any) -> list[str]:
    return [str(one) for one in answer.context["messages"]]


def draft(owner: User, **fields: Any) -> Campaign:
    return campaigns.create(name="Open house", version=a_version(), by=owner, at=NOON, **fields)


# Pages


def test_the_page_of_a_campaign_says_who_stands_where(window, boss):
    page = said(window.get(page_url(a_campaign(people=30, owner=boss))))
    assert "55 here" not in page
    assert "30 passed" in page
    assert "1 blocked" in page
    assert 'Received RSVP</a></span><span class="cl-track"><i style="width: 13.33%">' in page
    assert "30 contacts of a list" in page
    assert "Its graph is that of the version that it was made of." in page


def test_the_history_of_a_walk_is_told_in_plain_words(window, boss):
    row = a_campaign(people=12, owner=boss)
    walk = Enrollment.objects.filter(campaign=row, state="waiting", node__key="rest").first()
    page = said(window.get(page_url(walk)))
    assert "Left “Has a phone?” by" in page
    assert "Left “Do they answer?” by too late" in page
    assert "Came to “Give them time”" in page
    assert "their time: 2 days after “Do they answer?”" in page
    assert "It was delivered." in page
    parked = said(window.get(page_url(Enrollment.objects.get(state="parked"))))
    assert "There is no content" in parked
    assert "Try again" in parked


def test_a_conversation_is_a_thread_and_is_read(window, boss):
    a_campaign(people=12, owner=boss)
    thread = Conversation.objects.filter(unread__gt=0).first()
    page = said(window.get(page_url(thread)))
    assert page.count('class="cl-bubble"') == thread.messages.count()
    assert page.index("cl-ours") < page.index("cl-theirs")
    ask(window, thread, "read")
    thread.refresh_from_db()
    assert thread.unread == 0


def test_text_of_strangers_is_never_markup(window, boss):
    a_campaign(people=3, owner=boss)
    thread = Conversation.objects.first()
    Message.objects.create(
        direction="inbound", channel="sms", contact=thread.contact, conversation=thread, state="received",
        body="<script>alert(1)</script>", not_before=NOON,
    )  # fmt: skip
    assert "<script>alert" not in said(window.get(page_url(thread)))


def test_the_page_of_a_contact_leads_to_their_campaigns(window, boss):
    a_campaign(people=3, owner=boss)
    contact = Enrollment.objects.first().contact  # type: ignore[union-attr]  # three
    page = said(window.get(page_url(contact)))
    assert "Open house in Austin" in page
    assert "/admin/campaigns/conversation/" in page


@pytest.mark.parametrize("label", ["campaigns.campaign", "campaigns.enrollment", "campaigns.message"])
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
        with django_assert_max_num_queries(30) as queries:
            window.get(list_url(label))
        costs.append(len(queries))
    assert costs[0] == costs[1]


# Writing


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
    message.contact.save()  # type: ignore[union-attr]
    page = said(window.get(page_url(message)))
    assert "Open house in Austin" not in page


def test_a_rep_sees_no_names_of_a_colleagues_people(boss):
    row = a_campaign(people=3, owner=boss)
    window = signed_in(UserFactory(bdr=True))
    assert window.get(page_url(row)).status_code == 200
    assert window.get(page_url(Enrollment.objects.first())).status_code == 404
    assert "Barford" not in said(window.get(f"{list_url('campaigns.enrollment')}?campaign={row.pk}"))


# Verbs


def enrol(window: Client, row: Campaign, **answers: Any) -> Any:
    return window.post(f"/admin/campaigns/campaign/{row.pk}/do/enroll/", answers, follow=True)


def account() -> tuple[int, int]:
    run = EnrollmentRun.objects.latest("pk")
    enrolling.take(run.pk, at=clock.now())
    run.refresh_from_db()
    return run.asked, run.enrolled


def test_people_are_enrolled_by_a_project_a_filter_or_a_list(window, boss):
    row = draft(boss)
    people = some_people(6)
    pair = ProjectContactFactory(project=ProjectFactory(project_id="P-7"), contact=people[0])
    enrol(window, row, project=pair.project.project_id)
    assert account() == (1, 1)
    enrol(window, row, source="permits", search="hartson")
    assert account() == (0, 0)
    enrol(window, row, source="permits", lifecycle="new")
    assert account() == (6, 5)
    enrol(window, row, lines="walker1@example.com, (512) 555-1002")
    assert account() == (2, 0)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, "Say whom: by what they are, by an intake, or by a list; by one of them."),
        (
            {"source": "a", "lines": "walker1@example.com"},
            "Say whom: by what they are, by an intake, or by a list; by one of them.",
        ),
        ({"project": "P-0"}, "There is no such project, or none that you may see."),
        ({"lines": "walker1@example.com\nx@example.com;?"}, "Nobody whom you see is reached by x@example.com, ?."),
        ({"lines": "x@example.com", "leave_out": "on"}, "Nobody of the list was found."),
    ],
)
def test_an_enrolment_that_means_nobody_says_so_in_its_form(window, boss, answers, expected):
    row = draft(boss)
    some_people(2)
    assert expected in said(enrol(window, row, **answers))
    assert not EnrollmentRun.objects.exists()


def test_a_rep_finds_no_colleagues_people_in_a_pasted_list(boss):
    rep = UserFactory(bdr=True)
    row = draft(rep)
    some_people(2, boss)
    page = said(enrol(signed_in(rep), row, lines="walker1@example.com"))
    assert "Nobody whom you see is reached by walker1@example.com." in page
    assert not EnrollmentRun.objects.exists()


def test_while_an_enrolment_runs_all_of_the_page_is_asked_for_again(window, boss):
    row = draft(boss)
    some_people(3)
    page = said(enrol(window, row, source="permits"))
    again = f'hx-get="{page_url(row)}" hx-trigger="load delay:3s" hx-select="#content-main" hx-target="#content-main"'
    assert again in page
    assert "Running" in page
    assert "How people came in, on its page, shows how far that is." in page
    assert account() == (3, 3)
    done = said(window.get(page_url(row)))
    assert "3 people in all" in done
    assert "load delay:3s" not in done


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


def test_a_status_is_given_to_a_list_of_people(window, boss):
    row = a_campaign(people=6, owner=boss)
    status = str(row.goal_id)
    answer = ask(window, row, "mark", status=status, lines="walker1@example.com\n512-555-1002")
    assert "1 campaign has the new statuses." in messages_of(answer)
    assert Enrollment.objects.filter(campaign=row, status=status, state="exited").count() == 2


def test_walks_are_handled_one_by_one_and_in_lists(window, boss):
    row = a_campaign(people=9, owner=boss)
    walks = list(Enrollment.objects.filter(campaign=row, state="waiting"))
    ask(window, walks[0], "pause")
    ask(window, walks[0], "resume")
    answer = ask(window, walks[0], "leave", reason="Moved away")
    assert "1 person in a campaign taken out." in messages_of(answer)
    answer = ask(window, walks[0], "leave", reason="Again")
    assert "They have left already." in messages_of(answer)
    ticked = {"_selected_action": [str(walk.pk) for walk in walks], "action": "pause", "confirmed": "1"}
    answer = window.post(list_url("campaigns.enrollment"), ticked, follow=True)
    assert f"{len(walks) - 1} people in campaigns paused." in messages_of(answer)
    assert Enrollment.objects.filter(campaign=row, state="paused").count() == len(walks)  # one stood still before


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
    assert "There are: email, sms, voicemail." in said(wrong)
    form = form_of(window, f"{page_url(row)}?tab=edit")
    assert "More than nothing" in said(window.post(page_url(row), {**form, "per_second": "0"}))
    SendingAccount.objects.update(open_until=NOON, open_reason="Suspended")
    ask(window, row, "reopen")
    row.refresh_from_db()
    assert (row.open_until, row.open_reason) == (None, "")


def test_what_is_uncertain_is_decided_in_the_queue(window, boss):
    a_campaign(people=12, owner=boss)
    queue = f"{list_url('campaigns.message')}?unsure=yes"
    sure, presumed = Message.objects.get(state="uncertain"), Message.objects.get(state="not_sent_presumed")
    assert "No answer within 10 s." in said(window.get(page_url(sure)))
    ask(window, sure, "write_off")
    page = said(window.get(queue))
    assert str(presumed.pk) in page
    assert str(sure.pk) not in page
    ask(window, presumed, "resend")
    assert "Nothing matches" in said(window.get(queue))
    assert "Sent again by Ada Admin." in said(window.get(page_url(presumed)))
    assert Message.objects.filter(dedupe_key__startswith=f"resend:{presumed.pk}").count() == 1
    assert "/do/resend/" not in said(window.get(page_url(presumed)))


def test_reasons_are_words(window, boss):
    a_campaign(people=12, owner=boss)
    page = said(window.get(page_url(Message.objects.get(state="blocked"))))
    assert "The number or address must be left alone" in page


def test_lists_say_why_and_blocked_messages_are_found_by_it(window, boss):
    a_campaign(people=12, owner=boss)
    blocked = Message.objects.get(state="blocked")
    people, messages = list_url("campaigns.enrollment"), list_url("campaigns.message")
    assert "There is no content &#x27;open-house-text&#x27;." in said(window.get(f"{people}?state=parked"))
    found = said(window.get(f"{messages}?blocked_by=suppressed"))
    assert page_url(blocked) in found
    assert 'class="cl-soft">The number or address must be left alone' in found
    assert page_url(blocked) not in said(window.get(f"{messages}?blocked_by=no_consent"))
    Message.objects.filter(pk=blocked.pk).update(channel="email", reason="no_callable_number")
    assert "No e-mail address" in said(window.get(f"{messages}?blocked_by=no_callable_number"))


def test_whoever_has_no_address_left_because_of_an_e_mail_and_not_of_a_number(window):
    walk = EnrollmentFactory(state="exited", reason="blocked: no_callable_number")
    pages = [page_url(walk), page_url(walk.contact), f"{list_url('campaigns.enrollment')}?state=exited"]
    for kind, words in [("email_send", "No e-mail address"), ("sms_send", "No number to call")]:
        Node.objects.filter(pk=walk.node_id).update(type=kind)
        for page in pages:
            assert f"Blocked: {words}" in said(window.get(page)), page


def test_what_is_simulated_is_labelled_wherever_it_sends(window, boss):
    row = a_campaign(people=6, owner=boss)
    message = Message.objects.get(state="uncertain")
    for url in (page_url(row), page_url(message), page_url(message.account), list_url("campaigns.sendingaccount")):
        assert 'title="Nobody is reached by it.">Simulated carrier' in said(window.get(url)), url


def test_a_stop_of_all_sending_is_seen_on_every_campaign_that_runs(window, boss):
    row = a_campaign(people=3, owner=boss)
    window.post("/admin/campaigns/sendingstop/add/", {"reason": "Wrong text", "channel": ""})
    assert "Nothing goes out" in said(window.get(page_url(row)))
    stop = SendingStop.objects.get()
    assert stop.by == boss
    again = window.post("/admin/campaigns/sendingstop/add/", {"reason": "Again", "channel": ""})
    assert "Sending is stopped already." in said(again)
    ask(window, stop, "lift")
    assert "Nothing goes out" not in said(window.get(page_url(row)))
    assert signed_in(UserFactory(bdr=True)).get("/admin/campaigns/sendingstop/add/").status_code == 403
