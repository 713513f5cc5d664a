"""What was on its way when its walk ended comes to an end too: nothing waits for somebody who will not send it."""

import time
from dataclasses import replace
from datetime import timedelta
from threading import Thread

import pytest
from django.db import transaction

from campaigns.choices import HappeningKind
from campaigns.models import Enrollment, Message, Settlement
from campaigns.services import campaigns, handling, happenings, starting
from campaigns.services.dispatch import calling, claiming, reconciling, recording, sweeping
from campaigns.tests import sending
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import SendingAccountFactory
from campaigns.tests.sending import claim, known, mark, send
from campaigns.tests.walks import begun, enrolled, run
from config.kernel.ids import uuid7
from config.testing import NOON, in_own_connection
from crm.tests.factories import ContactFactory

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
carrier, account = sending.carrier, sending.account
SMS = drawing(node("sms", "sms_send"))


def walking(drawn=SMS):
    """Return a campaign with somebody who waits for their message."""
    campaign = begun(drawn)
    enrolled(campaign, [ContactFactory(phone="+15125550134", email="a@example.com")])
    run(NOON)
    return campaign


def completed(campaign):
    campaigns.complete(row=campaign, by=None, at=NOON)
    assert starting.let_leave(campaign=campaign.pk, at=NOON) == 1


def left(campaign):
    walks = Enrollment.objects.filter(campaign=campaign).values_list("pk", flat=True)
    assert handling.leave(list(walks), reason="By mistake", by=None, at=NOON) == 1


def later(hours=1):
    """Let everything happen that happens by itself."""
    for hour in range(1, hours + 1):
        sweeping.sweep(at=NOON + hour * HOUR)
        reconciling.reconcile(at=NOON + hour * HOUR)
        send(NOON + hour * HOUR)
        run(NOON + hour * HOUR)


def became():
    message = Message.objects.get()
    return message.state, message.settled_at


@pytest.mark.parametrize("over", [completed, left])
class TestWhatADeadWorkerLeft:
    def test_is_cancelled_where_it_was_only_claimed(self, carrier, account, over):
        campaign = walking()
        claim(account)

        over(campaign)
        later()

        assert became() == ("cancelled", NOON + HOUR)
        assert not carrier.asked()
        assert not Settlement.objects.exists()

    def test_is_looked_for_where_it_may_have_been_sent(self, carrier, over):
        account = SendingAccountFactory(channel="email")
        campaign = walking(drawing(node("mail", "email_send", content="mail")))
        mark(account, claim(account))

        over(campaign)
        sweeping.sweep(at=NOON + 2 * MINUTE)

        assert became() == ("uncertain", None)
        later()
        assert became() == ("not_sent_presumed", None)


@pytest.mark.parametrize("over", [completed, left])
class TestWhatIsUnderWay:
    @pytest.mark.parametrize("how", ["not_sent", "account", "uncertain"])
    def test_is_not_put_back_by_whoever_tried_it(self, carrier, over, how):
        account = SendingAccountFactory(channel="email")
        campaign = walking(drawing(node("mail", "email_send", content="mail")))
        [marked] = mark(account, claim(account))

        over(campaign)
        told = [calling.Told(marked, calling.How(how))]
        recording.record(told=told, account=known(account), provider=carrier, at=NOON + SECOND)

        assert became() == ("uncertain", None)

    def test_is_known_to_be_sent_if_it_was(self, carrier, account, over):
        campaign = walking()
        [marked] = mark(account, claim(account))

        over(campaign)
        told = [calling.Told(marked, calling.How.ACCEPTED, reference="R1")]
        recording.record(told=told, account=known(account), provider=carrier, at=NOON + SECOND)

        assert became() == ("accepted", NOON + SECOND)
        assert not Settlement.objects.exists()

    def test_is_not_put_aside_either(self, account, over):
        campaign = walking()
        [claimed] = claim(account)

        over(campaign)
        claiming.put_aside(claimed, at=NOON + SECOND)

        assert became() == ("cancelled", NOON + SECOND)


def test_what_somebody_waits_for_no_more_who_is_through_is_cancelled(account):
    elsewhere = drawing(node("sms", "sms_send"), node("end", "exit"), start="sms")
    campaign = walking(replace(elsewhere, on_reply="end"))
    happenings.keep(
        contacts=[Enrollment.objects.get().contact_id], kind=HappeningKind.REPLY, cause=uuid7(), at=NOON + SECOND
    )

    run(NOON + SECOND)

    assert Enrollment.objects.get(campaign=campaign).state == "completed"
    assert became() == ("cancelled", NOON + SECOND)


@pytest.mark.django_db(transaction=True)
def test_what_is_put_back_at_the_moment_at_which_they_leave_is_cancelled_too(account):
    campaign = walking()
    claim(account)
    leaving = Thread(target=in_own_connection(lambda: left(campaign)))

    with transaction.atomic():
        Message.objects.filter(state="claimed").update(state="pending")
        leaving.start()
        time.sleep(0.5)
        assert leaving.is_alive()
    leaving.join(timeout=60)

    assert became() == ("cancelled", NOON)
