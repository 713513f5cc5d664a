"""What the engine hears of people, between two looks or late: it leads their walks on, or ends them, once."""

from datetime import timedelta

import pytest
from django.db import connection

from campaigns.models import EnrollmentEvent, Message, Settlement
from campaigns.services import counting
from campaigns.services.engine import batches, news
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import HappeningFactory
from campaigns.tests.walks import FUNNEL, assert_replays, begun, enrolled, run, settle, walk_of
from config.kernel import prepared
from config.testing import NOON
from crm.models import Contact
from crm.tests.factories import ContactFactory, SuppressionFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
ASKING = drawing(
    node("sms", "sms_send"), node("ask", "wait_for"), node("again", "sms_send"),
    node("bdr", "stage", status="Needs BDR"), node("end", "exit", reason="Silent"),
    "sms>ask", "ask:happened>bdr", "ask:timeout>again", "again>end",
)  # fmt: skip


def answered_at_once(drawn):
    """Somebody gets the first message of ``drawn`` and answers, before the engine has heard of either."""
    campaign = begun(drawn)
    (walk,) = enrolled(campaign)
    run(NOON)
    settle("accepted", NOON)
    HappeningFactory(contact=walk.contact)
    run(NOON)
    return campaign, walk_of(walk)


def assert_over_in_order(walk):
    """Its history says so, and at no node anybody is counted as standing there."""
    assert_replays(walk)
    assert sum(counted.get("held", 0) for counted in counting.by_node(walk.campaign).values()) == 0


def test_whoever_answers_before_the_engine_knows_that_they_got_it_has_answered_it():
    campaign, walk = answered_at_once(ASKING)
    assert (walk.state, walk.status.name, walk.last["outcome"]) == ("completed", "Needs BDR", "reply")
    assert not Settlement.objects.exists()
    assert_replays(walk)
    by_key = {n.key: counting.by_node(campaign).get(n.pk, {}) for n in campaign.graph.nodes.all()}
    assert (by_key["sms"]["held"], by_key["ask"].get("held", 0), by_key["ask"]["passed"]) == (0, 0, 1)


def test_an_answer_that_is_faster_than_the_note_of_what_was_sent_waits_for_it():
    (walk,) = enrolled(begun(ASKING))
    run(NOON)
    Message.objects.update(state="claimed")
    Message.objects.update(state="dispatching", ever_dispatched=True)
    HappeningFactory(contact=walk.contact)
    run(NOON)
    assert walk_of(walk).state == "waiting_send"
    Message.objects.update(state="accepted", settled_at=NOON)
    run(NOON)
    assert (walk_of(walk).state, walk_of(walk).status.name) == ("completed", "Needs BDR")


def test_what_the_same_wake_was_about_to_send_does_not_go_out_to_whoever_has_answered():
    two = drawing(node("sms", "sms_send"), node("next", "sms_send"), node("end", "exit"), "sms>next", "next>end")
    _, walk = answered_at_once(two)
    assert (walk.state, walk.reason) == ("exited", "replied")
    assert Message.objects.count() == 1
    assert_over_in_order(walk)


def test_an_answer_ends_the_walk_and_takes_back_what_has_not_gone_out():
    campaign = begun(FUNNEL)
    (walk,) = enrolled(campaign)
    run(NOON)
    news = HappeningFactory(contact=walk.contact)
    run(NOON)
    message = Message.objects.get()
    assert (walk_of(walk).reason, message.state) == ("replied", "cancelled")
    assert not Settlement.objects.exists()
    news.refresh_from_db()
    assert news.handled_at == NOON


@pytest.mark.parametrize(
    ("event", "news"), [("call_outcome", ["call_outcome", "reply"]), ("reply", ["reply", "reply"])]
)
def test_of_what_happens_between_two_looks_nothing_is_passed_over(event, news):
    """Heard together it ends as heard one by one: the answer ends the walk that the first news has led on."""
    drawn = drawing(
        node("ask", "wait_for", event=event), node("sms", "sms_send"), node("end", "exit"),
        "ask:happened>sms", "ask:timeout>end", "sms>end",
    )  # fmt: skip
    campaign = begun(drawn)
    (walk,) = enrolled(campaign)
    run(NOON)
    for kind in news:
        HappeningFactory(contact=walk.contact, kind=kind)
    run(NOON)
    assert (walk_of(walk).state, walk_of(walk).reason) == ("exited", "replied")
    assert not Message.objects.exists()
    assert_over_in_order(walk)


