"""The numbers of deliveries: true after every history, in whatever order its news come, and nobody waits for them."""

from collections import Counter
from datetime import timedelta
from itertools import permutations
from random import Random
from threading import Event

import pytest
from django.db import connection, transaction

from campaigns import tasks
from campaigns.choices import DELIVERIES, MessageState
from campaigns.models import Campaign, CampaignCount, Message
from campaigns.models.campaigns import LAST_SLOT
from campaigns.models.messages import _WAYS
from campaigns.reports import numbers
from campaigns.services import clicks, counting, evidence, inbound
from campaigns.services.dispatch.marking import TOUCHES
from campaigns.tests.factories import (
    AttemptFactory,
    CampaignFactory,
    EnrollmentFactory,
    MessageFactory,
    NodeFactory,
    walking,
)
from campaigns.tests.walks import run
from config.testing import NOON
from crm.choices import Channel
from crm.models import ContactPoint
from crm.tests.factories import TouchFactory

pytestmark = pytest.mark.django_db
OF_WRITTEN = ("waiting", "handed_over", "failed", "unsure", "blocked", "not_sent")
OF_HANDED_OVER = ("delivered", "undelivered", "unconfirmed")


def handed_over(*, at=NOON, **fields):
    """A message that was handed over; its secret is its own id."""
    message = walking(**{"channel": "sms", **fields})
    Message.objects.filter(pk=message.pk).update(state="accepted", ever_dispatched=True, tries=1)
    attempt = AttemptFactory(
        message=message, token=str(message.pk), provider=message.channel, outcome="accepted", reference=f"r{message.pk}"
    )
    kind = "email" if message.channel == Channel.EMAIL else "phone"
    endpoint = ContactPoint.objects.get(contact=message.contact, endpoint__kind=kind).endpoint
    TouchFactory(
        contact=message.contact, endpoint=endpoint, channel=message.channel, at=at, source=TOUCHES,
        source_id=attempt.pk,
    )  # fmt: skip
    return message


def told(message, status):
    evidence.bind(provider=message.channel, token=str(message.pk), status=status, at=NOON + timedelta(hours=2))


def answered(message, text, minutes=5):
    kind = "email" if message.channel == Channel.EMAIL else "phone"
    sender = ContactPoint.objects.get(contact=message.contact, endpoint__kind=kind).endpoint.value
    inbound.receive(
        inbound.Heard(
            provider="simulated", channel=message.channel, sender=sender, to="+15125550100", text=text,
            at=NOON + timedelta(minutes=minutes), reference=f"{message.pk}/{text}/{minutes}",
        )
    )  # fmt: skip


def clicked(message, minutes, **more):
    at = NOON + timedelta(minutes=minutes)
    clicks.keep(provider=message.channel, token=str(message.pk), clicked_at=at, at=at, **more)


def counted(campaign):
    return numbers.of_campaign(campaign, counting.numbers(campaign), counting.by_node(campaign))


def recounted(campaign):
    """What the rows themselves say, by node and channel."""
    place = {state: name for name, states in DELIVERIES.items() for state in states}
    found = Counter()
    for message in Message.objects.filter(campaign=campaign, direction="outbound"):
        at = message.node_id, message.channel
        found[*at, place[message.state]] += 1
        found[*at, "clicked"] += message.clicked_at is not None
        found[*at, "answered"] += message.answered_at is not None
        found[*at, "opted_out"] += message.opted_out_at is not None
    return +found


def kept(campaign):
    """What the numbers say, in the same form."""
    return +Counter(
        {
            (node, *name.split(":")): value
            for node, told in [*counting.by_node(campaign).items(), (None, counting.numbers(campaign))]
            for name, value in told.items()
        }
    )


@pytest.mark.parametrize("seed", range(4))
def test_after_any_history_the_numbers_are_those_of_the_rows_and_add_up(seed):
    chance, campaign = Random(seed), CampaignFactory()
    kinds = [("sms_send", "sms"), ("sms_send", "sms"), ("email_send", "email"), ("voicemail_drop", "voicemail")]
    nodes = [(NodeFactory(graph=campaign.graph, type=kind), channel) for kind, channel in kinds]
    messages = []
    for node, channel in (chance.choice(nodes) for _ in range(8)):
        messages.append(walking(channel, campaign=campaign, node=node))
        messages.append(handed_over(channel=channel, campaign=campaign, node=node))

    for _ in range(25):
        some = chance.sample(messages, chance.randint(1, 6))
        chance.choice([_go_on, _go_on, _prove, _answer, _click, _give_up, _fold])(some, chance)
        if chance.random() < 0.2:
            assert kept(campaign) == recounted(campaign)

    assert kept(campaign) == recounted(campaign)
    found = counted(campaign)
    sent = [node["deliveries"] for _, node in found.nodes]
    for each in [*sent, *found.deliveries.values()]:
        assert each["written"] == sum(each[name] for name in OF_WRITTEN)
        assert each["handed_over"] == sum(each[name] for name in OF_HANDED_OVER)
        assert all(0 <= number <= each["written"] for number in each.values())
    assert sum(each["written"] for each in sent) == len(messages)
    for name in sent[0]:
        assert sum(each[name] for each in sent) == sum(each[name] for each in found.deliveries.values())


def _go_on(some, chance):
    """Many at once, each along a way that it may go."""
    rows = list(Message.objects.filter(pk__in=[one.pk for one in some]))
    ways = _WAYS.get(MessageState(rows[0].state), [])
    if ways:
        state = chance.choice(ways)
        may = [row.pk for row in rows if state in _WAYS.get(MessageState(row.state), [])]
        sent = {} if state in {"pending", "claimed", "blocked", "expired", "cancelled"} else {"ever_dispatched": True}
        never = {"ever_dispatched": False} if state in {"blocked", "expired", "cancelled"} else {}
        Message.objects.filter(pk__in=may, **never).update(state=state, **sent)


