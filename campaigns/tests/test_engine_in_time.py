"""Whoever has news moves with that: what was kept before anybody looked at a time-out is followed in its place."""

from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction

from campaigns.choices import HappeningKind
from campaigns.models import Campaign, Enrollment, EnrollmentEvent, Happening, Message, Setback, Settlement
from campaigns.services import happenings
from campaigns.services.engine import batches, claiming, news, running
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import HappeningFactory, MessageFactory
from campaigns.tests.walks import begun, enrolled, run, settle, walk_of
from config.kernel import prepared
from config.kernel.ids import born_at, first_uuid7_at, uuid7
from config.testing import NOON
from crm.tests.factories import ContactFactory

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ASKING = drawing(
    node("ask", "wait_for"), node("bdr", "stage", status="Needs BDR"), node("end", "exit", reason="Silent"),
    "ask:happened>bdr", "ask:timeout>end",
)  # fmt: skip


def asked(people=1):
    """Return the walks of so many who wait for an answer, and when that is over."""
    walks = enrolled(begun(ASKING), people)
    run(NOON)
    return walks, walk_of(walks[0]).wake_at


def ways():
    return Counter(EnrollmentEvent.objects.filter(node__key="ask", kind="passed").values_list("exit", flat=True))


def test_however_many_answers_wait_to_be_heard_none_is_too_late():
    walks, end = asked(batches.FEW + 5)
    for walk in walks:
        HappeningFactory(contact=walk.contact, at=end - HOUR)
    run(end + HOUR)
    assert ways() == {"happened": len(walks)}
    assert not Happening.objects.new().exists()


def test_an_answer_is_in_time_though_it_is_followed_only_after_another_message_has_gone_out():
    (walk,), end = asked()
    MessageFactory(by_hand=True, contact=walk.contact, state="dispatching", ever_dispatched=True, tries=1)
    HappeningFactory(contact=walk.contact, at=end - HOUR)
    run(end)
    assert walk_of(walk).state == "waiting"
    Message.objects.filter(state="dispatching").update(state="accepted", settled_at=end)
    run(end)
    assert ways() == {"happened": 1}


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_another_engine_hears_just_now_is_in_time(threads):
    _, end = asked()
    HappeningFactory(contact=Enrollment.objects.get().contact, at=end - HOUR)
    with transaction.atomic():
        Happening.objects.select_for_update().get()
        threads(lambda: run(end))
    run(end)
    assert ways() == {"happened": 1}


def test_whoever_has_news_neither_begins_nor_is_told_of_their_message_without_it():
    campaign = begun(drawing(node("sms", "sms_send"), node("next", "sms_send"), "sms>next"))
    one, another = enrolled(campaign, 2)
    HappeningFactory(contact=one.contact)
    assert batches.due(campaign.pk, at=NOON) == 1
    settle("accepted", NOON)
    HappeningFactory(contact=another.contact)
    assert batches.settled(campaign.pk, at=NOON) == 0
    run(NOON)
    assert {walk_of(walk).reason for walk in (one, another)} == {"replied"}
    assert not Settlement.objects.exists()


def test_with_a_pace_whoever_has_answered_before_they_begin_takes_nobodys_turn():
    campaign = begun(ASKING, starts_per_day=1)
    first, second = enrolled(campaign, 2)
    HappeningFactory(contact=first.contact)
    assert batches.beginning(campaign.pk, at=NOON) == 1
    assert [walk_of(walk).state for walk in (first, second)] == ["pending", "waiting"]


class TestOfNewsFromBeforeTheyWereEnrolled:
    @pytest.fixture
    def person(self):
        person = ContactFactory(phone="+15125550134")
        enrolled(begun(ASKING), [person])
        return person

    def enrolled_again(self, person):
        (walk,) = enrolled(begun(ASKING), [person])
        return walk

    @pytest.mark.parametrize("held_up", [True, False])
    def test_an_answer_is_nothing_for_them(self, person, held_up):
        """The message that is on its way puts off what they have answered."""
        if held_up:
            MessageFactory(by_hand=True, contact=person, state="dispatching", ever_dispatched=True, tries=1)
        HappeningFactory(contact=person)
        walk = self.enrolled_again(person)
        run(NOON)
        assert walk_of(walk).state == "waiting"

    def test_that_they_want_to_hear_nothing_any_more_ends_every_walk(self, person):
        HappeningFactory(contact=person, kind="opt_out")
        walk = self.enrolled_again(person)
        assert batches.due(walk.campaign_id, at=NOON) == 0
        run(NOON)
        assert walk_of(walk).reason == "opted_out"

    def test_they_wait_for_no_campaign_that_enrolled_them_since_nor_does_it_wait_for_them(self, person):
        HappeningFactory(contact=person)
        walk = self.enrolled_again(person)
        assert news.waiting_in([walk.campaign_id]) == []
        assert batches.heard(at=NOON, without=[walk.campaign_id]) == 1