def test_what_has_ended_stays_as_it_ended_whatever_comes_late():
    campaign = begun(FUNNEL)
    (walk,) = enrolled(campaign)
    run(NOON)
    settle("uncertain", NOON)
    HappeningFactory(contact=walk.contact)
    run(NOON)
    Contact.objects.filter(pk=walk.contact_id).update(do_not_text=True)
    Message.objects.update(state="delivered", settled_at=NOON + DAY)
    run(NOON + DAY)
    assert (walk_of(walk).reason, walk_of(walk).ended_at) == ("replied", NOON)
    assert EnrollmentEvent.objects.filter(enrollment=walk, kind="exited").count() == 1
    assert not Settlement.objects.exists()


def test_a_suppression_since_they_were_enrolled_stops_them_and_an_older_one_does_not():
    campaign = begun(FUNNEL)
    new, old = ContactFactory(phone="+15125550101"), ContactFactory(phone="+15125550102")
    SuppressionFactory(endpoint=old.points.get().endpoint, at=NOON - DAY)
    walks = {walk.contact_id: walk for walk in enrolled(campaign, [new, old])}
    SuppressionFactory(endpoint=new.points.get().endpoint, at=NOON)
    for contact in (new, old):
        HappeningFactory(contact=contact, kind="reachability")
    run(NOON)
    assert walk_of(walks[new.pk]).reason == "suppressed"
    assert walk_of(walks[old.pk]).state == "waiting_send"


@pytest.mark.django_db(transaction=True)
def test_what_one_engine_has_heard_no_other_one_follows(between):
    """Followed twice, an answer that was waited for would end the walk that it has led on."""
    (walk,) = enrolled(begun(ASKING))
    HappeningFactory(contact=walk.contact)
    others = between("engine.before_commit", lambda: batches.heard(at=NOON))
    assert batches.heard(at=NOON) == 1
    assert others == [0]


CALLED_THEN_ANSWERED = drawing(
    node("call", "wait_for", event="call_outcome"), node("ask", "wait_for"), node("bdr", "stage", status="Needs BDR"),
    node("end", "exit"), "call:happened>ask", "call:timeout>end", "ask:happened>bdr", "ask:timeout>end", "bdr>end",
)  # fmt: skip


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("meanwhile", [False, True])
def test_no_engine_follows_what_came_later_before_another_one_has_followed_what_came_first(between, meanwhile):
    """The first engine is still at somebody else's campaign: it holds no walk of theirs yet."""
    other, them = sorted(ContactFactory.create_batch(2), key=lambda person: person.pk)
    enrolled(begun(CALLED_THEN_ANSWERED), [other])
    (walk,) = enrolled(begun(CALLED_THEN_ANSWERED), [them])
    run(NOON)
    for contact in (other, them):
        HappeningFactory(contact=contact, kind="call_outcome")
    if not meanwhile:
        HappeningFactory(contact=them)

    def follow():
        if meanwhile:
            HappeningFactory(contact=them)
        return batches.heard(at=NOON)

    others = between("engine.after_claim", follow)
    batches.heard(at=NOON, size=2)
    run(NOON)

    assert others == [0]
    assert (walk_of(walk).state, walk_of(walk).status.name) == ("completed", "Needs BDR")


def test_what_came_after_an_answer_that_cannot_be_followed_yet_waits_behind_it():
    (walk,) = enrolled(begun(ASKING))
    run(NOON)
    settle("dispatching", NOON)
    HappeningFactory(contact=walk.contact)
    HappeningFactory(contact=walk.contact, kind="call_outcome")
    assert batches.heard(at=NOON) == 0
    Message.objects.update(state="accepted", settled_at=NOON)
    assert batches.heard(at=NOON) == 2


def test_what_is_for_another_walk_waits_behind_nothing_that_a_campaign_left_out_has_to_hear():
    (left_out,) = enrolled(begun(ASKING))
    (walk,) = enrolled(begun(ASKING), [left_out.contact])
    run(NOON)
    without = [left_out.campaign_id]
    for one in (left_out, walk):
        HappeningFactory(contact=walk.contact, kind="link_click", enrollment=one)
    assert batches.heard(at=NOON, without=without) == 1
    HappeningFactory(contact=walk.contact)
    HappeningFactory(contact=walk.contact, kind="link_click", enrollment=walk)
    assert batches.heard(at=NOON, without=without) == 0, "the answer is for both of them"
    assert batches.heard(at=NOON) == 3


def test_news_are_looked_up_by_whose_they_are_though_planned_while_nothing_is_new():
    """The plan is kept: what is new is read once, in its order, and never all of it for each of them."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    plan = [line for (line,) in prepared.rows(f"EXPLAIN {news._NEWS}", {"size": batches.FEW, "without": []})]
    first, *others = [place for place, line in enumerate(plan) if " on campaigns_happening " in line]
    assert "LockRows" in plan[first - 1], "it stops where it has enough"
    assert len(others) == 5
    assert all("Index Cond: (" in plan[at + 1] and "contact_id = " in plan[at + 1] for at in others), plan
