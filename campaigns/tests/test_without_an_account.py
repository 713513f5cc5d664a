"""What was tried in vain and has no account any more waits for one, but no longer than a day."""

from datetime import timedelta

import pytest

from campaigns.models import Campaign, Message, SendingAccount
from campaigns.services.dispatch import accounts, reconciling, sweeping
from campaigns.tests import sending
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import SendingAccountFactory, walking
from campaigns.tests.sending import claim, mark, now, send
from campaigns.tests.walks import begun, enrolled, run
from config.testing import NOON
from crm.tests.factories import ContactFactory, UserFactory, give_point

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
carrier, account = sending.carrier, sending.account


@pytest.fixture
def message(carrier, account):
    """Tried in vain when its account was switched off."""
    message = walking()
    tried_in_vain(carrier)
    switch(account, on=False)
    return message


def tried_in_vain(carrier):
    carrier.behave("busy")
    send(NOON)
    carrier.behave("accept")
    assert Message.objects.get().state == "pending"


def switch(account, *, on):
    SendingAccount.objects.filter(pk=account.pk).update(is_active=on)


def hours_pass(hours, since=NOON):
    for hour in range(hours):
        sweeping.sweep(at=since + hour * HOUR)
        send(since + hour * HOUR)


def test_after_a_day_somebody_looks_at_it(message, carrier):
    hours_pass(23)
    assert (now(message).state, now(message).reason) == ("pending", "no_account")
    hours_pass(2, NOON + 23 * HOUR)
    assert (now(message).state, now(message).reason) == ("uncertain", "no_account")

    reconciling.reconcile(at=NOON + DAY + HOUR)
    SendingAccountFactory()
    hours_pass(2, NOON + 2 * DAY)

    assert now(message).state == "not_sent_presumed"
    assert carrier.ledger() == []


def test_it_goes_out_from_the_first_account_that_there_is_within_a_day(message):
    hours_pass(22)
    other = SendingAccountFactory()
    hours_pass(3, NOON + 22 * HOUR)
    assert (now(message).state, now(message).account) == ("accepted", other)


def test_the_day_begins_anew_once_there_was_an_account(message, account, carrier):
    hours_pass(22)
    switch(account, on=True)
    carrier.behave("busy")
    send(NOON + 22 * HOUR)
    assert now(message).account == account
    switch(account, on=False)

    hours_pass(23, NOON + 23 * HOUR)

    assert now(message).state == "pending"


def test_whoever_shares_their_line_does_not_wait_for_ever(carrier):
    """The campaign has another sender since, with an account of their own."""
    first, second = ContactFactory(phone="+15125550134"), ContactFactory(first_name="Bo")
    give_point(second, "phone", "+15125550134")
    account, other = SendingAccountFactory(user=UserFactory()), SendingAccountFactory(user=UserFactory())
    campaign = begun(drawing(node("sms", "sms_send")), sender=account.user)
    enrolled(campaign, [first])
    run(NOON)
    tried_in_vain(carrier)
    switch(account, on=False)
    Campaign.objects.update(sender=other.user)
    campaign.refresh_from_db()
    enrolled(campaign, [second])
    run(NOON)

    hours_pass(50)

    states = dict(Message.objects.values_list("contact", "state"))
    assert states == {first.pk: "uncertain", second.pk: "accepted"}
    assert len(carrier.ledger()) == 1


def test_no_account_is_whose_it_was_when_the_batch_began(carrier, account):
    """Given to somebody between the look at it and the mark, it sends nothing for others any more."""
    message = walking()
    claimed = claim(account)
    type(account).objects.update(user=UserFactory(bdr=True))

    assert mark(account, claimed) == []
    message.refresh_from_db()
    assert (message.state, message.tries, carrier.asked()) == ("pending", 0, [])
    assert accounts.sent_today(account_id=account.pk, at=NOON) == 0
