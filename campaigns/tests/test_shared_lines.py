"""Several people on one line: it gets each message of a round once, whoever comes first (trust A19)."""

from datetime import timedelta

import pytest

from campaigns.models import ContentTemplate, Enrollment, Message
from campaigns.services import handling
from campaigns.services.dispatch import calling, recording, sweeping
from campaigns.tests import sending
from campaigns.tests.drawings import drawing, node
from campaigns.tests.sending import claim, known, mark, now, send
from campaigns.tests.walks import begun, enrolled, run
from config.kernel import clock
from config.kernel.ids import uuid7
from config.testing import NOON
from crm.models import Contact
from crm.tests.factories import ContactFactory, give_point

pytestmark = pytest.mark.django_db
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
LINE = "+15125550134"
carrier, account = sending.carrier, sending.account


@pytest.fixture
def two() -> list[Contact]:
    first, second = ContactFactory(phone=LINE, first_name=""), ContactFactory(first_name="Bo")
    give_point(second, "phone", LINE)
    return [first, second]


def send_all(at=NOON):
    for second in range(10):
        send(at + timedelta(seconds=second))


def test_whoever_begins_again_gets_no_copy_beside_somebody_who_begins(carrier, account, two):
    """Rounds are counted for each of them: the second of one is beside the first of the other."""
    campaign = begun(drawing(node("sms", "sms_send")), reentry="ended")
    (walk,) = enrolled(campaign, two[:1])
    handling.leave([walk.pk], reason="By mistake", by=None, at=NOON)
    enrolled(campaign, two)
    run(NOON)

    send_all()

    assert len(carrier.ledger()) == 1
    assert Message.objects.filter(reason__startswith="duplicate_address").count() == 1


def test_a_line_that_has_it_gets_no_copy_when_the_other_one_is_tried_again(carrier, account, two):
    ContentTemplate.objects.create(key="named", channel="sms", name="N", body="Hi {{contact.first_name}}")
    campaign = begun(drawing(node("sms", "sms_send", content="named")))
    walks = enrolled(campaign, two)
    run(NOON)
    send_all()
    assert sorted(Enrollment.objects.values_list("state", flat=True)) == ["parked", "waiting_send"]
    Contact.objects.update(first_name="Al")

    handling.retry([walk.pk for walk in walks], by=None, at=NOON)
    run(NOON)
    send_all(NOON + timedelta(minutes=1))

    assert len(carrier.ledger()) == 1


def test_a_line_that_has_it_gets_no_copy_either_when_the_other_one_was_put_off_before(carrier, account, two):
    ContentTemplate.objects.create(key="named", channel="sms", name="N", body="Hi {{contact.first_name}}")
    Contact.objects.update(first_name="Al")
    night = NOON.replace(hour=8)  # two or three in the morning in Austin
    walks = enrolled(begun(drawing(node("sms", "sms_send", content="named"))), two, at=night)
    run(night)
    send_all(night)
    run(night + timedelta(minutes=1))
    Contact.objects.filter(pk=two[1].pk).update(first_name="")
    day = max(walk.wake_at for walk in Enrollment.objects.all())
    run(day)
    send_all(day)
    run(day)
    assert sorted(Enrollment.objects.values_list("state", flat=True)) == ["completed", "parked"]
    Contact.objects.update(first_name="Bo")

    handling.retry([walk.pk for walk in walks], by=None, at=day)
    run(day)
    send_all(day + timedelta(minutes=1))

    assert Message.objects.filter(state="accepted").count() == len(carrier.ledger()) == 1
    assert Message.objects.get(reason__startswith="duplicate_address").visit == 1


