"""The inbox where many tell and read at once, and where whoever keeps or reads is killed."""

import time
from threading import Event

import pytest
from django.db import connection, transaction

from campaigns.models import Conversation, Message
from config.kernel import clock, faults
from config.testing import NOON
from crm.models import Suppression
from crm.tests.factories import ContactFactory
from integrations.inbox import reading
from integrations.inbox.hooks import Item
from integrations.models import News
from integrations.simulated.hook import SimulatedHook
from integrations.tests import telling
from integrations.tests.dying import cut_at, killed_at
from integrations.tests.telling import event, keep, post, read, reply, state_of

rings, at_noon, attempt = telling.rings, telling.at_noon, telling.attempt


@pytest.mark.django_db(transaction=True)
class TestRacesAndDeaths:
    def test_fifty_who_tell_the_same_at_once_are_heard_once(self, threads):
        person = ContactFactory(phone="+1 512 555 0134")

        def tell():
            with clock.standing_at(NOON):
                return post(reply(1, "STOP"), reply(2, "Yes"))

        assert threads(*[tell] * 50) == [200] * 50
        threads(*[read] * 4)

        assert News.objects.count() == 2
        assert Message.objects.filter(contact=person).count() == 2
        assert Suppression.objects.count() == 1

    def test_several_workers_understand_each_thing_once(self, threads):
        ContactFactory(phone="+1 512 555 0134")
        post(*(reply(n, f"Word {n}") for n in range(60)))

        threads(*[lambda: [read() for _ in range(3)]] * 4)

        assert Message.objects.count() == Conversation.objects.get().unread == 60
        assert not News.objects.exclude(state="understood", attempts=1).exists()

    @pytest.mark.parametrize("struck_at", [killed_at, cut_at])
    def test_struck_before_the_commit_nothing_was_said_and_it_is_told_again(self, struck_at):
        assert struck_at("inbox.before_commit", lambda: post(event(1)))
        assert not News.objects.exists()

        assert post(event(1)) == 200
        assert News.objects.count() == 1

    @pytest.mark.parametrize("struck_at", [killed_at, cut_at])
    def test_struck_after_the_commit_it_is_understood_later_and_told_again_it_is_known(self, attempt, struck_at):
        assert struck_at("inbox.after_commit", lambda: post(event(1)))
        assert post(event(1)) == 200

        read()

        assert News.objects.count() == 1
        assert state_of(attempt) == "delivered"

    @pytest.mark.parametrize("struck_at", [killed_at, cut_at])
    @pytest.mark.parametrize("point", ["inbox.after_claim", "inbox.before_settle", "inbox.after_settle"])
    def test_a_reader_who_is_struck_leaves_all_or_nothing_and_the_next_one_goes_on(self, point, struck_at):
        ContactFactory(phone="+1 512 555 0134")
        post(reply(1, "STOP"))

        assert struck_at(point, read)

        assert Suppression.objects.count() == Message.objects.count() == (point == "inbox.after_settle")
        read(NOON + reading.LEASE)
        assert Suppression.objects.count() == Message.objects.count() == 1
        assert News.objects.get().state == "understood"

    def test_what_kills_every_worker_is_parked(self):
        post(event(1))

        for attempt in range(reading.MOST):
            assert killed_at("inbox.before_settle", lambda at=attempt: read_past(NOON + at * reading.LEASE))
        read(NOON + reading.MOST * reading.LEASE)

        assert News.objects.get().state == "parked"

    def test_every_point_of_the_inbox_is_struck_here(self):
        struck = {"inbox.before_commit", "inbox.after_commit", "inbox.after_claim", "inbox.before_settle"}

        assert {name for name in faults.REGISTERED if name.startswith("inbox.")} == struck | {"inbox.after_settle"}


def read_past(at):
    """A reader of something that kills it whatever it is."""
    SimulatedHook.understand = lambda self, body, **more: "delivered"
    return reading.read_due(at=at)


@pytest.mark.django_db(transaction=True)
def test_two_who_tell_the_same_in_another_order_wait_for_each_other_and_never_deadlock(threads):
    """Whoever waits for the first key holds none of the later ones."""
    held, over = Event(), Event()

    def first():
        with transaction.atomic():
            keep(Item("a", b"x"))
            held.set()
            over.wait(60)

    def waits():
        held.wait(60)
        keep(Item("z", b"x"), Item("a", b"x"))

    def passes():
        held.wait(60)
        try:
            with connection.cursor() as cursor:
                for _ in range(500):
                    cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
                    if cursor.fetchone()[0]:
                        break
                    time.sleep(0.02)
                cursor.execute("SET lock_timeout = '500ms'")
            keep(Item("z", b"x"))
        finally:
            over.set()

    threads(first, waits, passes)

    assert sorted(News.objects.values_list("key", flat=True)) == ["a", "z"]
