"""What dead workers leave, how it is looked for, what ledgers prove, and what people decide (trust A1 to A6, A14)."""

import logging
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from campaigns.models import Attempt, Message
from campaigns.services.dispatch import exits, ledgers, reconciling, sweeping
from campaigns.services.dispatch.sweeping import Swept
from campaigns.tests import carriers, sending
from campaigns.tests.carriers import Carrier
from campaigns.tests.factories import MessageFactory, SendingAccountFactory, walking
from campaigns.tests.sending import claim, mark, now, send
from config.kernel import clock
from config.testing import NOON
from crm.models import Touch
from crm.services.scope import RowGone
from crm.tests.factories import ContactFactory, UserFactory

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
carrier, account = sending.carrier, sending.account


@pytest.fixture
def post(carrier, settings):
    return Carrier(**settings.PROVIDERS["email"]["OPTIONS"])


def reconcile(at):
    with clock.standing_at(at):
        return reconciling.reconcile(at=at)


class TestTheSweeper:
    def test_puts_back_what_was_only_claimed(self, carrier, account):
        message = walking()
        claim(account)
        assert sweeping.sweep(at=NOON + 59 * SECOND) == Swept()

        assert sweeping.sweep(at=NOON + MINUTE) == Swept(back=1)
        send(NOON + MINUTE)

        assert now(message).state == "accepted"
        assert len(carrier.ledger()) == 1

    def test_asks_nobody_again_who_may_have_it(self, carrier, account):
        message = walking()
        mark(account, claim(account))

        assert sweeping.sweep(at=NOON + MINUTE) == Swept(uncertain=1)
        send(NOON + HOUR)

        assert now(message).state == "uncertain"
        assert Attempt.objects.get().outcome == "uncertain"
        assert not carrier.asked()

    def test_asks_a_provider_again_that_knows_the_key(self, post):
        account = SendingAccountFactory(channel="email")
        message = walking("email")
        mark(account, claim(account))

        assert sweeping.sweep(at=NOON + MINUTE) == Swept(back=1)
        send(NOON + MINUTE)

        assert now(message).state == "accepted"
        assert post.ledger() == [str(message.pk)]

    def test_does_not_once_the_key_is_forgotten(self, post):
        account = SendingAccountFactory(channel="email")
        message = walking("email")
        mark(account, claim(account))

        assert sweeping.sweep(at=NOON + 20 * HOUR) == Swept(uncertain=1)
        assert now(message).state == "uncertain"

    def test_ends_what_is_too_late_wherever_it_waits(self, carrier):
        waiting = walking(expires_at=NOON + HOUR, account=SendingAccountFactory(is_active=False))

        assert sweeping.sweep(at=NOON + HOUR) == Swept(expired=1)

        assert (now(waiting).state, now(waiting).settled_at) == ("expired", NOON + HOUR)

    def test_says_of_nothing_that_was_tried_that_it_was_never_sent(self, carrier, account):
        carrier.behave("refused")
        message = walking(expires_at=NOON + HOUR)
        send()

        sweeping.sweep(at=NOON + HOUR)

        assert now(message).state == "uncertain"


class TestTheReconciler:
    def test_finds_what_was_sent(self, carrier, account):
        carrier.behave("accept_then_hang")
        message = walking()
        send()
        assert reconcile(NOON + 2 * MINUTE - SECOND).found == 0

        assert reconcile(NOON + 2 * MINUTE).found == 1

        message, attempt = now(message), Attempt.objects.get()
        assert (message.state, message.anomaly, message.settled_at) == ("accepted", "", NOON + 2 * MINUTE)
        assert (attempt.reference, attempt.outcome) == ("R1", "accepted")
        assert Touch.objects.get().counts

    def test_takes_over_what_became_of_it(self, carrier, account):
        carrier.behave("accept_then_hang")
        message = walking()
        send()
        carrier.behave("undelivered")

        reconcile(NOON + 2 * MINUTE)

        assert now(message).state == "undelivered"

    @pytest.mark.parametrize(
        ("channel", "last"), [("sms", 15 * MINUTE), ("email", 15 * MINUTE), ("voicemail", 24 * HOUR)]
    )
    def test_presumes_in_the_end_that_it_was_not_sent(self, carrier, settings, channel, last):
        account = SendingAccountFactory(channel=channel)
        message = walking(channel)
        mark(account, claim(account))
        Message.objects.update(state="uncertain")
        assert reconcile(NOON + last - SECOND).absent == 0

        assert reconcile(NOON + last).absent == 1

        assert (now(message).state, now(message).settled_at) == (
            "not_sent_presumed",
            None,
        )  # a person decides
        assert Attempt.objects.get().outcome == "not_sent_presumed"
        assert Touch.objects.get().counts
        assert list(Message.objects.unsure()) == [message]
        send(NOON + last)
        assert not carrier.asked()

    def test_concludes_nothing_from_a_list_that_it_cannot_have(self, settings, tmp_path):
        carrier = carriers.install(settings, tmp_path, lists=False)
        SendingAccountFactory()
        carrier.behave("500")
        message = walking()
        send()

        assert reconcile(NOON + HOUR).absent == 0
        assert now(message).state == "uncertain"

    def test_takes_as_many_questions_for_forty_as_for_one(self, carrier, account, django_assert_max_num_queries):
        carrier.behave("accept_then_500")
        for _ in range(40):
            walking()
        send()

        with django_assert_max_num_queries(12):
            assert reconcile(NOON + 2 * MINUTE).found == 40


