"""Links that people open: what is kept of it, whose walk hears of it, and where that leads."""

from datetime import timedelta

import pytest

from campaigns.models import Attempt, Enrollment, Happening, Message
from campaigns.services import clicks, counting, evidence
from campaigns.services.engine import batches, claiming
from campaigns.tests import sending
from campaigns.tests.clicking import CLICK, LOOKS, MINUTE, clicked, handed_over, told_to_send
from campaigns.tests.drawings import drawing, edge, node
from campaigns.tests.factories import AttemptFactory, EnrollmentFactory, HappeningFactory, MessageFactory
from campaigns.tests.sending import send
from campaigns.tests.walks import assert_replays, run, walk_of
from config.testing import NOON, WAITED
from crm.tests.factories import ContactFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
carrier, account = sending.carrier, sending.account


def now(message):
    return Message.objects.get(pk=message.pk)


class TestWhereItLeads:
    def test_whoever_waits_for_a_click_goes_on_with_it(self):
        (walk,) = told_to_send()
        message = handed_over(walk)
        run(NOON)
        assert walk_of(walk).node.key == "click"

        clicked(message)
        run(NOON + MINUTE)

        walk = walk_of(walk)
        assert (walk.state, walk.status.name, walk.last["outcome"], walk.last["channel"]) == (
            "completed", "Needs BDR", "link_click", "email",
        )  # fmt: skip
        assert_replays(walk)
        assert sum(counted.get("held", 0) for counted in counting.by_node(walk.campaign).values()) == 0

    def test_whoever_does_not_click_is_too_late(self):
        (walk,) = told_to_send()
        message = handed_over(walk)
        run(NOON)
        run(NOON + 3 * DAY)
        clicked(message, NOON + 3 * DAY)
        run(NOON + 4 * DAY)

        assert (walk_of(walk).state, walk_of(walk).reason) == ("completed", "“Silent”")
        assert now(message).clicked_at == NOON + 3 * DAY

    @pytest.mark.parametrize("state", ["dispatching", "uncertain", "accepted", "delivered", "undelivered"])
    def test_whoever_clicks_before_the_engine_knows_that_they_got_it_has_clicked(self, state):
        """Also where we do not know it ourselves: nobody opens what they did not get."""
        (walk,) = told_to_send()
        message = handed_over(walk, state)

        clicked(message)
        run(NOON)

        assert (walk_of(walk).state, walk_of(walk).status.name) == ("completed", "Needs BDR")
        assert now(message).state == {"delivered": state, "undelivered": state}.get(state, "accepted")
        assert_replays(walk)

    @pytest.mark.parametrize("elsewhere", ["wait", "wait_for", "sms_send"])
    def test_a_click_that_nobody_waits_for_moves_nobody_and_can_be_asked_for(self, elsewhere):
        drawn = drawing(
            node("mail", "email_send"), node("on", elsewhere), node("ask", "branch"),
            node("bdr", "stage", status="Needs BDR"), node("end", "exit"), "mail>on",
            *(["on:happened>end", "on:timeout>ask"] if elsewhere == "wait_for" else ["on>ask"]),
            edge("ask:clicked>bdr", fact="last.outcome", value="link_click", **{"is": "equal"}), "ask:else>end",
        )  # fmt: skip
        (walk,) = told_to_send(drawn)
        message = handed_over(walk)
        run(NOON)
        before = walk_of(walk)

        clicked(message)
        run(NOON + MINUTE)

        walk = walk_of(walk)
        where = ("state", "node_id", "visit", "wake_at", "wake_rule", "reason", "ended_at")
        assert [getattr(walk, name) for name in where] == [getattr(before, name) for name in where]
        assert (walk.last["outcome"], walk.last["channel"]) == ("link_click", "email")
        assert not Message.objects.filter(state="cancelled").exists()
        assert_replays(walk)
        if elsewhere != "sms_send":
            run(NOON + 4 * DAY)
            assert walk_of(walk).status.name == "Needs BDR"

    def test_a_click_before_the_wait_for_it_leads_on_once_they_come_there(self):
        drawn = drawing(
            node("mail", "email_send"), node("rest", "wait"), CLICK, node("bdr", "stage", status="Needs BDR"),
            node("end", "exit"), "mail>rest", "rest>click", "click:happened>bdr", "click:timeout>end", "bdr>end",
        )  # fmt: skip
        (walk,) = told_to_send(drawn)
        message = handed_over(walk)
        run(NOON)
        clicked(message)
        run(NOON + MINUTE)
        assert walk_of(walk).node.key == "rest"
        run(NOON + 2 * DAY)
        assert (walk_of(walk).state, walk_of(walk).status.name) == ("completed", "Needs BDR")
        assert_replays(walk)

    def test_a_second_mail_of_the_same_walk_is_another_one_to_click_in(self):
        drawn = drawing(
            node("mail", "email_send"), CLICK, node("again", "email_send"),
            node("second", "wait_for", event="link_click"), node("bdr", "stage", status="Needs BDR"),
            node("end", "exit"), "mail>click", "click:happened>again", "click:timeout>end", "again>second",
            "second:happened>bdr", "second:timeout>end",
        )  # fmt: skip
        (walk,) = told_to_send(drawn)
        first = handed_over(walk)
        clicked(first)
        run(NOON)
        second = handed_over(walk)
        run(NOON)
        clicked(first, NOON + 2 * MINUTE)
        run(NOON)
        assert walk_of(walk).node.key == "second"
        clicked(second, NOON + 3 * MINUTE)
        run(NOON)
        assert walk_of(walk).status.name == "Needs BDR"

    @pytest.mark.parametrize("kind", ["call_outcome", "link_click"])
    def test_whoever_needs_somebody_still_does_and_the_reason_stays(self, kind):
        (walk,) = told_to_send()
        Enrollment.objects.filter(pk=walk.pk).update(state="parked", reason="There is no content.", wake_at=None)
        HappeningFactory(contact=walk.contact, kind=kind, enrollment=walk)
        run(NOON)
        assert (walk_of(walk).state, walk_of(walk).reason) == ("parked", "There is no content.")


