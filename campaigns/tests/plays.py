"""Directed pieces of what may happen to messages and walks: each ends well, or says which promise is broken."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from campaigns.models import Enrollment, Message
from campaigns.rules.standing import DuplicateAddress
from campaigns.services import evidence
from campaigns.services.dispatch import by_hand, calling, handing, reconciling, recording, sweeping
from campaigns.services.engine import running as engine
from campaigns.tests.carriers import Carrier
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import CampaignFactory, EnrollmentFactory, HappeningFactory, walking
from campaigns.tests.sending import claim, known, mark, now, send
from campaigns.tests.walks import begun, enrolled, paused, resumed, run, settle
from config.kernel import clock, faults
from config.testing import NOON
from crm.choices import SuppressionReason
from crm.models import Contact, Endpoint, Touch
from crm.services import suppressing
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


def line_of(message: Message) -> Endpoint:
    return Endpoint.objects.get(value=message.contact.primary_phone)


def suppress(message: Message) -> None:
    suppressing.suppress(endpoint=line_of(message), reason=SuppressionReason.ASKED, source="telephone", at=NOON)


@contextmanager
def standing_still(point: str, *, seconds: float) -> Iterator[None]:
    """Whoever comes to ``point`` goes on so many seconds later, the first time."""
    goes, lost = clock.monotonic, [0.0]

    def strike(name: str) -> None:
        if name == point:
            lost[0] = seconds

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "monotonic", lambda: goes() + lost[0])
        patch.setattr(faults, "strike", strike)
        yield


def a_worker_stands_still_after_its_mark(stage: Stage) -> None:
    message = walking()
    with standing_still("send.after_mark", seconds=3600):
        send()
    promise(not stage.sent(message), "sent on an old decision")


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