class TestTheLedger:
    def compare(self, at=NOON + HOUR):
        with clock.standing_at(at):
            found = ledgers.compare(since=NOON - 3 * HOUR, until=NOON + HOUR, at=at)
        return next(one for one in found if one.provider == "sms")

    def test_matches_after_a_quiet_day(self, carrier, account):
        for _ in range(3):
            walking()
        send()

        result = self.compare()

        assert (result.matched, result.corrected, result.is_clean) == (3, 0, True)

    def test_corrects_what_we_had_concluded(self, carrier, account):
        """INV-TRUTH and A14: what is in the ledger was sent, whatever we said."""
        carrier.behave("accept_then_500")
        message = walking()
        send()
        Message.objects.filter(pk=message.pk).update(state="not_sent_presumed", settled_at=NOON)
        Touch.objects.update(counts=False)

        result = self.compare()

        assert (result.corrected, result.is_clean) == (1, True)
        assert (now(message).state, now(message).anomaly) == ("accepted", "late_evidence")
        assert Touch.objects.get().counts

    def test_raises_the_alarm_about_what_nobody_explains(self, carrier, account, caplog):
        walking()
        send()
        carrier._do(
            """INSERT INTO sent (token, key, "to", at) VALUES ('x', 'y', '+15125550100', ?)""", NOON.isoformat()
        )

        with caplog.at_level(logging.ERROR):
            result = self.compare()

        assert (result.strange, result.matched) == (["R2"], 1)
        assert "we know nothing of them: R2" in caplog.text
        assert "+1512" not in caplog.text

    def test_raises_the_alarm_about_what_was_sent_twice(self, carrier, account, caplog):
        walking()
        send()
        carrier._do(f"INSERT INTO sent (token, key, at) SELECT token, key, '{(NOON - 2 * HOUR).isoformat()}' FROM sent")

        result = self.compare()

        assert result.twice == ["R2"]

    def test_marks_what_the_provider_does_not_know(self, carrier, account):
        message = walking()
        send()
        carrier._do("DELETE FROM sent")

        result = self.compare()

        assert result.missing == [message.pk]
        assert now(message).anomaly == "not_in_ledger"

    def test_knows_a_repeat_by_its_key(self, carrier, post):
        SendingAccountFactory(channel="email")
        post.behave("accept_then_500")
        message = walking("email")
        send()
        post.behave("accept")
        send(NOON + MINUTE)
        assert now(message).state == "accepted"

        with clock.standing_at(NOON + HOUR):
            (result,) = ledgers.compare(since=NOON - HOUR, until=NOON + HOUR, at=NOON + HOUR)

        assert result.is_clean

    def test_of_one_that_gives_no_list_nothing_is_concluded_and_the_others_are_compared(
        self, carrier, account, settings, caplog
    ):
        settings.PROVIDERS["email"]["OPTIONS"]["lists"] = False
        SendingAccountFactory(channel="email")
        lost = walking("email"), walking()
        send()
        SendingAccountFactory(provider="gone")
        carrier._do("DELETE FROM sent")

        with clock.standing_at(NOON + HOUR):
            found = ledgers.compare(since=NOON - HOUR, until=NOON + HOUR, at=NOON + HOUR)

        assert [(one.provider, one.is_unknown, one.missing) for one in found] == [
            ("email", True, []), ("gone", True, []), ("sms", False, [lost[1].pk]),
        ]  # fmt: skip
        assert "The ledger of gone cannot be had" in caplog.text
        with pytest.raises(CommandError, match="The list of email, gone cannot be had"):
            call_command("ledger", f"--since={(NOON - HOUR).isoformat()}", f"--until={(NOON + HOUR).isoformat()}")

    def test_has_a_command(self, carrier, account, capsys):
        walking()
        send()
        asked = [f"--since={(NOON - HOUR).isoformat()}", f"--until={(NOON + HOUR).isoformat()}"]

        call_command("ledger", *asked)
        assert "sms: 1 match, 0 corrected, 0 strange, 0 sent twice, 0 missing" in capsys.readouterr().out

        carrier._do("DELETE FROM sent")
        with pytest.raises(CommandError, match="do not match"):
            call_command("ledger", *asked)


