"""What a provider proves, in whatever order, however often, and by how many at once."""

from itertools import permutations
from threading import Event

import pytest
from django.db import OperationalError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from campaigns.models import Attempt, Message
from campaigns.services import evidence
from campaigns.services.dispatch.marking import TOUCHES
from campaigns.tests.factories import AttemptFactory, MessageFactory
from campaigns.tests.proofs import LATER, RANK, now, told, tried
from config.testing import NOON, examples
from crm.models import Contact, Touch
from crm.services.locking import lock
from crm.tests.factories import ContactFactory, TouchFactory, give_point

pytestmark = pytest.mark.django_db
SAID = st.sampled_from([("accepted", ""), ("undelivered", "unreachable"), ("delivered", "")])


@given(news=st.lists(SAID, min_size=1, max_size=4))
@examples(12)
def test_any_order_and_repetition_ends_at_the_furthest_news(news):
    ends, contact = set(), ContactFactory()
    for order in {tuple(order) for order in (news, news[::-1], sorted(news), news * 2)}:
        message = MessageFactory(by_hand=True, contact=contact, state="uncertain", ever_dispatched=True, tries=1)
        token = f"{message.pk}"
        AttemptFactory(token=token, message=message, outcome="uncertain")
        for status, reason in order:
            told(status, token=token, reference=f"sim_{message.pk}", reason=reason)
        message.refresh_from_db()
        ends.add((message.state, message.reason, message.anomaly, message.settled_at))

    assert len(ends) == 1
    state, reason, anomaly, _ = ends.pop()
    assert state == max((status for status, _ in news), key=RANK.index)
    assert (reason, anomaly) == ("unreachable" if state == "undelivered" else "", "")


STATES = [
    ("dispatching", "dispatching"), ("uncertain", "uncertain"), ("accepted", "accepted"), ("undelivered", "accepted"),
    ("delivered", "accepted"), ("rejected", "rejected"), ("not_sent_presumed", "not_sent_presumed"),
    ("pending", "not_sent"),
]  # fmt: skip


@given(
    news=st.lists(st.tuples(st.integers(0, 4), st.sampled_from(RANK)), min_size=1, max_size=12),
    states=st.lists(st.sampled_from(STATES), min_size=4, max_size=4),
)
@examples(12)
def test_many_at_once_end_as_they_do_one_by_one(news, states):
    """Number 4 is nobody's."""
    ends, contact = [], ContactFactory()
    for together in (False, True):
        tries = []
        for number, (state, outcome) in enumerate(states):
            message = MessageFactory(by_hand=True, contact=contact, state=state, ever_dispatched=True)
            token = f"{message.pk}/{number}"
            tries.append((token, AttemptFactory(token=token, message=message, outcome=outcome)))
        proofs = [
            evidence.Proof(
                evidence.hash_of(tries[n][0] if n < 4 else "nobody's"),
                status,
                f"sim_{together}_{tries[n % 4][0]}",
                "why",
            )
            for n, status in news
        ]
        plain = evidence.bind_all(proofs, at=LATER) if together else [False] * len(proofs)
        for (number, _), proof, bound in zip(news, proofs, plain, strict=True):
            if not bound and number < 4:
                told(proof.status, token=tries[number][0], reference=proof.reference, reason=proof.reason)
        ends.append([what_became_of(attempt) for _, attempt in tries])

    assert ends[0] == ends[1]


def what_became_of(attempt):
    message, attempt = now(attempt), Attempt.objects.get(pk=attempt.pk)
    said = (message.state, message.reason, message.anomaly, message.settled_at, message.claimed_until)
    return said, attempt.outcome, attempt.recorded_at, attempt.reference is not None


@pytest.mark.parametrize("many", [2, 30])
def test_many_at_once_cost_as_much_as_a_few(many, django_assert_num_queries):
    contact = ContactFactory()
    for number in range(many):
        message = MessageFactory(by_hand=True, contact=contact, state="uncertain", ever_dispatched=True)
        AttemptFactory(token=f"t{number}", message=message, outcome="uncertain")

    with django_assert_num_queries(7):
        bound = evidence.bind_all(
            [evidence.Proof(evidence.hash_of(f"t{n}"), "delivered", f"r{n}") for n in range(many)], at=LATER
        )

    assert all(bound)
    assert set(Message.objects.values_list("state", flat=True)) == {"delivered"}


@pytest.mark.parametrize("order", list(permutations(RANK)))
def test_every_order_after_a_wrong_conclusion_ends_the_same(order):
    attempt = tried("not_sent_presumed", "not_sent_presumed")

    for status in order:
        told(status, reference="sim_1")

    assert (now(attempt).state, now(attempt).anomaly) == ("delivered", "late_evidence")


@pytest.mark.django_db(transaction=True)
def test_fifty_who_tell_at_once_are_heard_once(threads):
    attempt = tried("uncertain", "uncertain")
    TouchFactory(
        contact=attempt.message.contact, at=NOON, channel="sms", source=TOUCHES, source_id=attempt.pk,
    )  # fmt: skip
    works = [lambda status=status: told(status, reference="sim_1") for status in RANK * 8]

    threads(*works)

    assert now(attempt).state == "delivered"
    assert Attempt.objects.get().outcome == "accepted"


@pytest.mark.django_db(transaction=True)
def test_a_proof_and_somebody_who_holds_the_person_do_not_deadlock(threads):
    """The message is let go before the person is waited for."""
    attempt = tried("pending", "not_sent")
    give_point(attempt.message.contact, "phone", "+1 512 555 0177")
    TouchFactory(
        contact=attempt.message.contact, at=NOON, channel="sms", source=TOUCHES, source_id=attempt.pk, counts=False,
    )  # fmt: skip

    def somebody():
        for _ in range(10):
            with transaction.atomic():
                lock(Contact.objects.get(pk=attempt.message.contact_id))
                Message.objects.select_for_update(no_key=True).get(pk=attempt.message_id)

    threads(somebody, lambda: told("delivered"), somebody)

    assert now(attempt).state == "delivered"
    assert Touch.objects.get().counts


@pytest.mark.django_db(transaction=True)
def test_a_touch_counts_again_only_under_the_lock_of_its_person(threads):
    """Else a gate that counts touches under that lock would count past this one."""
    attempt = tried("pending", "not_sent")
    TouchFactory(
        contact=attempt.message.contact, at=NOON, channel="sms", source=TOUCHES, source_id=attempt.pk, counts=False
    )
    held, over = Event(), Event()

    def somebody():
        with transaction.atomic():
            lock(Contact.objects.get(pk=attempt.message.contact_id))
            held.set()
            over.wait(60)

    def impatient():
        held.wait(60)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '200ms'")
            with pytest.raises(OperationalError, match="lock timeout"):
                told("delivered")
        finally:
            over.set()

    threads(somebody, impatient)

    assert not Touch.objects.get().counts
