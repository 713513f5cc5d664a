"""Whoever is parked may be paused by hand as well: then nothing leads them on before somebody resumes them."""

import pytest

from campaigns.models import EnrollmentEvent, Message
from campaigns.services import handling, marking
from campaigns.tests import office, over_http, sending, test_parked
from campaigns.tests.office import said
from campaigns.tests.sending import send
from campaigns.tests.test_parked import HOUR, PHONE, SAYING, answers
from campaigns.tests.test_unheard import ASKING
from campaigns.tests.walks import assert_replays, begun, enrolled, run, walk_of
from config.testing import NOON
from crm.tests.backoffice import ask, list_url, page_url
from crm.tests.factories import CompanyFactory, ContactFactory, UserFactory

pytestmark = pytest.mark.django_db
carrier, account, park = sending.carrier, sending.account, test_parked.park
boss, window, caller = office.boss, office.window, over_http.caller


def handled(walk, verb, at=NOON):
    marking.handle(walk_of(walk), verb, by=UserFactory(admin=True), at=at)
    assert_replays(walk)
    return walk_of(walk)


def test_their_answer_is_followed_and_nothing_goes_out_before_they_are_resumed(park, carrier, account):
    (walk,) = enrolled(begun(ASKING), [ContactFactory(phone=PHONE)])
    run(NOON)
    park(walk)
    reason = walk_of(walk).reason

    here = handled(walk, handling.pause)
    assert (here.state, here.reason, here.wake_rule) == ("parked", reason, {"paused": True})
    here = answers(walk)
    assert (here.state, here.node.key) == ("paused", "thanks")
    send(NOON)
    assert carrier.rows() == []

    handled(walk, handling.resume, NOON + HOUR)
    run(NOON + HOUR)
    send(NOON + HOUR)
    assert len(carrier.rows()) == 1


def test_whatever_else_happens_leaves_them_both(park):
    (walk,) = enrolled(begun(ASKING))
    run(NOON)
    park(walk)
    handled(walk, handling.pause)

    here = answers(walk, kind="link_click")
    assert (here.state, here.wake_rule) == ("parked", {"paused": True})


@pytest.mark.parametrize("is_paused_first", [True, False])
def test_resumed_they_are_parked_for_the_same_reason_and_an_answer_leads_them_on(park, is_paused_first):
    (walk,) = enrolled(begun(ASKING))
    run(NOON)
    if is_paused_first:
        handled(walk, handling.pause)
    park(walk)
    if not is_paused_first:
        handled(walk, handling.pause)
    reason = walk_of(walk).reason

    here = handled(walk, handling.resume)
    assert (here.state, here.reason, here.wake_rule) == ("parked", reason, None)
    assert answers(walk).state == "waiting_send"


def test_who_paused_and_resumed_them_is_in_their_history(park, boss):
    (walk,) = enrolled(begun(ASKING))
    run(NOON)
    park(walk)
    for verb in (handling.pause, handling.resume):
        assert verb([walk.pk], by=boss, at=NOON) == 1

    told = EnrollmentEvent.objects.filter(enrollment=walk, by=boss).order_by("id")
    kinds = list(told.values_list("kind", "state", "node__key"))
    assert kinds == [("paused", "parked", "ask"), ("resumed", "parked", "ask")]


def test_nobody_is_paused_or_resumed_twice(park):
    (walk,) = enrolled(begun(ASKING))
    run(NOON)
    park(walk)
    with pytest.raises(marking.NothingToDo, match="They are not paused"):
        handled(walk, handling.resume)
    handled(walk, handling.pause)
    with pytest.raises(marking.NothingToDo, match="They are paused already"):
        handled(walk, handling.pause)


@pytest.mark.parametrize("times", [1, 2])
def test_whoever_was_paused_by_hand_before_is_paused_where_it_leads(park, times):
    (walk,) = enrolled(begun(ASKING))
    run(NOON)
    handling.pause([walk.pk], by=None, at=NOON)
    for _ in range(times):
        park(walk)

    here = answers(walk)
    assert (here.state, here.paused_from, here.node.key) == ("paused", "active", "thanks")
    assert not Message.objects.exists()
    handling.resume([walk.pk], by=None, at=NOON + HOUR)
    run(NOON + HOUR)
    assert (walk_of(walk).state, walk_of(walk).node.key) == ("waiting_send", "thanks")


def test_whoever_had_answered_and_is_paused_by_hand_has_answered_too(park):
    (walk,) = enrolled(begun(ASKING))
    run(NOON)
    handling.pause([walk.pk], by=None, at=NOON)
    answers(walk)
    park(walk)

    assert answers(walk).state == "parked"
    handling.retry([walk.pk], by=None, at=NOON)
    handling.resume([walk.pk], by=None, at=NOON)
    assert answers(walk).state == "waiting_send", "they hear it first"


