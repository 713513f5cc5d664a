"""Proofs of a provider as tests tell them."""

from datetime import timedelta

from campaigns.models import Message
from campaigns.services import evidence
from campaigns.tests.factories import AttemptFactory, MessageFactory
from config.testing import NOON

TOKEN = "a-secret-of-ours"
LATER = NOON + timedelta(days=3)
RANK = ["accepted", "undelivered", "delivered"]  # what is further is proved by what comes later here


def tried(state="dispatching", outcome="dispatching", **fields):
    message = MessageFactory(state=state, ever_dispatched=True, tries=1)
    return AttemptFactory(token=TOKEN, message=message, outcome=outcome, **fields)


def told(status, **more):
    return evidence.bind(**{"provider": "sms", "status": status, "at": LATER, "token": TOKEN, **more})


def now(attempt):
    return Message.objects.get(pk=attempt.message_id)