class TestWhoHears:
    def test_it_is_the_walk_that_sent_it_and_none_of_another_campaign(self):
        person = ContactFactory(email="alex@example.com")
        (mine,), (other,) = told_to_send(LOOKS, person), told_to_send(LOOKS, person)
        messages = [handed_over(walk) for walk in (mine, other)]
        run(NOON)

        clicked(messages[0])
        run(NOON + MINUTE)

        assert [walk_of(walk).state for walk in (mine, other)] == ["completed", "waiting"]
        assert walk_of(other).last["outcome"] == "accepted"
        assert [now(message).clicked_at for message in messages] == [NOON + MINUTE, None]
        told = Happening.objects.get()
        assert (told.kind, told.contact, told.enrollment_id, told.cause) == (
            "link_click", person, mine.pk, messages[0].pk,
        )  # fmt: skip

    def test_a_click_in_what_an_earlier_run_sent_is_none_of_this_one(self):
        old = EnrollmentFactory()
        message = MessageFactory(enrollment=old, channel="email", state="accepted", ever_dispatched=True)
        AttemptFactory(message=message, token=str(message.pk), provider="email", outcome="accepted")
        Enrollment.objects.filter(pk=old.pk).update(state="completed", ended_at=NOON)
        EnrollmentFactory(campaign=old.campaign, contact=old.contact, run_no=2)

        clicked(message)

        assert now(message).clicked_at == NOON + MINUTE
        assert not Happening.objects.exists()

    def test_no_walk_hears_of_a_click_in_what_somebody_sent_by_hand(self):
        (walk,) = told_to_send()
        message = MessageFactory(by_hand=True, contact=walk.contact, channel="email", state="accepted")
        AttemptFactory(message=message, token=str(message.pk), provider="email", outcome="accepted")
        clicked(message)
        assert now(message).clicked_at == NOON + MINUTE
        assert not Happening.objects.exists()

    def test_a_mail_scanner_is_nobody(self):
        (walk,) = told_to_send()
        message = handed_over(walk, "uncertain")

        clicked(message, automatic=True)
        run(NOON + MINUTE)

        assert (now(message).state, now(message).clicked_at) == ("accepted", None)
        assert (walk_of(walk).state, walk_of(walk).node.key) == ("waiting", "click")
        assert not Happening.objects.exists()


