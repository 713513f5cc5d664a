"""Several people on one line: it gets each message of a round once, whoever comes first (trust A19)."""

from datetime import timedelta

import pytest

from campaigns.models import ContentTemplate, Enrollment, Message
from campaigns.services import handling
from campaigns.tests import sending
from campaigns.tests.drawings import drawing, node
from campaigns.tests.sending import send
from campaigns.tests.walks import begun, enrolled, run
from config.testing import NOON
from crm.models import Contact
from crm.tests.factories import ContactFactory, give_point

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
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


def test_whoever_begins_again_alone_gets_it_again(carrier, account, two):
    campaign = begun(drawing(node("sms", "sms_send")), reentry="ended")
    for at in (NOON, NOON + DAY):
        enrolled(campaign, two[:1], at=at)
        run(at)
        send_all(at)
        run(at + timedelta(minutes=1))

    assert len(carrier.ledger()) == 2


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
