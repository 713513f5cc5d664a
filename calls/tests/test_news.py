"""Others hear of outcomes when nobody takes them back any more, and of everything that was told and is no longer so."""

import logging
import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from calls.models import CallNews, Disposition
from calls.services import news, outcomes
from calls.signals import call_concluded
from calls.tests.factories import CallSessionFactory, callable_pair
from config.testing import NOON, in_own_connection
from crm.models import Contact
from crm.tests.factories import UserFactory

SECOND = timedelta(seconds=1)


@pytest.fixture
def heard():
    told = []

    def hear(event, **kwargs):
        told.append((event.session_id, event.disposition_id))

    call_concluded.connect(hear, weak=False, dispatch_uid="test")
    yield told
    call_concluded.disconnect(dispatch_uid="test")


@pytest.fixture
def call(db):
    return CallSessionFactory(pair=callable_pair())


@pytest.fixture
def admin(db):
    return UserFactory(admin=True)


def named(name):
    return Disposition.objects.get(name=name)


def conclude(call, name="Busy", at=NOON):
    return outcomes.conclude(session=call, disposition=named(name), by=call.rep, at=at)


def tell(seconds):
    return news.tell_due(at=NOON + seconds * SECOND)


class TestCorrections:
    def test_the_last_moment_to_take_it_back_is_before_the_first_to_tell_it(self, call):
        conclude(call)
        with pytest.raises(outcomes.TooLate):
            outcomes.take_back(session=call, by=call.rep, at=NOON + 10 * SECOND)
        assert news.tell_due(at=NOON + 10 * SECOND - timedelta(microseconds=1)) == 0

        outcomes.take_back(session=call, by=call.rep, at=NOON + 10 * SECOND - timedelta(microseconds=1))

    def test_who_was_told_hears_that_it_was_taken_back(self, call, admin, heard):
        busy = conclude(call).disposition_id
        tell(10)
        outcomes.take_back(session=call, by=admin, at=NOON + 60 * SECOND, reason="Misheard")
        assert tell(69) == 0
        tell(70)

        assert heard == [(call.pk, busy), (call.pk, None)]

    def test_a_correction_taken_back_is_told_as_no_outcome_where_the_first_one_was_told(self, call, admin, heard):
        busy = conclude(call).disposition_id
        tell(10)
        at = NOON + 60 * SECOND
        outcomes.correct(session=call, disposition=named("No answer"), by=admin, at=at, reason="Misheard")
        outcomes.take_back(session=call, by=admin, at=at + 5 * SECOND)
        tell(3600)

        assert heard == [(call.pk, busy), (call.pk, None)]

    def test_what_was_told_to_be_without_is_not_told_so_again(self, call, admin, heard):
        conclude(call)
        tell(10)
        outcomes.take_back(session=call, by=admin, at=NOON + 60 * SECOND, reason="Misheard")
        tell(70)
        conclude(call, "No answer", at=NOON + 80 * SECOND)
        outcomes.take_back(session=call, by=call.rep, at=NOON + 81 * SECOND)
        tell(3600)

        assert [disposition is None for _, disposition in heard] == [False, True]

    def test_a_new_outcome_replaces_the_news_that_there_is_none(self, call, admin, heard):
        conclude(call)
        tell(10)
        outcomes.take_back(session=call, by=admin, at=NOON + 60 * SECOND, reason="Misheard")
        answer = conclude(call, "No answer", at=NOON + 62 * SECOND).disposition_id
        tell(3600)

        assert [disposition for _, disposition in heard][1:] == [answer]


