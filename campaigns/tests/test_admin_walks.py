"""Walks, messages and conversations in the back office: what they say, and what people do to them."""

import pytest

from campaigns.models import (
    Conversation,
    Enrollment,
    Message,
    Node,
)
from campaigns.rules.drawings import DrawnNode
from campaigns.tests import office
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import AttemptFactory, CampaignFactory, EnrollmentFactory, MessageFactory
from campaigns.tests.office import messages_of, said
from campaigns.tests.scenes import a_campaign
from campaigns.tests.walks import assert_replays, begun, enrolled, run
from config.testing import NOON
from crm.tests.backoffice import ask, list_url, page_url, signed_in
from crm.tests.factories import ContactFactory, UserFactory

pytestmark = pytest.mark.django_db
boss, window = office.boss, office.window


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


@pytest.mark.parametrize("reason", ["meeting", "opted_out", "blocked: suppressed", "goal, reply"])
def test_whoever_is_taken_out_in_words_of_ours_is_told_of_in_their_words(window, reason):
    (walk,) = enrolled(begun(drawing(node("rest", "wait"))))
    ask(window, walk, "leave", reason=reason)
    assert_replays(walk)
    for address in (page_url(walk), f"{list_url('campaigns.enrollment')}?state=exited"):
        page = said(window.get(address))
        assert f"“{reason}”" in page
        never = ("A meeting was booked", "Asked us to stop", "Blocked:", "Reached the goal", "They answered")
        assert [words for words in never if words in page] == []


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
    contact = Enrollment.objects.latest("pk").contact
    page = said(window.get(page_url(contact)))
    assert "Open house in Austin" in page
    assert "/admin/campaigns/conversation/" in page


def test_what_a_rep_may_not_see_of_campaigns_is_named_nowhere(boss):
    rep = UserFactory(bdr=True)
    contact = ContactFactory(owner=rep)
    secret, open_ = (CampaignFactory(name=name, owner=boss, sender=of) for name, of in (("Hush", boss), ("Open", None)))
    hidden, seen = (EnrollmentFactory(campaign=each, contact=contact) for each in (secret, open_))
    message = MessageFactory(contact=contact, enrollment=hidden, campaign=secret, content="hush-prices")
    AttemptFactory(message=message, account__name="Line of Hush")
    window = signed_in(rep)
    pages = [page_url(seen), page_url(message), page_url(contact), list_url("campaigns.message")]
    assert [address for address in pages if "hush" in said(window.get(address)).lower()] == []
    assert said(signed_in(boss).get(page_url(message))).lower().count("hush") > 2
    assert str(message.pk) in said(window.get(list_url("campaigns.message")))
    assert str(message.pk) not in said(window.get(f"{list_url('campaigns.message')}?campaign={secret.pk}"))
    assert str(message.pk) in said(signed_in(boss).get(f"{list_url('campaigns.message')}?campaign={secret.pk}"))


def test_a_list_of_people_is_of_the_campaign_that_was_asked_for_however_many_there_are(window, monkeypatch):
    monkeypatch.setattr("campaigns.admin.enrollments.OFFERED", 1)
    old, new = (EnrollmentFactory(campaign=CampaignFactory(name=name)) for name in ("Older", "Newer"))
    page = window.get(f"{list_url('campaigns.enrollment')}?campaign={old.campaign_id}")
    shown = page.context["cl"]
    assert list(shown.result_list) == [old]
    options = [text for _, text in shown.filter_specs[0].control.options]
    assert options == ["Newer", "Older"]
    assert messages_of(page) == []
    ticked = {"_selected_action": [str(old.pk), str(new.pk)], "action": "leave", "confirmed": "1", "reason": "Moved"}
    window.post(f"{list_url('campaigns.enrollment')}?campaign={old.campaign_id}", ticked)
    assert Enrollment.objects.get(state="exited") == old


def test_of_a_campaign_that_is_not_seen_or_not_there_a_list_shows_nobody_and_says_so(boss):
    hidden = EnrollmentFactory(campaign=CampaignFactory(name="Hush", owner=boss, sender=boss))
    rep = UserFactory(bdr=True)
    mine = EnrollmentFactory(contact=ContactFactory(owner=rep))
    window, people = signed_in(rep), list_url("campaigns.enrollment")
    for asked in (f"campaign={hidden.campaign_id}", f"campaign={mine.pk}", "campaign=this", f"status={mine.pk}"):
        page = window.get(f"{people}?{asked}")
        assert not page.context["cl"].result_list, asked
        assert ["nothing is shown" in one for one in messages_of(page)] == [True], asked
        assert "Hush" not in said(page)
    assert list(window.get(people).context["cl"].result_list) == [mine]


@pytest.mark.parametrize(("name", "shown"), [("Invited & answered", "Invited &amp; answered"), ("", "rsvp")])
def test_the_list_of_people_shows_the_stage_beside_the_status(window, name, shown):
    stage = DrawnNode("rsvp", "stage", name, {"status": "Received RSVP"})
    enrolled(begun(drawing(stage, node("rest", "wait"), "rsvp>rest")), 2)
    run(NOON)
    cell = f'Received RSVP <span class="cl-soft">{shown}</span>'
    assert said(window.get(list_url("campaigns.enrollment"))).count(cell) == 2


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
    assert "The number must be left alone" in page


def test_lists_say_why_and_blocked_messages_are_found_by_it(window, boss):
    a_campaign(people=12, owner=boss)
    blocked = Message.objects.get(state="blocked")
    people, messages = list_url("campaigns.enrollment"), list_url("campaigns.message")
    assert "There is no content &#x27;open-house-text&#x27;." in said(window.get(f"{people}?state=parked"))
    found = said(window.get(f"{messages}?blocked_by=endpoint_suppressed"))
    assert page_url(blocked) in found
    assert 'class="cl-soft">The number must be left alone' in found
    assert page_url(blocked) not in said(window.get(f"{messages}?blocked_by=no_consent"))
    Message.objects.filter(pk=blocked.pk).update(reason="no_account")
    assert "There is no account that sends on its channel" in said(window.get(f"{messages}?blocked_by=no_account"))
    Message.objects.filter(pk=blocked.pk).update(channel="email", reason="no_callable_number")
    assert "No e-mail address" in said(window.get(f"{messages}?blocked_by=no_callable_number"))


def test_whoever_has_no_address_left_because_of_an_e_mail_and_not_of_a_number(window):
    walk = EnrollmentFactory(state="exited", reason="blocked: no_callable_number")
    pages = [page_url(walk), page_url(walk.contact), f"{list_url('campaigns.enrollment')}?state=exited"]
    for kind, words in [("email_send", "No e-mail address"), ("sms_send", "No number to call")]:
        Node.objects.filter(pk=walk.node_id).update(type=kind)
        for page in pages:
            assert f"Blocked: {words}" in said(window.get(page)), page