class TestOfAClockThatIsSetMeanwhile:
    """B15: ids are of the clock of the database, and do not say which came first."""

    def kept(self, person, born):
        happenings.keep(contacts=[person.pk], kind=HappeningKind.REPLY, cause=uuid7(), at=NOON, data={"channel": "sms"})
        Happening.objects.update(id=first_uuid7_at(born))

    def test_an_answer_after_it_was_set_back_stops_the_walk_of_whoever_was_enrolled_before(self):
        (walk,) = enrolled(begun(drawing(node("sms", "sms_send"), node("wait", "wait"), "sms>wait")))
        run(NOON)
        settle("accepted", NOON)
        run(NOON)
        self.kept(walk.contact, born_at(walk.pk) - HOUR)
        assert batches.due(walk.campaign_id, at=NOON + 9 * DAY) == 0
        run(NOON + 9 * DAY)
        assert (walk_of(walk).state, walk_of(walk).reason) == ("exited", "replied")

    def test_an_answer_from_before_it_was_set_back_is_nothing_for_whoever_is_enrolled_after(self):
        (walk,) = enrolled(begun(ASKING))
        self.kept(walk.contact, born_at(walk.pk) + DAY)
        (again,) = enrolled(begun(ASKING), [walk.contact])
        run(NOON)
        assert [walk_of(each).state for each in (walk, again)] == ["exited", "waiting"]

    def test_news_are_told_in_the_order_in_which_they_were_kept(self):
        (walk,) = enrolled(begun(ASKING))
        for number in range(3):
            HappeningFactory(id=first_uuid7_at(NOON - number * HOUR), contact=walk.contact, at=NOON + number * HOUR)
        ((*told,),) = news.claim(size=9).by_contact.values()
        assert [happened.at for _, _, happened in told] == [NOON, NOON + HOUR, NOON + 2 * HOUR]


def test_news_of_one_walk_hold_up_no_other_of_theirs():
    (walk,), end = asked()
    (other,) = enrolled(begun(ASKING), [walk.contact])
    HappeningFactory(contact=walk.contact, kind="link_click", enrollment=other)
    assert batches.due(walk.campaign_id, at=end) == 1


def test_whether_anybody_has_news_is_looked_up_by_who_they_are_though_planned_while_nothing_is_new():
    """The plan is kept, whatever is asked then: it never reads all news there are for each of them."""
    told = {"campaign": uuid7(), "epoch": 0, "at": NOON, "size": batches.SIZE}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    plan = [line for (line,) in prepared.rows(f"EXPLAIN {claiming._DUE}", told)]
    assert any("Index Cond: (contact_id = e.contact_id)" in line for line in plan), plan


def broken():
    raise ValueError("a bad row")


def too_slow():
    prepared.run("SET LOCAL statement_timeout = 1", {})
    prepared.rows("SELECT pg_sleep(1)", {})


def cannot_hear(monkeypatch, campaign, how=broken, *people):
    """Let nothing be followed in this campaign, or nothing of these people there."""
    hearing = claiming.hearing

    def fails(row, told):
        if row.pk == campaign and (not people or told.by_contact.keys() & people):
            how()
        return hearing(row, told)

    monkeypatch.setattr(claiming, "hearing", fails)


@pytest.mark.parametrize("how", [broken, too_slow])
def test_a_campaign_whose_news_cannot_be_followed_keeps_nobody_else_waiting(monkeypatch, how):
    """Neither the news of others nor whose time has come there; and it hears of its own later."""
    (bad,), end = asked()
    (good,) = enrolled(begun(ASKING))
    run(NOON)
    (idle,) = enrolled(Campaign.objects.get(pk=bad.campaign_id))
    for walk in (bad, good):
        HappeningFactory(contact=walk.contact, at=end - HOUR)
    with monkeypatch.context() as failing:
        cannot_hear(failing, bad.campaign_id, how)
        run(end)
        assert [walk_of(walk).state for walk in (bad, good, idle)] == ["waiting", "completed", "waiting"]
        assert walk_of(idle).node.key == "ask"
        (setback,) = Setback.objects.all()
        assert (setback.campaign_id, setback.what, setback.tries) == (bad.campaign_id, "Following news", 1)
        run(end)
        assert Setback.objects.get().tries == 1, "it has a pause"
    run(setback.retry_at)
    assert ways() == {"happened": 2}
    assert not Setback.objects.exists()
    assert not Happening.objects.new().exists()


def test_whoever_has_worked_long_enough_says_that_there_is_more():
    walks, end = asked(3)
    assert running.run(at=end, patience=-1, size=1) == (1, True)
    assert running.run(at=end, size=1) == (2, False)
    assert {walk_of(walk).state for walk in walks} == {"completed"}


@pytest.mark.parametrize("elsewhere", [True, False])
def test_its_pauses_grow_whatever_else_is_followed_before_its_turn_comes(monkeypatch, elsewhere):
    """News of others, in other campaigns or in this one, fill the batches; once all of it is followed it is over."""
    others, unlucky = ContactFactory.create_batch(2), ContactFactory()
    campaign = begun(ASKING)
    enrolled(begun(ASKING) if elsewhere else campaign, others)
    enrolled(campaign, [unlucky])
    run(NOON)
    monkeypatch.setattr(batches, "heard", partial(batches.heard, size=1))
    HappeningFactory(contact=unlucky)
    at, tries = NOON, []
    with monkeypatch.context() as failing:
        cannot_hear(failing, campaign.pk, broken, unlucky.pk)
        for _ in range(4):
            for contact in others:
                HappeningFactory(contact=contact, kind="call_outcome")
            run(at)
            setback = Setback.objects.get()
            at, tries = setback.retry_at, [*tries, setback.tries]
    assert tries == [1, 2, 3, 4]
    run(at)
    assert not Setback.objects.exists()
    assert not Happening.objects.new().exists()