class TestFailingReceivers:
    @pytest.fixture
    def failing(self):
        """A receiver that writes, and then fails for the sessions in it."""
        bad = set()

        def fail(event, **kwargs):
            Contact.objects.filter(pk=event.contact_id).update(title="Told")
            if event.session_id in bad:
                raise LookupError("Alex Sample, +1 512 555 0100, is unknown to us")

        call_concluded.connect(fail, weak=False, dispatch_uid="failing")
        yield bad
        call_concluded.disconnect(dispatch_uid="failing")

    @pytest.mark.django_db
    def test_one_that_fails_keeps_nobody_else_from_being_told(self, failing, heard, caplog):
        calls = [CallSessionFactory(pair=callable_pair()) for _ in range(3)]
        for number, call in enumerate(calls):
            conclude(call, at=NOON + number * SECOND)
        failing.add(calls[0].pk)

        assert tell(20) == 3

        assert [session for session, _ in heard] == [calls[1].pk, calls[2].pk]
        assert list(Contact.objects.filter(title="Told").order_by("pk")) == [calls[1].contact, calls[2].contact]

    @pytest.mark.django_db
    def test_what_failed_waits_as_long_again_each_time_and_is_told_at_last(self, call, failing, heard):
        conclude(call)
        failing.add(call.pk)
        waits = []
        for seconds in (10, 20, 40, 80 + 7200):
            assert tell(min(seconds, 80) - 1) == 0
            assert tell(seconds) == 1
            waits.append((CallNews.objects.get().due_at - NOON) // SECOND - seconds)
        failing.clear()
        tell(80 + 7200 + 3600)

        assert waits == [10, 20, 40, 3600]
        assert [session for session, _ in heard] == [call.pk]

    @pytest.mark.django_db
    def test_the_log_names_the_event_and_the_place_and_nobody(self, call, failing, caplog):
        event = conclude(call)
        failing.add(call.pk)
        with caplog.at_level(logging.ERROR, logger="calls.services.news"):
            tell(10)

        (record,) = caplog.records
        assert str(event.pk) in record.getMessage()
        assert "LookupError" in record.getMessage()
        assert "Alex" not in caplog.text


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_news_waits_while_somebody_works_on_the_contact(self, call, heard, threads):
        conclude(call)

        def impatient():
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '5s'")
            return tell(10)

        with transaction.atomic():
            Contact.objects.select_for_update(no_key=True).get(pk=call.contact_id)
            assert threads(impatient) == [0]
        assert threads(impatient) == [1]
        assert len(heard) == 1

    def test_a_take_back_that_comes_while_it_is_told_is_told_later(self, call):
        """Its request began in time and had to wait: those who were being told hear the rest as well."""
        conclude(call)
        telling, heard = threading.Event(), []

        def slow(event, **kwargs):
            heard.append(event.disposition_id)
            telling.set()
            _wait_for_a_waiter()

        def take_back():
            assert telling.wait(timeout=30)
            outcomes.take_back(session=call, by=call.rep, at=NOON + 9 * SECOND)

        call_concluded.connect(slow, weak=False, dispatch_uid="slow")
        try:
            worker = threading.Thread(target=in_own_connection(take_back))
            worker.start()
            tell(10)
            worker.join(timeout=60)
        finally:
            call_concluded.disconnect(dispatch_uid="slow")

        assert heard == [named("Busy").pk]
        assert list(CallNews.objects.filter(due_at=NOON + 19 * SECOND).values_list("event__disposition")) == [(None,)]

    def test_many_calls_taken_back_and_told_at_once_are_told_rightly(self, heard, threads):
        calls = [CallSessionFactory(pair=callable_pair()) for _ in range(12)]
        for call in calls:
            conclude(call)

        def take_back(mine):
            for call in mine:
                outcomes.take_back(session=call, by=call.rep, at=NOON + 9 * SECOND)

        def teller():
            for _ in range(6):
                tell(10)

        threads(lambda: take_back(calls[::2]), lambda: take_back(calls[1::2]), teller, teller)
        tell(3600)

        for call in calls:
            said = [disposition for session, disposition in heard if session == call.pk]
            assert said in ([], [named("Busy").pk, None])


def _wait_for_a_waiter():
    """Until another connection waits for a row that ours holds; fails loudly if nobody ever does."""
    with connection.cursor() as cursor:
        for _ in range(600):
            cursor.execute(
                "SELECT pg_stat_clear_snapshot(), EXISTS (SELECT FROM pg_stat_activity "
                "WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
            )
            if cursor.fetchone()[1]:
                return
            threading.Event().wait(0.05)
    raise AssertionError("Nobody waits")