class TestPeopleDecide:
    @pytest.fixture
    def admin(self):
        return UserFactory(admin=True)

    @pytest.fixture
    def unsure(self, carrier, account):
        carrier.behave("500")
        message = walking(body="Hello")
        send()
        carrier.behave("accept")
        return message

    def test_to_send_it_again_as_a_message_of_its_own(self, carrier, unsure, admin):
        again = exits.resend(message=unsure, by=admin, at=NOON + HOUR)
        send(NOON + HOUR)

        old = now(unsure)
        assert (old.state, old.decided_by, old.settled_at) == ("not_sent_presumed", admin, NOON + HOUR)
        assert (now(again).state, again.body, again.contact) == ("accepted", "Hello", unsure.contact)
        assert again.dedupe_key == f"resend:{unsure.pk}/1"
        assert carrier.ledger() == [str(again.pk)]
        assert not Message.objects.unsure().exists()

    def test_to_send_it_again_needs_the_consent_that_it_needed(self, carrier, unsure, admin):
        Message.objects.filter(pk=unsure.pk).update(consent="written")

        again = exits.resend(message=unsure, by=admin, at=NOON + HOUR)
        send(NOON + HOUR)

        assert (now(again).state, now(again).reason) == ("blocked", "no_consent")
        assert not carrier.ledger()

    def test_to_leave_it_at_that(self, carrier, unsure, admin):
        exits.write_off(message=unsure, by=admin, at=NOON + HOUR)

        assert (now(unsure).state, now(unsure).decided_at) == ("not_sent_presumed", NOON + HOUR)
        assert not Message.objects.unsure().exists()
        send(NOON + HOUR)
        assert not carrier.ledger()

    def test_only_once(self, unsure, admin):
        exits.write_off(message=unsure, by=admin, at=NOON)

        for verb in (exits.resend, exits.write_off):
            with pytest.raises(exits.NotUncertain):
                verb(message=unsure, by=admin, at=NOON)

    @pytest.mark.parametrize("state", ["pending", "accepted", "cancelled"])
    def test_about_nothing_that_is_known(self, admin, state):
        message = MessageFactory(by_hand=True, state=state)

        with pytest.raises(exits.NotUncertain, match="nothing to decide"):
            exits.resend(message=message, by=admin, at=NOON)

    def test_about_nobody_whom_they_do_not_see(self, carrier):
        hidden = ContactFactory(owner=UserFactory(bdr=True))
        message = MessageFactory(by_hand=True, contact=hidden, state="uncertain", ever_dispatched=True)

        with pytest.raises(RowGone):
            exits.write_off(message=message, by=UserFactory(bdr=True), at=NOON)


class TestTheBrake:
    @pytest.mark.parametrize("channel", ["", "sms"])
    def test_stops_everything_that_waits_until_it_is_lifted(self, carrier, account, channel):
        admin = UserFactory(admin=True)
        message = walking()
        stop = exits.stop_sending(reason="Wrong list", by=admin, at=NOON, channel=channel)

        send()
        assert now(message).state == "pending"
        exits.let_send(stop=stop, by=admin, at=NOON + MINUTE)
        send(NOON + MINUTE)

        assert now(message).state == "accepted"
        assert len(carrier.asked()) == 1

    def test_holds_what_was_claimed_before(self, carrier, account):
        message = walking()
        claimed = claim(account)
        exits.stop_sending(reason="Wrong list", by=None, at=NOON)

        assert mark(account, claimed) == []
        assert (now(message).state, now(message).reason) == ("pending", "sending_stopped")

    def test_leaves_other_channels_alone(self, carrier, account):
        message = walking()
        exits.stop_sending(reason="Wrong list", by=None, at=NOON, channel="email")

        send()

        assert now(message).state == "accepted"

    def test_has_a_reason_and_is_pulled_once(self):
        with pytest.raises(exits.NoReason):
            exits.stop_sending(reason=" ", by=None, at=NOON)
        exits.stop_sending(reason="Wrong list", by=None, at=NOON)
        with pytest.raises(exits.AlreadyStopped):
            exits.stop_sending(reason="Again", by=None, at=NOON)