def test_what_they_could_not_follow_is_kept_through_a_pause_and_its_end(park):
    (walk,) = enrolled(begun(ASKING))
    run(NOON)
    park(walk, kind="reply")
    for verb in (handling.pause, handling.resume):
        assert handled(walk, verb).last["unheard"]

    assert answers(walk, kind="call_outcome").state == "waiting_send"


class TestWhoeverIsTriedAgain:
    def test_stays_paused_until_they_are_resumed(self, park, carrier, account):
        (walk,) = enrolled(begun(SAYING), [ContactFactory(phone=PHONE)])
        run(NOON)
        park(walk)
        handled(walk, handling.pause)

        here = handled(walk, handling.retry)
        assert (here.state, here.paused_from, here.reason) == ("paused", "waiting_send", "")
        run(NOON)
        send(NOON)
        assert carrier.rows() == []
        assert handled(walk, handling.resume).state == "waiting_send"
        send(NOON)
        assert len(carrier.rows()) == 1

    def test_is_sent_nothing_anew_before_they_are_resumed(self, park):
        (walk,) = enrolled(begun(SAYING))
        run(NOON)
        park(walk)
        handled(walk, handling.pause)
        Message.objects.update(state="cancelled")

        assert handled(walk, handling.retry).state == "paused"
        run(NOON)
        assert Message.objects.count() == 1
        handled(walk, handling.resume)
        run(NOON)
        assert (walk_of(walk).state, Message.objects.count()) == ("waiting_send", 2)

    def test_hears_what_they_could_not_follow_and_goes_on_once_they_are_resumed(self, park):
        (walk,) = enrolled(begun(ASKING))
        run(NOON)
        handled(walk, handling.pause)
        park(walk, kind="reply")

        handled(walk, handling.retry)
        run(NOON)
        assert (walk_of(walk).state, walk_of(walk).node.key) == ("paused", "thanks")
        handled(walk, handling.resume)
        run(NOON)
        assert walk_of(walk).state == "waiting_send"

    def test_begins_once_they_are_resumed_if_they_never_have(self, park):
        (walk,) = enrolled(begun(ASKING))
        park(walk)
        handled(walk, handling.pause)

        here = handled(walk, handling.retry)
        assert (here.state, here.paused_from) == ("paused", "pending")
        handled(walk, handling.resume)
        run(NOON)
        assert (walk_of(walk).state, walk_of(walk).node.key) == ("waiting", "ask")

    def test_leaves_their_place_to_a_colleague_if_they_have_never_begun(self, park):
        company = CompanyFactory()
        people = [ContactFactory(company=company) for _ in range(2)]
        first, second = enrolled(begun(ASKING, company_limit=1), people)
        park(first)
        handled(first, handling.pause)
        run(NOON)
        assert walk_of(second).wake_at is None

        handled(first, handling.retry)
        run(NOON)
        assert (walk_of(first).state, walk_of(second).state) == ("paused", "waiting")


def test_in_the_back_office_they_are_shown_as_both_and_may_be_resumed(park, window):
    walks = enrolled(begun(ASKING), 2)
    run(NOON)
    for walk in walks:
        park(walk)
    assert _buttons(window, walks[0]) == ["retry", "status", "pause", "leave"]

    ticked = {"_selected_action": [str(walk.pk) for walk in walks], "action": "pause", "confirmed": "1"}
    window.post(list_url("campaigns.enrollment"), ticked, follow=True)
    both = "Needs somebody</span> <span"
    for address, times in ((page_url(walks[0]), 1), (list_url("campaigns.enrollment"), 2)):
        page = said(window.get(address))
        assert (page.count(both), page.count(">Paused</span>")) == (times, times), page
    assert _buttons(window, walks[0]) == ["retry", "status", "resume", "leave"]
    ask(window, walks[0], "resume")
    assert (walk_of(walks[0]).state, walk_of(walks[0]).wake_rule) == ("parked", None)


def _buttons(window, walk):
    page = said(window.get(page_url(walk)))
    return [verb for verb in ("retry", "status", "pause", "resume", "leave") if f"/do/{verb}/" in page]


def test_over_http_they_are_told_as_both(park, caller):
    walk, other = enrolled(begun(ASKING), 2)
    run(NOON)
    park(walk)
    handling.pause([other.pk], by=None, at=NOON)
    path = f"enrollments/{walk.pk}/"
    for verb, is_paused in (("pause", True), ("resume", False)):
        status, told = caller.send("post", f"{path}{verb}/", {})
        assert (status, told["state"], told["paused"]) == (200, "parked", is_paused)
        (listed,) = caller.send("get", "enrollments/?state=parked")[1]["results"]
        assert listed["paused"] is is_paused
    assert caller.send("get", f"enrollments/{other.pk}/")[1]["paused"] is True
