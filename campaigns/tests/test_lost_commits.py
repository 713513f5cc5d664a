"""A transaction that PostgreSQL gives up is tried again, and no call with it (trust B8); one whose COMMIT was done, and
whose answer was lost, is not (B9).
"""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from campaigns.models import Attempt, Enrollment, EnrollmentRun, Message
from campaigns.services import enrolling
from campaigns.services.dispatch import reconciling, running, sweeping
from campaigns.services.dispatch.by_hand import send_by_hand
from campaigns.tests import carriers
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import SendingAccountFactory, walking
from campaigns.tests.sending import send
from campaigns.tests.walks import begun
from config.kernel import clock, faults, transactions
from config.testing import NOON
from crm.models import Touch
from crm.tests.factories import ContactFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lost(monkeypatch):
    """``lost(n)``: the answer to the n-th commit from now on is lost, in whatever thread; it returns all commits."""

    def lose(number):
        done = []
        commit = BaseDatabaseWrapper._commit

        def losing(self):
            commit(self)
            done.append(self)
            if len(done) == number:
                raise OperationalError("server closed the connection unexpectedly")

        monkeypatch.setattr(BaseDatabaseWrapper, "_commit", losing)
        return done

    yield lose
    monkeypatch.undo()


@pytest.mark.parametrize("code", ["40001", "40P01"])
@pytest.mark.parametrize(
    ("point", "times"), [("send.before_mark", 2), ("send.before_record", 2), ("send.before_mark", 3)]
)
def test_what_is_tried_again_is_the_transaction_and_never_the_call(
    settings, tmp_path, monkeypatch, code, point, times
):  # fmt: skip
    carrier = carriers.install(settings, tmp_path)
    SendingAccountFactory()
    message = walking()
    struck = []

    def give_up(name):
        if name == point and len(struck) < times:
            struck.append(connection.in_atomic_block)
            with connection.cursor() as cursor:
                cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'given up' USING ERRCODE = '{code}'; END $$")

    monkeypatch.setattr(faults, "strike", give_up)
    with suppress(OperationalError):  # after three tries it is left to whoever comes later
        send()
    assert struck == [True] * times
    assert len(carrier.asked()) == (times < transactions.TRIES)
    later = NOON + timedelta(minutes=2)
    sweeping.sweep(at=later)
    send(later)

    assert carrier.ledger() == [str(message.pk)]
    assert Attempt.objects.get().outcome == "accepted"


@pytest.mark.parametrize("channel", ["sms", "email"])
@pytest.mark.parametrize("number", range(1, 6))
def test_whichever_commit_of_dispatch_it_is_nobody_gets_it_twice(settings, tmp_path, lost, channel, number):
    carriers.install(settings, tmp_path)
    carrier = carriers.Carrier(**settings.PROVIDERS[channel]["OPTIONS"])
    SendingAccountFactory(channel=channel)
    messages = [walking(channel) for _ in range(3)]

    done = lost(number)
    with clock.standing_at(NOON):
        with suppress(OperationalError):  # the task fails, and beat rings again
            running.dispatch(seconds=3, pipelines=1)
        running.dispatch(seconds=3, pipelines=1)
    assert len(done) >= number, "it never came to that"
    for minutes in (2, 4, 20, 40):
        at = NOON + timedelta(minutes=minutes)
        with clock.standing_at(at):
            sweeping.sweep(at=at)
            reconciling.reconcile(at=at)
        send(at)

    keys = carrier.ledger()
    assert len(keys) == len(set(keys))
    states = {str(one.pk): one.state for one in Message.objects.filter(pk__in=[one.pk for one in messages])}
    assert {key for key, state in states.items() if state == "accepted"} == set(keys)
    assert set(states.values()) <= {"accepted", "not_sent_presumed"}
    assert channel == "sms" or set(states.values()) == {"accepted"}
    assert Attempt.objects.count() == Touch.objects.count()


def test_whoever_asks_again_gets_the_message_that_is_there(lost):
    asked = {
        "contact": ContactFactory(phone="+15125550123"), "channel": "sms", "body": "Hello", "key": "1", "at": NOON,
        "by": UserFactory(bdr=True),
    }  # fmt: skip
    lost(1)
    with pytest.raises(OperationalError):
        send_by_hand(**asked)

    message, is_new = send_by_hand(**asked)

    assert not is_new
    assert Message.objects.get() == message


def test_a_chunk_of_people_is_enrolled_once(lost):
    campaign = begun(drawing(node("wait", "wait"), node("end", "exit"), "wait>end"))
    people = {"contacts": [str(one.pk) for one in ContactFactory.create_batch(7)]}
    run = enrolling.begin(campaign=campaign, audience=people, by=None, at=NOON)
    lost(1)
    with pytest.raises(OperationalError):
        enrolling.take(run.pk, at=NOON, size=3)

    while enrolling.take(run.pk, at=NOON, size=3):
        pass

    assert Enrollment.objects.count() == EnrollmentRun.objects.get().enrolled == 7