class TestOfTwoOfWhomOneWasTriedInVain:
    """The provider was busy when the first was tried; the second has been looked at since."""

    @pytest.fixture(autouse=True)
    def walks(self, carrier, account, two):
        enrolled(begun(drawing(node("sms", "sms_send"))), two)
        run(NOON)
        carrier.behave("busy")
        send_all()
        run(NOON + MINUTE)
        carrier.behave("accept")
        self.first, self.second = Message.objects.get(ever_dispatched=True), Message.objects.get(ever_dispatched=False)
        assert (self.second.state, self.second.reason) == ("pending", "twin_under_way")

    def goes_on(self, minutes=range(2, 30)):
        for minute in minutes:
            send(NOON + minute * MINUTE)
            run(NOON + minute * MINUTE)

    def states(self):
        return [now(self.first).state, now(self.second).state]

    def test_the_line_gets_it_once(self, carrier):
        self.goes_on()

        assert self.states() == ["accepted", "blocked"]
        assert (now(self.second).reason, len(carrier.ledger())) == (f"duplicate_address (as {self.first.pk})", 1)

    @pytest.mark.parametrize("leaves", ["by wish", "by hand"])
    def test_where_it_is_tried_no_more_the_line_gets_it_from_the_other(self, carrier, leaves):
        if leaves == "by wish":
            Contact.objects.filter(pk=self.first.contact_id).update(do_not_text=True)
        else:
            handling.leave([self.first.enrollment_id], reason="Moved away", by=None, at=NOON + MINUTE)
        self.goes_on()

        assert self.states() == ["uncertain", "accepted"]
        assert len(carrier.ledger()) == 1

    def test_a_pause_by_hand_of_the_one_keeps_the_other_waiting_no_longer(self, carrier):
        handling.pause([self.first.enrollment_id], by=None, at=NOON + MINUTE)
        self.goes_on()
        handling.resume([self.first.enrollment_id], by=None, at=NOON + 40 * MINUTE)
        self.goes_on(range(40, 70))

        assert self.states() == ["uncertain", "accepted"]
        assert len(carrier.ledger()) == 1

    def test_it_waits_while_the_other_one_is_handed_over_though_it_was_first(self, carrier, account):
        handling.pause([self.first.enrollment_id], by=None, at=NOON + MINUTE)
        at = NOON + 8 * MINUTE
        (marked,) = mark(account, claim(account, at), at)
        assert marked.message_id == self.second.pk
        handling.resume([self.first.enrollment_id], by=None, at=at)
        run(at)

        send(at + MINUTE / 10)

        assert (now(self.first).state, now(self.first).reason) == ("pending", "twin_under_way")
        told = calling.call(provider=carrier, marked=[marked], decided_at=at, began=clock.monotonic())
        recording.record(told=told, account=known(account), provider=carrier, at=at)
        self.goes_on(range(9, 20))
        assert self.states() == ["uncertain", "accepted"]
        assert len(carrier.ledger()) == 1

    def test_two_that_were_both_tried_in_vain_do_not_wait_for_each_other(self, carrier):
        handling.pause([self.first.enrollment_id], by=None, at=NOON + MINUTE)
        carrier.behave("busy")
        self.goes_on(range(2, 4))
        assert now(self.second).ever_dispatched
        handling.resume([self.first.enrollment_id], by=None, at=NOON + 4 * MINUTE)
        carrier.behave("accept")
        self.goes_on(range(4, 40))

        assert self.states() == ["accepted", "uncertain"]
        assert len(carrier.ledger()) == 1


def test_whom_a_provider_refuses_leaves_the_line_to_the_other(carrier, account, two):
    enrolled(begun(drawing(node("sms", "sms_send"))), two)
    run(NOON)
    carrier.behave("bad_words")
    send()
    carrier.behave("accept")
    send_all()

    assert sorted(Message.objects.values_list("state", flat=True)) == ["accepted", "rejected"]


def test_who_comes_second_waits_while_the_first_is_handed_over_and_is_refused_where_nobody_knows(account, two):
    enrolled(begun(drawing(node("sms", "sms_send"))), two)
    run(NOON)
    first, *_ = mark(account, claim(account))
    send(NOON + timedelta(seconds=2))
    other = Message.objects.exclude(pk=first.message_id).get()
    assert (other.state, other.reason) == ("pending", "twin_under_way")

    sweeping.sweep(at=NOON + 2 * MINUTE)
    send(NOON + 2 * MINUTE)

    assert now(other).reason == f"duplicate_address (as {first.message_id})"


