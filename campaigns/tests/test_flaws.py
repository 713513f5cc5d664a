"""Each safeguard is taken out once, and something notices: tests that cannot fail prove nothing (trust 3.7).

A flaw is a small patch. A play is a directed piece of what may happen: it ends well without the flaw, and with the flaw
it breaks a promise. Where two safeguards stand behind each other, either alone holds, and that is looked at as well.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from calls.services import deciding
from campaigns.models import Enrollment, Message
from campaigns.providers import sender_on
from campaigns.rules.standing import DuplicateAddress, NewsUnheard
from campaigns.services import evidence
from campaigns.services.dispatch import (
    by_hand,
    calling,
    claiming,
    handing,
    locks,
    marking,
    reconciling,
    recording,
    running,
    sweeping,
)
from campaigns.services.engine import batches
from campaigns.services.engine import claiming as walkers
from campaigns.services.engine import running as engine
from campaigns.tests import carriers
from campaigns.tests.carriers import Carrier
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import (
    CampaignFactory,
    EnrollmentFactory,
    HappeningFactory,
    SendingAccountFactory,
    walking,
)
from campaigns.tests.sending import claim, known, mark, now, send
from campaigns.tests.walks import begun, enrolled, paused, resumed, run, settle
from config.kernel import clock, faults
from config.kernel import gate as gates
from config.kernel.gate import Verdict
from config.testing import NOON, in_own_connection
from crm.choices import SuppressionReason
from crm.models import Contact, Endpoint, Touch
from crm.services import locking, suppressing
from crm.tests.factories import ContactFactory, UserFactory

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WAITING = drawing(node("sms", "sms_send"), node("wait", "wait"), node("end", "exit"), "sms>wait", "wait>end")


class Broken(Exception):
    """A promise is."""


class Killed(BaseException):
    """The process ends here: nothing behind it is done, and nothing catches it."""


def promise(holds: object, otherwise: str) -> None:
    if not holds:
        raise Broken(otherwise)


@dataclass
class Stage:
    carrier: Carrier
    account: Any

    def sent(self, *messages: Message) -> int:
        return sum(self.carrier.ledger().count(str(message.pk)) for message in messages)

    def call(self, marked: list[handing.Marked], at: datetime = NOON) -> list[calling.Told]:
        """Call what was decided then, however long ago: a process may be stopped right behind the look at its clock."""
        return calling.call(provider=self.carrier, marked=marked, decided_at=at, began=clock.monotonic())


@pytest.fixture
def stage(settings, tmp_path):
    return Stage(carriers.install(settings, tmp_path), SendingAccountFactory())


def line_of(message: Message) -> Endpoint:
    return Endpoint.objects.get(value=message.contact.primary_phone)


def suppress(message: Message) -> None:
    suppressing.suppress(endpoint=line_of(message), reason=SuppressionReason.ASKED, source="telephone", at=NOON)


# Plays


def a_worker_dies_after_the_call(stage: Stage) -> None:
    message = walking()

    def strike(name: str) -> None:
        if name == "send.after_call":
            raise Killed

    faults.strike = strike
    try:
        with pytest.raises(Killed):
            send()
    finally:
        faults.strike = None
    for minutes in (1, 2, 90):  # as long as anything is put aside
        sweeping.sweep(at=NOON + minutes * MINUTE)
        send(NOON + minutes * MINUTE)
    promise(stage.sent(message) == 1, "sent twice")


def two_take_the_same(stage: Stage) -> None:
    walking()
    first = claim(stage.account)
    assert first
    promise(not claim(stage.account), "taken by two")


def one_comes_back_while_another_is_at_it(stage: Stage) -> None:
    message = walking()
    first = claim(stage.account)
    sweeping.sweep(at=NOON + MINUTE)
    second = claim(stage.account, NOON + MINUTE)
    taken = mark(stage.account, second, NOON + MINUTE), mark(stage.account, first, NOON + MINUTE)
    for marked in taken:
        told = stage.call(marked, NOON + MINUTE)
        recording.record(told=told, account=known(stage.account), provider=stage.carrier, at=NOON + MINUTE)
    promise(stage.sent(message) == 1, "sent twice")


def somebody_says_stop(stage: Stage) -> None:
    message = walking()
    suppress(message)
    send()
    promise(not stage.sent(message), "sent after a stop")


def the_truth_comes_late(stage: Stage) -> None:
    message = walking()
    marked = mark(stage.account, claim(stage.account))
    sweeping.sweep(at=NOON + MINUTE)
    with clock.standing_at(NOON + 15 * MINUTE):
        reconciling.reconcile(at=NOON + 15 * MINUTE)
    assert now(message).state == "not_sent_presumed"
    stage.call(marked)
    token = marked[0].outgoing.token
    Touch.objects.filter(contact=message.contact).update(counts=False)
    evidence.bind(provider="sms", status="delivered", token=token, at=NOON + HOUR)
    promise(now(message).state == "delivered", "said not to have been sent")
    promise(Touch.objects.get(contact=message.contact).counts, "counts in no cap")


def two_share_a_line(stage: Stage) -> None:
    campaign = CampaignFactory()
    first = walking(campaign=campaign)
    second = walking(
        campaign=campaign, node=first.node, contact=ContactFactory(phone=first.contact.primary_phone)
    )  # fmt: skip
    for minutes in (0, 1, 90):
        send(NOON + minutes * MINUTE)
    promise(stage.sent(first, second) == 1, "sent twice on one line")


def one_key_is_used_twice(stage: Stage) -> None:
    contact, user = EnrollmentFactory().contact, UserFactory(admin=True)
    asked = {"contact": contact, "channel": "sms", "body": "Hello", "key": "k1", "by": user, "at": NOON}
    for _ in range(2):
        by_hand.send_by_hand(**asked)
    send()
    send(NOON + 2 * SECOND)
    promise(stage.sent(*Message.objects.filter(contact=contact)) == 1, "sent twice with one key")


def a_rule_breaks(stage: Stage) -> None:
    def broken(self: Any, facts: Any, at: Any) -> None:
        raise RuntimeError("out of order")

    message = walking()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DuplicateAddress, "blocks", broken)
        send()
    promise(not stage.sent(message), "sent past a rule that broke")


def an_answer_waits_to_be_heard(stage: Stage) -> None:
    message = walking()
    HappeningFactory(contact=message.contact)
    send()
    promise(not stage.sent(message), "sent though they had answered")


def what_was_tried_is_blocked(stage: Stage) -> None:
    stage.carrier.behave("refused")
    message = walking()
    send()
    Contact.objects.filter(pk=message.contact_id).update(do_not_text=True)
    for hours in (1, 3):
        send(NOON + hours * HOUR)
    assert not stage.sent(message)
    promise(now(message).state != "blocked", "said never to have been tried")


def nobody_was_let_go_yet(stage: Stage) -> None:
    campaign = begun(WAITING)
    (walk,) = enrolled(campaign)
    run(NOON)
    settle("accepted", NOON, [Message.objects.get(enrollment=walk)])
    run(NOON)
    paused(campaign, NOON + DAY)
    resumed(campaign, NOON + 10 * DAY)
    engine.run(at=NOON + 10 * DAY)
    promise(Enrollment.objects.get(pk=walk.pk).state == "waiting", "moved before they were let go")


def a_campaign_stands_still(stage: Stage) -> None:
    campaign = begun(WAITING)
    (walk,) = enrolled(campaign)
    paused(campaign, NOON)
    engine.run(at=NOON + DAY)
    promise(not Message.objects.filter(enrollment=walk), "moved in a pause")


# Flaws

Patch = pytest.MonkeyPatch


def rewritten(patch: Patch, module: Any, name: str, old: str, new: str) -> None:
    """Change a statement, which has to read as this flaw expects."""
    statement = getattr(module, name)
    assert old in statement, f"{name} has changed: this flaw has to change with it"
    patch.setattr(module, name, statement.replace(old, new))


def run_sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else what this test has written stands in its way
        cursor.execute(statement)


def no_swap(patch: Patch) -> None:
    rewritten(patch, claiming, "_CLAIM", "m.state = 'pending'", "m.state IN ('pending', 'claimed')")


def no_fence(patch: Patch) -> None:
    rewritten(patch, locks, "_MESSAGES", "AND m.claim = mine.claim AND m.state = 'claimed'", "")
    rewritten(patch, marking, "_WRITE", "AND m.claim = s.claim AND m.state = 'claimed'", "")


def called_before_it_is_marked(patch: Patch) -> None:
    def send_batch(account: Any) -> int:
        at = clock.now()
        claimed = claiming.claim(account_id=account.id, room=account.room(at), at=at)
        before = transaction.savepoint()
        marked = handing.mark(account=account, claimed=claimed, at=at)
        transaction.savepoint_rollback(before)
        provider = sender_on(account.provider)
        told = calling.call(provider=provider, marked=marked, decided_at=at, began=clock.monotonic())
        faults.point("send.after_call")
        handing.mark(account=account, claimed=claimed, at=at)
        recording.record(told=told, account=account, provider=provider, at=at)
        return len(claimed)

    patch.setattr(running, "send_batch", send_batch)


def tried_again(patch: Patch) -> None:
    rewritten(patch, sweeping, "_LAPSED", "ELSE 'uncertain' END AS goes", "ELSE 'pending' END AS goes")


def no_look_at_earlier_tries(patch: Patch) -> None:
    patch.setattr(handing, "_too_late", lambda ready, account, at: None)


def no_index_of_tries(patch: Patch) -> None:
    run_sql("DROP INDEX campaigns_attempt_one_possible_send")


def gate_asked_when_it_was_queued(patch: Patch) -> None:
    judge = deciding.judge

    def passing(approaches: Any, **asked: Any) -> list[Verdict]:
        return [Verdict(one.approach, one.at, (), one.facts) for one in judge(approaches, **asked)]

    patch.setattr(deciding, "judge", passing)


def deaf(patch: Patch) -> None:
    is_known = evidence._is_known

    def known_or_over(attempt: Any, *said: Any) -> bool:
        return attempt.message.state in evidence._GIVEN_UP or is_known(attempt, *said)

    patch.setattr(evidence, "_is_known", known_or_over)


def no_rule_of_lines(patch: Patch) -> None:
    patch.setattr(DuplicateAddress, "blocks", lambda self, facts, at: None)


def no_index_of_lines(patch: Patch) -> None:
    run_sql("DROP INDEX campaigns_message_once_per_line")


def no_look_at_keys(patch: Patch) -> None:
    patch.setattr(by_hand, "_known", lambda asked: None)


def no_index_of_causes(patch: Patch) -> None:
    run_sql("ALTER TABLE campaigns_message DROP CONSTRAINT campaigns_message_one_per_cause")


def errors_swallowed(patch: Patch) -> None:
    asked_safely = gates._asked_safely

    def swallowed(rule: Any, facts: Any, at: Any) -> Any:
        block = asked_safely(rule, facts, at)
        return None if block and block.code == gates.GATE_ERROR else block

    patch.setattr(gates, "_asked_safely", swallowed)


def no_look_at_news(patch: Patch) -> None:
    patch.setattr(NewsUnheard, "blocks", lambda self, facts, at: None)


def blocked_after_a_try(patch: Patch) -> None:
    patch.setattr(
        handing, "_ended",
        lambda ready, state, reason, retry_at=None: marking.Other(ready.id, ready.claim, state, reason, retry_at),
    )  # fmt: skip


def no_check_of_never_sent(patch: Patch) -> None:
    run_sql("ALTER TABLE campaigns_message DROP CONSTRAINT campaigns_message_never_sent_is_true")


def no_epoch(patch: Patch) -> None:
    rewritten(patch, walkers, "_DUE", "AND e.epoch = %(epoch)s::int", "")
    rewritten(patch, engine, "_BUSY", "AND e.epoch = c.epoch", "")


def no_pause(patch: Patch) -> None:
    patch.setattr(batches, "RUNNING", [*batches.RUNNING, "paused"])
    rewritten(patch, engine, "_BUSY", "IN ('active', 'draining')", "IN ('active', 'draining', 'paused')")


Flaw = Callable[[Patch], None]
Play = Callable[[Stage], None]
FLAWS: list[tuple[Play, list[Flaw], str]] = [
    (two_take_the_same, [no_swap], "taken by two"),
    (one_comes_back_while_another_is_at_it, [no_fence, no_look_at_earlier_tries, no_index_of_tries], "sent twice"),
    (a_worker_dies_after_the_call, [called_before_it_is_marked], "sent twice"),
    (a_worker_dies_after_the_call, [tried_again, no_look_at_earlier_tries, no_index_of_tries], "sent twice"),
    (somebody_says_stop, [gate_asked_when_it_was_queued], "sent after a stop"),
    (the_truth_comes_late, [deaf], "said not to have been sent"),
    (two_share_a_line, [no_rule_of_lines, no_index_of_lines], "sent twice on one line"),
    (one_key_is_used_twice, [no_look_at_keys, no_index_of_causes], "sent twice with one key"),
    (a_rule_breaks, [errors_swallowed], "sent past a rule that broke"),
    (an_answer_waits_to_be_heard, [no_look_at_news], "sent though they had answered"),
    (what_was_tried_is_blocked, [blocked_after_a_try, no_check_of_never_sent], "said never to have been tried"),
    (nobody_was_let_go_yet, [no_epoch], "moved before they were let go"),
    (a_campaign_stands_still, [no_pause], "moved in a pause"),
]
HELD: list[tuple[Play, Flaw]] = [
    (play, flaw) for play, flaws, _ in FLAWS if len(flaws) > 1 and play is not one_key_is_used_twice for flaw in flaws
] + [(one_key_is_used_twice, no_index_of_causes)]


def named(value: Any) -> str:
    some = value if isinstance(value, list) else [value]
    return "+".join(one if isinstance(one, str) else one.__name__ for one in some)


@pytest.mark.django_db
@pytest.mark.parametrize(("play", "flaws", "broken"), FLAWS, ids=named)
def test_a_safeguard_that_is_taken_out_is_missed(stage, monkeypatch, play, flaws, broken):
    play(stage)

    for flaw in flaws:
        flaw(monkeypatch)
    with pytest.raises(Broken, match=broken):
        play(stage)


@pytest.mark.django_db
@pytest.mark.parametrize(("play", "flaw"), HELD, ids=named)
def test_what_stands_behind_a_safeguard_holds_without_it(stage, monkeypatch, play, flaw):
    flaw(monkeypatch)

    play(stage)


# Locks: somebody else commits between the gate's answer and our mark, if nothing keeps them waiting


def stopped(message: Message) -> None:
    suppress(message)


@transaction.atomic
def asked_not_to(message: Message) -> None:
    contact = locking.lock(message.contact)  # as every verb that writes people does
    contact.do_not_text = True
    contact.save()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("change", "lock"), [(stopped, "_LINES"), (asked_not_to, "_CONTACTS")], ids=["endpoint", "contact"]
)
def test_a_stop_waits_for_what_is_being_decided_or_comes_before_it(stage, monkeypatch, change, lock):
    def play() -> None:
        message = walking()
        committed: list[bool] = []

        @in_own_connection
        def somebody() -> None:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '250ms'")
            try:
                change(message)
            except OperationalError:
                return  # it had to wait
            committed.append(True)

        def strike(name: str) -> None:
            if name == "send.before_mark":
                other = Thread(target=somebody)
                other.start()
                other.join()

        monkeypatch.setattr(faults, "strike", strike)
        send()
        promise(not (committed and stage.sent(message)), "sent after a stop")

    play()
    rewritten(monkeypatch, locks, lock, "FOR NO KEY UPDATE SKIP LOCKED", "")
    with pytest.raises(Broken, match="sent after a stop"):
        play()
