"""Doorbells that ring twice, beside each other, at nobody's, or never again (trust B2, B4, B5, B13)."""

import ast
from collections import Counter
from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.utils.module_loading import import_string

from campaigns import tasks
from campaigns.models import Attempt, Enrollment, Message
from campaigns.services import enrolling
from campaigns.services.dispatch.by_hand import send_by_hand
from campaigns.tests import sending
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import SendingAccountFactory
from campaigns.tests.walks import begun
from config import rhythm
from config.celery import app
from config.embedded import places
from config.kernel import clock
from config.testing import NOON
from crm.tests.factories import ContactFactory, UserFactory

BELLS = [import_string(name) for name in sorted(rhythm.BEAT)]
carrier = sending.carrier


def source_files():
    for name in ("config", "crm", "calls", "campaigns", "integrations"):
        for path in (places.CHECKOUT / name).rglob("*.py"):
            if "tests" not in path.parts:
                yield path, ast.parse(path.read_text())


def test_nothing_is_ever_asked_of_the_broker_for_later():
    """B5: a task with an ETA is lost with the broker, or done again and again: whatever waits is a row (DESIGN 2)."""
    calls = [
        (str(path), call) for path, tree in source_files() for call in ast.walk(tree) if isinstance(call, ast.Call)
    ]
    assert len(calls) > 1_000
    later = [
        path
        for path, call in calls
        if {keyword.arg for keyword in call.keywords} & {"eta", "countdown"}
        or (isinstance(call.func, ast.Attribute) and call.func.attr in {"apply_async", "signature", "s", "si"})
    ]
    assert later == []


def test_a_task_ends_long_before_a_broker_hands_it_out_again():
    """B4, trust 3.6: what still runs is redelivered after an hour at the earliest."""
    again = configured.CELERY_BROKER_TRANSPORT_OPTIONS.get("visibility_timeout", 3600)
    assert tasks.PATIENCE * 10 < configured.CELERY_TASK_TIME_LIMIT < again


@pytest.mark.django_db(transaction=True)
def test_every_doorbell_that_two_hear_at_once_does_its_work_once(carrier, settings, threads, monkeypatch):
    """B4, B13: a task that is delivered twice, and two beats."""
    settings.DISPATCHERS = 2
    for task in BELLS:
        monkeypatch.setattr(task, "delay", lambda: None)
    SendingAccountFactory()
    drawn = drawing(node("one", "sms_send"), node("two", "sms_send"), node("end", "exit"), "one>two", "two>end")
    campaign = begun(drawn)
    who = [str(ContactFactory(phone=f"+1512555{1000 + number}").pk) for number in range(12)]
    enrolling.begin(campaign=campaign, audience={"contacts": who}, by=None, at=NOON)

    def heard(task, at):
        with clock.standing_at(at):
            task()

    for minutes in range(6):
        at = NOON + timedelta(minutes=minutes)
        for task in BELLS:
            threads(*[lambda task=task, at=at: heard(task, at)] * 2)

    assert set(Enrollment.objects.values_list("state", flat=True)) == {"completed"}
    assert set(Counter(carrier.ledger()).values()) == {1}
    assert len(carrier.asked()) == len(carrier.ledger()) == Attempt.objects.count() == 24


@pytest.mark.django_db(transaction=True)
def test_whoever_only_asks_for_something_is_served_without_a_broker(settings, monkeypatch):
    """B2: the row is what counts; the ring is lost, and beat rings again when the broker is back."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "unix:///nowhere/valkey.sock"}}
    monkeypatch.setattr(app.conf, "broker_write_url", "redis+socket:///nowhere/valkey.sock")
    monkeypatch.setattr(app.amqp, "_producer_pool", None)
    contact = ContactFactory(phone="+15125550123")

    asked = {"contact": contact, "channel": "sms", "body": "Hello", "by": UserFactory(bdr=True), "key": "1", "at": NOON}
    message, is_new = send_by_hand(**asked)

    assert is_new
    assert Message.objects.get(pk=message.pk).state == "pending"