def test_whoever_begins_again_alone_gets_it_again(carrier, account, two):
    campaign = begun(drawing(node("sms", "sms_send")), reentry="ended")
    for at in (NOON, NOON + DAY):
        enrolled(campaign, two[:1], at=at)
        run(at)
        send_all(at)
        run(at + timedelta(minutes=1))

    assert len(carrier.ledger()) == 2


def say(campaign, contacts, at):
    """Enrol these, and let them get it and go."""
    enrolled(campaign, contacts, at=at)
    run(at)
    send_all(at)
    run(at + MINUTE)


def reasons_of(contact):
    return list(Message.objects.filter(contact=contact).order_by("id").values_list("reason", flat=True))


def test_whoever_comes_when_the_other_is_long_through_gets_it_too_and_then_each_in_their_own_time(
    carrier, account, two
):
    """Whatever the numbers of their rounds are."""
    campaign = begun(drawing(node("sms", "sms_send")), reentry="ended")
    for day, who in enumerate([two[:1], two[1:], two[:1], two[1:]]):
        say(campaign, who, NOON + 2 * day * DAY)

    assert len(carrier.ledger()) == 4


def test_where_people_may_begin_again_those_who_are_in_it_together_get_it_once(carrier, account, two):
    drawn = drawing(
        node("sms", "sms_send"), node("wait", "wait", amount=9), node("end", "exit"), "sms>wait", "wait>end"
    )
    campaign = begun(drawn, reentry="ended")
    say(campaign, two[:1], NOON)
    say(campaign, two[1:], NOON + DAY)  # the first one is still in it
    assert reasons_of(two[1])[0].startswith("duplicate_address")

    run(NOON + 9 * DAY)  # and has left now, a week before the second one comes once more
    say(campaign, two[1:], NOON + 16 * DAY)

    assert reasons_of(two[1])[1:] == [""]
    assert len(carrier.ledger()) == 2


def test_whoever_was_in_it_when_the_other_one_came_is_of_the_same_round_though_they_have_left(carrier, account, two):
    campaign = begun(drawing(node("wait", "wait", amount=1), node("sms", "sms_send"), "wait>sms"), reentry="ended")
    enrolled(campaign, two[:1])
    run(NOON)
    enrolled(campaign, two[1:], at=NOON + DAY / 2)
    run(NOON + DAY / 2)
    for at in (NOON + DAY, NOON + DAY + DAY / 2):
        run(at)
        send_all(at)
        run(at + MINUTE)

    assert len(carrier.ledger()) == 1
    assert reasons_of(two[1])[0].startswith("duplicate_address")


def test_where_nobody_begins_again_a_line_gets_it_once_for_ever(carrier, account, two):
    campaign = begun(drawing(node("sms", "sms_send")))
    say(campaign, two[:1], NOON)
    say(campaign, two[1:], NOON + 90 * DAY)

    assert len(carrier.ledger()) == 1
    assert reasons_of(two[1])[0].startswith("duplicate_address")


def test_one_walk_says_it_once_at_a_visit_whatever_it_has_written(carrier, account, two):
    enrolled(begun(drawing(node("sms", "sms_send"))), two[:1])
    run(NOON)
    first = Message.objects.get()
    again = Message.objects.get()
    again.pk, again.dedupe_key = uuid7(), f"{first.dedupe_key}0"
    again.save(force_insert=True)

    send_all()

    assert sorted([now(first).state, now(again).state]) == ["accepted", "blocked"]
    assert len(carrier.ledger()) == 1


def test_a_line_gets_the_message_of_every_visit_once(carrier, account, two):
    drawn = drawing(
        node("sms", "sms_send", when_blocked="advance"), node("more", "jump", rounds=1), node("end", "exit"),
        "sms>more", "more:again>sms", "more:done>end",
    )  # fmt: skip
    enrolled(begun(drawn), two)
    for hour in range(4):
        at = NOON + timedelta(hours=hour)
        run(at)
        send_all(at)
        run(at + timedelta(minutes=1))

    assert len(carrier.ledger()) == 2