def _prove(some, chance):
    said = ["accepted", "undelivered", "delivered"]
    proofs = [evidence.Proof(evidence.hash_of(str(one.pk)), chance.choice(said)) for one in some]
    evidence.bind_all(proofs, at=NOON)


def _answer(some, chance):
    answered(some[0], chance.choice(["Yes", "STOP", "Automatic reply: I am away."]), chance.randint(-5, 50))


def _click(some, chance):
    if some[0].attempts.exists():
        clicked(some[0], chance.randint(-5, 50))


def _give_up(some, chance):
    """A transaction that ends as if it had never been."""
    with transaction.atomic():
        _prove(some, chance)
        _go_on(some, chance)
        transaction.set_rollback(True)


def _fold(some, chance):
    counting.fold(limit=chance.randint(1, 30))


def test_news_in_any_order_end_in_the_same_numbers():
    """An answer may be heard before a delivery, and an opt-out before the answer that it followed."""
    campaign = CampaignFactory()
    node = NodeFactory(graph=campaign.graph)
    news = [
        lambda message: told(message, "delivered"),
        lambda message: told(message, "undelivered"),
        lambda message: answered(message, "Yes", 7),
        lambda message: answered(message, "Who is this?", 3),
        lambda message: answered(message, "STOP", 9),
        lambda message: clicked(message, 8),
        lambda message: clicked(message, 2),
    ]
    orders = Random(1).sample(list(permutations(news)), 6)
    for order in orders:
        message = handed_over(campaign=campaign, node=node)
        for each in order:
            each(message)

    found = counted(campaign).deliveries["sms"]
    many = len(orders)
    assert found == {
        **dict.fromkeys(found, 0), "written": many, "handed_over": many, "delivered": many, "clicked": many,
        "answered": many, "opted_out": many,
    }  # fmt: skip
    moments = set(Message.objects.filter(campaign=campaign).values_list("clicked_at", "answered_at", "opted_out_at"))
    assert moments == {tuple(NOON + timedelta(minutes=minutes) for minutes in (2, 3, 9))}


def test_what_failed_at_a_node_is_the_same_whenever_the_engine_hears_of_it():
    message = handed_over()
    MessageFactory(enrollment=EnrollmentFactory(campaign=message.campaign, node=message.node), state="rejected")
    run(NOON + timedelta(hours=1))
    told(message, "undelivered")
    ((_, node),) = counted(message.campaign).nodes
    assert (node["failed"], node["deliveries"]["failed"], node["deliveries"]["undelivered"]) == (2, 1, 1)


def test_an_answer_is_one_to_the_last_message_before_it():
    campaign = CampaignFactory()
    first = handed_over(campaign=campaign)
    second = handed_over(campaign=campaign, enrollment=first.enrollment, visit=2, at=NOON + timedelta(hours=1))

    answered(first, "Which of them?", 30)

    rows = [Message.objects.get(pk=one.pk) for one in (first, second)]
    assert [row.answered_at for row in rows] == [NOON + timedelta(minutes=30), None]


def test_an_answer_before_all_messages_comes_from_a_late_clock_and_is_one_to_the_first():
    message = handed_over()

    answered(message, "Yes", -30)

    assert Message.objects.get(pk=message.pk).answered_at == NOON - timedelta(minutes=30)


def test_a_program_that_answers_or_clicks_is_nobody():
    message = handed_over(channel="email")

    answered(message, "Automatic reply: I am out of the office until Monday.")
    clicked(message, 1, automatic=True)

    found = counted(message.campaign).deliveries["email"]
    assert (found["answered"], found["clicked"], found["unconfirmed"]) == (0, 0, 1)


def test_a_message_of_no_campaign_is_in_no_numbers():
    message = MessageFactory(by_hand=True)
    Message.objects.filter(pk=message.pk).update(state="blocked")

    assert not CampaignCount.objects.exists()


def test_the_numbers_cost_the_same_however_many_messages_there_are(django_assert_num_queries):
    campaign = CampaignFactory()
    for _ in range(3):
        handed_over(campaign=campaign)
    with django_assert_num_queries(4):
        counted(campaign)
    for _ in range(9):
        handed_over(campaign=campaign)
    with django_assert_num_queries(4):
        counted(campaign)


def test_what_was_folded_is_a_row_a_number():
    campaign = CampaignFactory()
    node = NodeFactory(graph=campaign.graph)
    messages = [handed_over(campaign=campaign, node=node) for _ in range(4)]
    before = kept(campaign)

    tasks.fold_numbers()

    assert kept(campaign) == before == {(node.pk, "sms", "unconfirmed"): len(messages)}
    assert CampaignCount.objects.filter(campaign=campaign, value__gt=0).count() == 1
    assert not CampaignCount.objects.filter(slot__gt=LAST_SLOT).exists()


@pytest.mark.django_db(transaction=True)
def test_nobody_who_counts_waits_for_another_or_for_whoever_holds_the_campaign(threads):
    campaign = CampaignFactory()
    node = NodeFactory(graph=campaign.graph)
    first, second = (handed_over(campaign=campaign, node=node) for _ in range(2))
    held, over = Event(), Event()

    def slow():
        with transaction.atomic():
            Campaign.objects.select_for_update().get(pk=campaign.pk)
            told(first, "delivered")
            held.set()
            assert over.wait(60)

    def quick():
        held.wait(60)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '200ms'")
            told(second, "undelivered")
            tasks.fold_numbers()
        finally:
            over.set()

    threads(slow, quick)

    found = counted(campaign).deliveries["sms"]
    assert (found["handed_over"], found["delivered"], found["undelivered"]) == (2, 1, 1)
