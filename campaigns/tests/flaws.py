"""Safeguards taken out, one at a time: each flaw is a small patch that a test undoes."""

from typing import Any

import pytest
from django.db import connection, transaction

from calls.services import deciding
from campaigns.choices import RUNNING
from campaigns.providers import sender_on
from campaigns.rules.standing import DuplicateAddress, NewsUnheard
from campaigns.services import evidence, routes
from campaigns.services.dispatch import (
    by_hand,
    calling,
    claiming,
    handing,
    locks,
    marking,
    recording,
    running,
    sweeping,
)
from campaigns.services.engine import batches
from campaigns.services.engine import claiming as walkers
from campaigns.services.engine import running as engine
from config.kernel import clock, faults
from config.kernel import gate as gates
from config.kernel.gate import Verdict

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


def no_deadline(patch: Patch) -> None:
    patch.setattr(calling, "DEADLINE", float("inf"))


def deadline_of_the_call(patch: Patch) -> None:
    """It is counted from the call, not from the decision."""
    call = calling.call
    patch.setattr(calling, "call", lambda **said: call(**{**said, "began": clock.monotonic()}))


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
        return attempt.message.state in evidence.GIVEN_UP or is_known(attempt, *said)

    patch.setattr(evidence, "_is_known", known_or_over)


def no_rule_of_lines(patch: Patch) -> None:
    patch.setattr(DuplicateAddress, "blocks", lambda self, facts, at: None)


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
    for module in (batches, routes):  # whom the engine moves, and whose walk goes further
        patch.setattr(module, "RUNNING", [*RUNNING, "paused"])
    rewritten(patch, engine, "_BUSY", "IN ('active', 'draining')", "IN ('active', 'draining', 'paused')")
