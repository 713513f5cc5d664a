"""What a provider proves, one proof after another."""

import pytest
from django.core.cache import cache

from calls.services import hints
from campaigns import tasks
from campaigns.models import Attempt
from campaigns.services import evidence
from campaigns.services.dispatch.marking import TOUCHES
from campaigns.tests.factories import AttemptFactory, MessageFactory
from campaigns.tests.proofs import LATER, RANK, TOKEN, now, told, tried
from config.testing import NOON
from crm.models import Touch
from crm.tests.factories import TouchFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", ["dispatching", "uncertain"])
@pytest.mark.parametrize("status", RANK)
def test_proof_settles_what_was_under_way_or_uncertain(state, status):
    attempt = tried(state, reference=None)

    assert told(status, reference="sim_1")

    message, attempt = now(attempt), Attempt.objects.get()
    assert (message.state, message.anomaly, message.settled_at) == (status, "", LATER)
    assert (attempt.outcome, attempt.reference, attempt.recorded_at) == ("accepted", "sim_1", LATER)


def test_proof_by_the_providers_own_reference_will_do():
    attempt = tried("accepted", "accepted", reference="sim_1")

    assert told("delivered", token="", reference="sim_1")

    assert now(attempt).state == "delivered"


@pytest.mark.parametrize(
    "whose", [{"token": "somebody else's"}, {"token": "", "reference": "sim_9"}, {"token": "", "reference": ""},
              {"token": "\udcff"}, {"token": "", "reference": "sim_1\0"},
              {"provider": "email", "token": "", "reference": "sim_1"}],
)  # fmt: skip
def test_news_of_what_we_never_sent_is_not_ours(whose):
    attempt = tried("accepted", "accepted", reference="sim_1")

    with pytest.raises(evidence.NotOurs):
        told("delivered", **whose)

    assert now(attempt).state == "accepted"


@pytest.mark.parametrize(
    ("state", "outcome"),
    [("not_sent_presumed", "not_sent_presumed"), ("rejected", "rejected"), ("pending", "not_sent"),
     ("claimed", "not_sent")],
)  # fmt: skip
def test_proof_beats_what_we_had_concluded_and_is_marked(state, outcome, caplog):
    attempt = tried(state, outcome)

    told("delivered")

    assert (now(attempt).state, now(attempt).anomaly) == ("delivered", "late_evidence")
    assert Attempt.objects.get().outcome == "accepted"
    assert "was sent although" in caplog.text


def test_what_waited_for_another_try_with_the_same_key_is_no_anomaly():
    attempt = tried("pending", "uncertain", idempotent=True, provider="email")

    told("accepted")

    assert (now(attempt).state, now(attempt).anomaly) == ("accepted", "")


def test_a_touch_that_was_taken_out_of_the_caps_counts_again():
    attempt = tried("pending", "not_sent")
    contact = attempt.message.contact
    TouchFactory(contact=contact, at=NOON, channel="sms", source=TOUCHES, source_id=attempt.pk, counts=False)
    hints.refresh(at=NOON, contact_ids=[contact.pk])

    told("delivered")

    assert Touch.objects.get().counts


def test_two_tries_that_were_both_taken_are_both_known():
    """The database lets one try say that it was taken; the other one says it in words, and the message is marked."""
    first = tried("uncertain", "not_sent")
    AttemptFactory(message=first.message, number=2, outcome="uncertain", token="second")

    told("delivered", reference="sim_1")
    told("delivered", token="second", reference="sim_2")

    outcomes = dict(Attempt.objects.values_list("number", "outcome"))
    assert outcomes == {1: "not_sent", 2: "accepted"}
    assert "as well" in Attempt.objects.get(number=1).detail
    assert set(Attempt.objects.values_list("reference", flat=True)) == {"sim_1", "sim_2"}
    assert now(first).anomaly == "late_evidence"


def test_two_tries_with_one_key_may_have_one_reference():
    first = tried("dispatching", "uncertain", idempotent=True)
    again = {"token": "second", "number": 2, "idempotent": True}
    AttemptFactory(message=first.message, **again, outcome="accepted", reference="sim_1")

    told("delivered", reference="sim_1")
    told("delivered", token="second", reference="sim_1")

    assert now(first).state == "delivered"
    assert Attempt.objects.get(reference="sim_1").number == 2


@pytest.mark.parametrize("together", [False, True])
def test_an_id_that_another_message_has_stays_there_and_proves_this_one_all_the_same(together):
    other = tried("accepted", "accepted", reference="sim_1")
    mine = AttemptFactory(
        token="mine", message=MessageFactory(state="uncertain", ever_dispatched=True), outcome="uncertain",
        provider=other.provider, idempotent=False,
    )  # fmt: skip
    proof = evidence.Proof(evidence.hash_of("mine"), "delivered", "sim_1")

    if together:
        assert evidence.learn([proof], at=LATER) == 1
    else:
        assert told("delivered", token="mine", reference="sim_1")

    mine.refresh_from_db()
    assert (now(mine).state, mine.outcome, mine.reference) == ("delivered", "accepted", None)
    assert now(other).state == "accepted"
    assert not told("delivered", token="mine", reference="sim_1")


def test_what_was_not_delivered_says_why_until_it_was_after_all():
    attempt = tried("accepted", "accepted")

    told("undelivered", reason="unreachable")
    assert now(attempt).reason == "unreachable"
    told("delivered")

    assert now(attempt).reason == ""


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("reference", ["sim\0_1", "sim_\ud800", "sim_1\n", "s" * 121])
def test_what_no_database_keeps_takes_nothing_from_a_proof_nor_from_its_neighbours(together, reference):
    attempt = tried("uncertain", "uncertain", reference=None)
    message = MessageFactory(state="uncertain", ever_dispatched=True)
    other = AttemptFactory(token="other", message=message, outcome="uncertain", reference=None)
    reason = "un\0reach\ud800able\r\n\x1b now"
    proof = evidence.Proof(evidence.hash_of(TOKEN), "undelivered", reference, reason)

    if together:
        bound = evidence.bind_all([proof, evidence.Proof(evidence.hash_of("other"), "delivered", "sim_2")], at=LATER)
        assert bound == [True, True]
        assert now(other).state == "delivered"
    else:
        assert told("undelivered", reference=reference, reason=reason)

    attempt.refresh_from_db()
    assert (now(attempt).state, now(attempt).reason) == ("undelivered", "unreachable now")
    assert (attempt.outcome, attempt.reference) == ("accepted", None)


def test_the_same_again_is_no_news_and_writes_nothing(django_assert_max_num_queries):
    attempt = tried("accepted", "accepted", reference="sim_1")
    assert told("delivered", reference="sim_1")
    version = now(attempt).updated_at

    with django_assert_max_num_queries(3):
        assert not told("delivered", reference="sim_1")

    assert now(attempt).updated_at == version


def test_whoever_waits_for_it_is_rung_for(monkeypatch, django_capture_on_commit_callbacks):
    cache.delete(f"ring:{tasks.move_people.name}")
    rung = []
    monkeypatch.setattr(tasks.move_people, "delay", lambda: rung.append(1))
    tried("uncertain", "uncertain")

    with django_capture_on_commit_callbacks(execute=True):
        told("delivered")
        told("delivered")

    assert rung == [1]
