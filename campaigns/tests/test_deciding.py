"""What people decide: about messages of which nobody knows whether they were sent, and that nothing is sent now."""

from datetime import timedelta

import pytest
from django.db import IntegrityError

from campaigns.models import Message, SendingStop
from campaigns.services.dispatch import exits
from campaigns.tests import sending
from campaigns.tests.factories import MessageFactory, walking
from campaigns.tests.sending import claim, mark, now, send
from config.testing import NOON
from crm.services.scope import RowGone
from crm.tests.factories import ContactFactory, UserFactory

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
carrier, account = sending.carrier, sending.account


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
        for minutes in (1, 2):  # lifting it again changes nothing
            assert exits.let_send(stop=stop, by=admin, at=NOON + minutes * MINUTE).lifted_at == NOON + MINUTE
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

    def test_is_of_messages(self):
        with pytest.raises(exits.NoSuchChannel, match="No message goes out on 'call'"):
            exits.stop_sending(reason="Wrong list", by=None, at=NOON, channel="call")
        with pytest.raises(IntegrityError, match="campaigns_stop_of_messages"):
            SendingStop.objects.create(reason="Wrong list", at=NOON, channel="call")