class TestWhatIsKept:
    @pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 1, 3)])
    def test_the_first_click_in_whatever_order_they_are_told(self, order):
        (walk,) = told_to_send()
        message = handed_over(walk)
        for minutes in order:
            clicked(message, NOON + minutes * MINUTE)
        assert now(message).clicked_at == NOON + MINUTE
        assert Happening.objects.count() == 1

    def test_what_is_told_again_changes_nothing(self):
        (walk,) = told_to_send()
        message = handed_over(walk)
        clicked(message)
        before = now(message).updated_at
        clicked(message)
        clicked(message, NOON + DAY)
        assert now(message).updated_at == before

    def test_it_proves_that_something_was_sent_after_all(self):
        (walk,) = told_to_send()
        message = handed_over(walk, "rejected")
        clicked(message)
        assert (now(message).state, now(message).anomaly) == ("accepted", "late_evidence")
        assert Attempt.objects.get().outcome == "accepted"

    @pytest.mark.parametrize("named", [{"token": "a stranger's"}, {"reference": "theirs"}, {}])
    def test_a_click_in_what_is_not_ours_is_refused(self, named):
        with pytest.raises(evidence.NotOurs):
            clicks.keep(provider="email", clicked_at=NOON, at=NOON, **named)

    def test_it_is_found_by_the_reference_of_its_provider(self):
        message = MessageFactory(channel="email", state="accepted", ever_dispatched=True)
        AttemptFactory(message=message, provider="email", outcome="accepted", reference="theirs")
        clicks.keep(provider="email", reference="theirs", clicked_at=NOON, at=NOON)
        assert now(message).clicked_at == NOON


@pytest.mark.django_db(transaction=True)
class TestTooLateOrNot:
    """The click and the time-out take the same walk: one of them moves it."""

    def test_the_time_comes_while_the_click_is_heard(self, between):
        (walk,) = told_to_send()
        message = handed_over(walk)
        run(NOON)
        clicked(message)
        late = between("engine.before_commit", lambda: claiming.due(walk.campaign, at=NOON + 3 * DAY, size=9))

        assert batches.heard(at=NOON + 3 * DAY) == 1
        run(NOON + 3 * DAY)

        assert late == [[]]
        assert walk_of(walk).status.name == "Needs BDR"
        assert_replays(walk)

    def test_a_click_waits_while_the_gate_decides_about_the_next_message(self, between, carrier, account):
        drawn = drawing(node("mail", "email_send"), node("sms", "sms_send"), node("end", "exit"), "mail>sms", "sms>end")
        (walk,) = told_to_send(drawn)
        message = handed_over(walk)
        run(NOON)
        found = between("send.before_mark", lambda: clicked(message))
        send()
        assert (found, now(message).clicked_at) == ([WAITED], None)

    def test_the_click_is_heard_while_the_time_comes(self, between):
        (walk,) = told_to_send()
        message = handed_over(walk)
        run(NOON)

        def hear():
            clicked(message)
            batches.heard(at=NOON + 3 * DAY)

        between("engine.before_commit", hear)
        assert batches.due(walk.campaign_id, at=NOON + 3 * DAY) == 1
        run(NOON + 3 * DAY)

        assert (walk_of(walk).state, walk_of(walk).reason) == ("completed", "“Silent”")
        assert not Happening.objects.filter(handled_at=None).exists()
        assert_replays(walk)
