"""How much an account may send: moments that were reserved, days that are full, and what of that is wasted: nothing."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.tests import worlds
from campaigns.models import Attempt, Message, SenderBudget, SendingAccount
from campaigns.services import accounts as editing
from campaigns.services import evidence
from campaigns.services.dispatch import accounts, recording, running
from campaigns.services.dispatch.calling import How, Told
from campaigns.tests import sending
from campaigns.tests.carriers import Carrier
from campaigns.tests.factories import SendingAccountFactory, walking
from campaigns.tests.sending import claim, known, mark, now, send
from config.kernel import clock
from config.testing import NOON, examples
from crm.models import Touch
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
carrier = sending.carrier


def reserve(account, number, at=NOON, segments=1):
    wanted = [accounts.Wanted(segments, at + timedelta(days=1), by=account.user_id)] * number
    return [moment for moment in accounts.reserve(account_id=account.pk, wanted=wanted, at=at).moments if moment]


def test_moments_follow_each_other_at_the_pace_of_the_account():
    account = SendingAccountFactory(per_second=2)

    assert reserve(account, 3) == [NOON, NOON + SECOND / 2, NOON + SECOND]
    assert reserve(account, 1) == [NOON + 1.5 * SECOND]
    assert reserve(account, 1, at=NOON + 60 * SECOND) == [NOON + 60 * SECOND]


def test_a_long_text_takes_the_time_of_its_segments():
    account = SendingAccountFactory(per_second=2)

    assert reserve(account, 2, segments=3) == [NOON, NOON + 1.5 * SECOND]


def test_nothing_is_reserved_later_than_it_can_be_called():
    """DESIGN 16: no more is marked than can be called in five seconds."""
    account = SendingAccountFactory(per_second=2)

    assert len(reserve(account, 50)) == 10
    assert reserve(account, 50) == []
    assert len(reserve(account, 50, at=NOON + SECOND)) == 2


def test_a_slow_account_sends_one_at_a_time():
    account = SendingAccountFactory(per_second=0.1)

    assert reserve(account, 5) == [NOON]
    assert reserve(account, 5, at=NOON + 4 * SECOND) == []
    assert reserve(account, 5, at=NOON + 6 * SECOND) == [NOON + 10 * SECOND]


@pytest.mark.parametrize(("zone", "hours"), [("", 10), ("America/Los_Angeles", 13), ("Not/AZone", 10)])
def test_a_day_that_is_full_ends_at_midnight_where_its_user_is(zone, hours):
    user = UserFactory(bdr=True, time_zone=zone) if zone else None
    account = SendingAccountFactory(per_day=3, user=user)
    midnight = NOON + timedelta(hours=hours)
    walking(account=account)

    assert len(reserve(account, 5)) == 3
    assert reserve(account, 5, at=midnight - SECOND) == []
    (ready,) = accounts.ready(at=midnight - 10 * SECOND)
    assert (ready.room(midnight - 10 * SECOND), ready.rests_for(midnight - 10 * SECOND)) == (0, 10.0)
    assert len(reserve(account, 5, at=midnight)) == 3


def test_whoever_moves_to_the_west_has_no_day_twice():
    user = UserFactory(bdr=True, time_zone="America/New_York")
    account = SendingAccountFactory(per_day=3, user=user)
    at = NOON + timedelta(hours=11)  # one in the morning in New York, ten in the evening in Los Angeles
    assert len(reserve(account, 5, at=at)) == 3

    type(user).objects.update(time_zone="America/Los_Angeles")

    assert reserve(account, 5, at=at + SECOND) == []
    assert reserve(account, 5, at=at + timedelta(hours=3)) == []
    assert len(reserve(account, 5, at=at + timedelta(hours=26))) == 3


class TestWhatCertainlyWasNotSent:
    """D11: it takes no place in the day of its account."""

    def sent(self):
        return SenderBudget.objects.get().sent

    @pytest.mark.parametrize("mode", ["refused", "busy", "suspended", "bad_number"])
    def test_leaves_its_place_to_others(self, carrier, mode):
        SendingAccountFactory(per_day=1)
        carrier.behave(mode)
        walking()
        for hour in range(3):
            send(NOON + timedelta(hours=hour))
        assert self.sent() == 0
        carrier.behave("accept")
        walking()

        send(NOON + timedelta(hours=4))

        assert (len(carrier.ledger()), self.sent()) == (1, 1)

    def test_is_no_longer_counted_once_and_what_may_have_been_sent_is(self, carrier):
        account = SendingAccountFactory(per_day=5)
        [walking() for _ in range(3)]
        first, second, third = mark(account, claim(account))
        told = [Told(first, How.NOT_SENT), Told(second, How.UNCERTAIN), Told(third, How.ACCEPTED, reference="R1")]

        for _ in range(2):
            recording.record(told=told, account=known(account), provider=carrier, at=NOON)
            assert self.sent() == 2

    def test_takes_none_where_its_moment_would_come_too_late(self, carrier):
        SendingAccountFactory(per_day=2, per_second=1)
        messages = [walking(expires_at=NOON + SECOND) for _ in range(5)]
        send()
        assert (
            [now(message).state for message in messages].count("accepted")
            == self.sent()
            == Attempt.objects.count()
            == 1
        )
        later = walking()

        for seconds in range(1, 7):
            send(NOON + seconds * SECOND)

        assert (now(later).state, self.sent()) == ("accepted", 2)

    def test_has_its_place_again_where_it_was_sent_after_all(self, carrier):
        account = SendingAccountFactory(per_day=5)
        first, second = walking(), walking()
        marked = mark(account, claim(account))
        told = [Told(one, How.NOT_SENT) for one in marked]
        recording.record(told=told, account=known(account), provider=carrier, at=NOON)
        assert self.sent() == 0

        for at in (NOON, NOON + SECOND):
            evidence.bind(provider="sms", status="accepted", token=marked[0].outgoing.token, at=at)
        assert self.sent() == 1
        reserve(account, 1, at=NOON + timedelta(days=1))
        evidence.bind(provider="sms", status="delivered", token=marked[1].outgoing.token, at=NOON + timedelta(days=1))

        assert self.sent() == 1
        assert {now(one).anomaly for one in (first, second)} == {"late_evidence"}

    def test_leaves_no_place_of_another_day(self, carrier):
        account = SendingAccountFactory(per_day=3)
        midnight = NOON + timedelta(hours=10)
        walking()
        [marked] = mark(account, claim(account))
        assert len(reserve(account, 2, at=midnight)) == 2

        told = [Told(marked, How.NOT_SENT)]
        recording.record(told=told, account=known(account), provider=carrier, at=midnight)

        assert self.sent() == 2


@pytest.mark.parametrize("change", [{"is_active": False}, {"open_until": NOON + SECOND}])
def test_an_account_that_was_switched_off_or_rests_reserves_nothing(change):
    account = SendingAccountFactory()
    SendingAccount.objects.filter(pk=account.pk).update(**change)

    assert reserve(account, 5) == []


@examples(50)
@given(
    per_second=st.sampled_from([0.3, 1.0, 7.0, 50.0]),
    asked=st.lists(st.tuples(st.floats(0, 3), st.integers(1, 30), st.integers(1, 4)), min_size=1, max_size=12),
)
def test_in_no_stretch_of_time_more_is_reserved_than_the_pace_allows(per_second, asked):
    with worlds.undone():
        account = SendingAccountFactory(per_second=per_second)
        at, used = NOON, []
        for wait, number, segments in asked:
            at += timedelta(seconds=wait)
            used += [(moment, segments) for moment in reserve(account, number, at, segments)]

        for begin in range(len(used)):
            total = 0
            for moment, segments in used[begin:]:
                allowed = (moment - used[begin][0]).total_seconds() * per_second
                assert total <= allowed + 1e-3
                total += segments


def test_what_does_not_fit_waits_and_nothing_of_the_pace_is_spent_on_what_is_blocked(carrier):
    account = SendingAccountFactory(per_second=1)
    messages = [walking(account=account) for _ in range(8)]
    for message in messages[:4]:
        message.contact.do_not_text = True
        message.contact.save()

    send()

    states = [now(message).state for message in messages]
    assert states.count("pending") == 3  # no more than five are even claimed
    assert SenderBudget.objects.get().sent == states.count("accepted") == 1
    send(NOON + SECOND)
    assert [now(message).state for message in messages].count("accepted") == 4
    assert len(carrier.ledger()) == 4


def test_a_full_account_does_not_keep_another_one_waiting(carrier, settings):
    SendingAccountFactory(channel="email", per_day=0)
    SendingAccountFactory()
    email, sms = walking("email"), walking()

    send()

    assert (now(email).state, now(sms).state) == ("pending", "accepted")
    assert not Carrier(**settings.PROVIDERS["email"]["OPTIONS"]).asked()


def test_a_batch_that_finds_its_moments_taken_leaves_nothing_behind(carrier, monkeypatch):
    """Where there is much room the budget is locked last; if others were faster after all, it is begun anew."""
    account = SendingAccountFactory(per_second=1)
    messages = [walking(account=account) for _ in range(8)]
    monkeypatch.setattr(accounts.Account, "is_in_no_hurry", lambda self, at: True)
    monkeypatch.setattr(accounts.Account, "room", lambda self, at: 8)

    send()

    assert [now(message).state for message in messages].count("accepted") == 5
    assert Message.objects.filter(state="pending", ever_dispatched=False).count() == 3
    assert Attempt.objects.count() == Touch.objects.count() == len(carrier.ledger()) == 5


@pytest.mark.parametrize(
    ("old", "new", "segments", "first"),
    [(0.001, 0.1, 1, 10 * SECOND), (0.001, 20, 7, accounts.AHEAD), (20, 0.5, 40, 2 * SECOND), (2, 2, 3, 1.5 * SECOND)],
)
def test_another_pace_holds_at_once_and_what_was_reserved_takes_no_longer_than_at_it(old, new, segments, first):
    account = SendingAccountFactory(per_second=old)
    assert reserve(account, 1, segments=segments) == [NOON]

    editing.edit(row=account, changes={"per_second": new}, by=None, at=NOON)

    soon = NOON + max(first - SECOND, 0 * SECOND)
    assert reserve(account, 1, at=soon) == [NOON + first]
    assert reserve(account, 1, at=NOON + first) == [NOON + first + SECOND / new][: new > 0.2]


def test_a_higher_pace_puts_nothing_between_what_is_on_its_way():
    account = SendingAccountFactory(per_second=10)
    used = reserve(account, 100)
    editing.edit(row=account, changes={"per_second": 20}, by=None, at=NOON)

    later = [moment for seconds in range(1, 8) for moment in reserve(account, 100, at=NOON + seconds * SECOND)]

    assert len(used) == 50
    assert min(later) == NOON + 5 * SECOND
    for second in range(12):
        assert sum(NOON + second * SECOND <= moment < NOON + (second + 1) * SECOND for moment in used + later) <= 20


@pytest.mark.parametrize(("days", "per_day"), [(1, 2), (2, 1), (3, 3), (300, 1)])
def test_an_account_sends_on_after_a_clock_was_wrong_for_a_moment(days, per_day):
    account, wrong = SendingAccountFactory(per_day=per_day), timedelta(days=days)
    walking(account=account)
    assert len(reserve(account, 9, at=NOON + wrong)) == per_day

    (ready,) = accounts.ready(at=NOON)
    assert (ready.room(NOON), ready.rests_for(NOON)) == (per_day, 0)
    assert len(reserve(account, 9)) == per_day
    assert reserve(account, 9, at=NOON + SECOND) == []
    assert len(reserve(account, 9, at=NOON + timedelta(days=1))) == per_day


@pytest.mark.django_db(transaction=True)
def test_an_account_that_is_full_is_not_asked_all_the_time(carrier, monkeypatch):
    SendingAccountFactory(per_day=0)
    walking()
    asked = []
    ready = accounts.ready
    monkeypatch.setattr(accounts, "ready", lambda *, at: asked.append(at) or ready(at=at))

    with clock.standing_at(NOON):
        running.dispatch(seconds=1, pipelines=2)

    assert 2 <= len(asked) <= 8
