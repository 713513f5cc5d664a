"""Each safeguard is taken out once, and something notices: tests that cannot fail prove nothing (trust 3.7).

A flaw is a small patch. A play is a directed piece of what may happen: it ends well without the flaw, and with the flaw
it breaks a promise. Where two safeguards stand behind each other, either alone holds, and that is looked at as well.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from campaigns.models import Message
from campaigns.services.dispatch import locks
from campaigns.tests import carriers
from campaigns.tests.factories import SendingAccountFactory, walking
from campaigns.tests.flaws import (
    Patch,
    blocked_after_a_try,
    called_before_it_is_marked,
    deadline_of_the_call,
    deaf,
    errors_swallowed,
    gate_asked_when_it_was_queued,
    no_check_of_never_sent,
    no_deadline,
    no_epoch,
    no_fence,
    no_index_of_causes,
    no_index_of_tries,
    no_look_at_earlier_tries,
    no_look_at_keys,
    no_look_at_news,
    no_pause,
    no_rule_of_lines,
    no_swap,
    rewritten,
    tried_again,
)
from campaigns.tests.plays import (
    Broken,
    Stage,
    a_campaign_stands_still,
    a_rule_breaks,
    a_worker_dies_after_the_call,
    a_worker_stands_still_after_its_mark,
    an_answer_waits_to_be_heard,
    nobody_was_let_go_yet,
    one_comes_back_while_another_is_at_it,
    one_key_is_used_twice,
    promise,
    somebody_says_stop,
    suppress,
    the_truth_comes_late,
    two_share_a_line,
    two_take_the_same,
    what_was_tried_is_blocked,
)
from campaigns.tests.sending import send
from config.testing import WAITED
from crm.services import locking


@pytest.fixture
def stage(settings, tmp_path):
    return Stage(carriers.install(settings, tmp_path), SendingAccountFactory())


Flaw = Callable[[Patch], None]
Play = Callable[[Stage], None]
FLAWS: list[tuple[Play, list[Flaw], str]] = [
    (two_take_the_same, [no_swap], "taken by two"),
    (one_comes_back_while_another_is_at_it, [no_fence, no_look_at_earlier_tries, no_index_of_tries], "sent twice"),
    (a_worker_dies_after_the_call, [called_before_it_is_marked], "sent twice"),
    (a_worker_dies_after_the_call, [tried_again, no_look_at_earlier_tries, no_index_of_tries], "sent twice"),
    (a_worker_stands_still_after_its_mark, [no_deadline], "sent on an old decision"),
    (a_worker_stands_still_after_its_mark, [deadline_of_the_call], "sent on an old decision"),
    (somebody_says_stop, [gate_asked_when_it_was_queued], "sent after a stop"),
    (the_truth_comes_late, [deaf], "said not to have been sent"),
    (two_share_a_line, [no_rule_of_lines], "sent twice on one line"),
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
def test_a_stop_waits_for_what_is_being_decided_or_comes_before_it(stage, monkeypatch, between, change, lock):
    def play() -> None:
        message = walking()
        found = between("send.before_mark", lambda: change(message))
        send()
        promise(found == [WAITED] or not stage.sent(message), "sent after a stop")

    play()
    rewritten(monkeypatch, locks, lock, "FOR NO KEY UPDATE SKIP LOCKED", "")
    with pytest.raises(Broken, match="sent after a stop"):
        play()
