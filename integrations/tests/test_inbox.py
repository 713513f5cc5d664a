"""News is kept first and understood later: told twice, killed, forged, poisoned, or of nobody."""

import logging
import time
from datetime import timedelta
from threading import Event

import orjson
import pytest
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.test import Client

from campaigns.models import Conversation, Happening, Message
from campaigns.tests.factories import AttemptFactory, EnrollmentFactory, MessageFactory
from config.kernel import clock, faults
from config.kernel.partitions import tables
from config.testing import NOON
from crm.models import Endpoint, Suppression
from crm.tests.factories import ContactFactory
from integrations import tasks
from integrations.inbox import doors, keeping, reading, views
from integrations.inbox.hooks import Forged, Item
from integrations.models import News, NewsBody
from integrations.simulated.hook import SimulatedHook
from integrations.tests.dying import killed_at

pytestmark = pytest.mark.django_db
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
TOKEN = "the secret that travelled"


@pytest.fixture(autouse=True)
def rings(monkeypatch):
    """No broker: how often a worker was rung for. Nobody has rung in the second before."""
    cache.delete(f"ring:{tasks.read_inbox.name}")
    rung = []
    monkeypatch.setattr(tasks.read_inbox, "delay", lambda: rung.append(1))
    return rung


def url(provider="simulated", token=None):
    return f"/hooks/{provider}/{token or doors.token(provider)}/"


def event(number=1, kind="delivered", **more):
    facts = {"id": f"ev-{number}", "type": kind, "channel": "sms", "reference": "sim_1", "token": TOKEN}
    return {**facts, "at": NOON.isoformat(), **more}


def reply(number=1, text="Yes, call me.", **more):
    facts = {"sender": "+15125550134", "to": "+15125550100", "text": text, "token": "", "reference": f"in-{number}"}
    return event(number, "received", **{**facts, **more})


def post(*events, client=None, body=None, **where):
    body = orjson.dumps({"events": list(events)}) if body is None else body
    return (client or Client()).post(url(**where), body, content_type="application/json").status_code


def read(at=NOON):
    return reading.read_due(at=at)


@pytest.fixture(autouse=True)
def at_noon():
    with clock.standing_at(NOON):
        yield


@pytest.fixture
def attempt():
    return AttemptFactory(token=TOKEN, message=MessageFactory(state="uncertain", ever_dispatched=True, tries=1))


def state_of(attempt):
    return Message.objects.get(pk=attempt.message_id).state


class TestKeeping:
    def test_what_is_told_is_kept_word_for_word_answered_and_rung_for(self, rings, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True):
            assert post(event(1), reply(2)) == 200

        first, second = News.objects.order_by("key")
        assert (first.provider, first.key, first.state, first.signed) == ("simulated", "ev-1", "waiting", False)
        assert orjson.loads(NewsBody.objects.get(pk=second.pk).body) == reply(2)
        assert len(rings) == 1
        assert not Message.objects.exists()

    def test_it_is_heard_once_however_often_it_is_told(self, rings, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True):
            assert [post(event(1)), post(event(1), event(1)), post(event(1))] == [200] * 3

        assert News.objects.count() == NewsBody.objects.count() == 1
        assert len(rings) == 1

    def test_it_is_known_for_ever(self, attempt):
        post(event(1))
        read()
        with clock.standing_at(NOON + timedelta(days=400)):
            post(event(1))

        assert News.objects.get().state == "understood"

    def test_what_has_no_id_is_known_by_its_words(self):
        for _ in range(2):
            post({"type": "delivered"}, {"type": "accepted"}, "text", {"id": "x" * 101}, {"id": ""}, {"id": "a\0b"})

        assert News.objects.count() == 6
        assert all(key.startswith("sha256:") for key in News.objects.values_list("key", flat=True))

    @pytest.mark.parametrize("many", [1, 30])
    def test_many_cost_as_much_as_one(self, many, django_assert_num_queries):
        client = Client()
        with django_assert_num_queries(3):  # a savepoint around one statement
            assert post(*(event(n) for n in range(many)), client=client) == 200

    @pytest.mark.parametrize("where", [{"token": "guessed"}, {"provider": "nobody"}, {"token": "0" * 64}])
    def test_another_address_is_none(self, where, caplog):
        assert post(event(1), **where) == 404
        assert not News.objects.exists()
        assert "guessed" not in caplog.text

    def test_the_address_before_stays_open_when_there_is_a_new_one(self, settings):
        before, older = doors.token("simulated"), doors.token("simulated", epoch=0)
        settings.HOOK_EPOCH = 2

        assert doors.token("simulated") != before
        assert [post(event(1), token=token) for token in (doors.token("simulated"), before, older)] == [200, 200, 404]
        assert len(before) == 64  # 256 bits

    def test_the_door_of_one_provider_is_not_anothers(self, settings):
        settings.WEBHOOKS = {**settings.WEBHOOKS, "other": settings.WEBHOOKS["simulated"]}

        assert post(event(1), provider="other", token=doors.token("simulated")) == 404

    def test_only_posts_are_news(self, client):
        assert client.get(url()).status_code == 405

    def test_neither_cookies_nor_a_csrf_token_are_asked_for(self):
        assert post(event(1), client=Client(enforce_csrf_checks=True)) == 200

    @pytest.mark.parametrize(("size", "status"), [(views.LARGEST, 200), (views.LARGEST + 1, 413), (20_000_000, 413)])
    def test_its_size_has_a_limit(self, size, status):
        assert post(body=b"x" * size) == status
        assert News.objects.count() == (status == 200)

    def test_a_wrong_signature_is_refused_and_nothing_kept(self, monkeypatch):
        def is_signed(self, **request):
            raise Forged

        monkeypatch.setattr(SimulatedHook, "is_signed", is_signed)

        assert post(event(1)) == 403
        assert not News.objects.exists()

    def test_bodies_are_cut_into_months_and_never_change(self):
        post(event(1))
        assert "integrations_newsbody" in tables()

        for change in (lambda: NewsBody.objects.update(body=b""), lambda: NewsBody.objects.all().delete(),
                       lambda: News.objects.all().delete()):  # fmt: skip
            with pytest.raises(IntegrityError), transaction.atomic():
                change()


class TestReading:
    def test_a_status_settles_its_message(self, attempt):
        post(event(1))

        assert read() == 1

        news = News.objects.get()
        assert (state_of(attempt), news.state, news.kind, news.due_at) == ("delivered", "understood", "delivered", None)

    def test_a_reply_becomes_a_message_in_the_conversation(self):
        person = EnrollmentFactory(contact=ContactFactory(phone="+1 512 555 0134")).contact
        post(reply())
        read()

        assert Conversation.objects.get(contact=person).last_text == "Yes, call me."
        assert Happening.objects.get().kind == "reply"

    def test_unsigned_news_adds_a_suppression_and_never_removes_one(self):
        ContactFactory(phone="+1 512 555 0134")
        post(reply(1, "STOP"))
        read()
        post(reply(2, "START"), reply(3, "UNSTOP"), reply(4, "Yes"))
        read()

        assert Suppression.objects.standing().count() == 1
        assert Endpoint.objects.get(value="+15125550134").suppressed_at

    @pytest.mark.parametrize(
        "strange",
        [
            *(event(1, "exploded"), event(1, channel="telegraph"), event(1, channel=None), event(1, token={"a": 1})),
            *({"id": "ev-1"}, event(1, type=7), event(1, token="somebody else's"), reply(1, text=None), "text", None),
        ],
    )
    def test_what_is_unknown_or_of_somebody_else_is_quarantined(self, attempt, strange):
        assert post(strange) == 200
        read()

        news = News.objects.get()
        assert (news.state, news.due_at) == ("quarantined", None)
        assert news.error
        assert state_of(attempt) == "uncertain"
        assert not Conversation.objects.exists()

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"[]", b"null", b'{"events": 1}', b'{"events": []}', b"\xff\xfe\x00", b"[" * 100_000, b"<html>",
         b'{"events": [' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"]}", b'{"events": [NaN]}', b"\0" * 1000],
        ids=lambda body: ascii(body)[:24],
    )  # fmt: skip
    def test_what_cannot_be_read_is_kept_as_it_is_and_shown(self, body):
        assert post(body=body) == 200
        read()

        assert News.objects.get().state == "quarantined"
        assert bytes(NewsBody.objects.get().body) == body

    def test_a_reference_that_nobody_knows_yet_is_tried_again(self):
        late = AttemptFactory(message=MessageFactory(state="dispatching", ever_dispatched=True, tries=1))
        post(event(1, token=""))
        read()
        assert (News.objects.get().state, News.objects.get().due_at) == ("waiting", NOON + 5 * SECOND)
        type(late).objects.filter(pk=late.pk).update(reference="sim_1")

        read(NOON + MINUTE)

        assert state_of(late) == "delivered"

    def test_poison_stops_nobody_and_is_parked_in_the_end(self, attempt, monkeypatch, caplog):
        understand = SimulatedHook.understand

        def poisoned(self, body, **more):
            if b"poison" in body:
                raise ZeroDivisionError("+1 512 555 0134 told us 'secret'")
            return understand(self, body, **more)

        monkeypatch.setattr(SimulatedHook, "understand", poisoned)
        post(reply(0, "poison"), event(1))

        for hour in range(reading.MOST + 1):
            read(NOON + timedelta(hours=hour))

        poison, other = News.objects.order_by("key")
        assert (other.state, state_of(attempt)) == ("understood", "delivered")
        assert (poison.state, poison.attempts, poison.due_at) == ("parked", reading.MOST, None)
        assert "ZeroDivisionError" in poison.error
        for where in (caplog.text, poison.error):
            assert "555" not in where
            assert "secret" not in where

    def test_what_fails_leaves_nothing_half_done(self, attempt, monkeypatch):
        understand = SimulatedHook.understand

        def half(self, body, **more):
            understand(self, body, **more)
            raise RuntimeError

        monkeypatch.setattr(SimulatedHook, "understand", half)
        post(event(1))
        read()

        assert state_of(attempt) == "uncertain"

    def test_a_claim_that_lapsed_to_another_worker_keeps_nothing(self, attempt, monkeypatch):
        post(event(1))
        mine = reading._claim(NOON, 50)[0]
        theirs = reading._claim(NOON + reading.LEASE, 50)[0]
        assert mine.id == theirs.id

        reading._read(mine, bytes(NewsBody.objects.get().body), NOON + reading.LEASE)
        assert (state_of(attempt), News.objects.get().state) == ("uncertain", "waiting")
        reading._read(theirs, bytes(NewsBody.objects.get().body), NOON + reading.LEASE)

        assert (state_of(attempt), News.objects.get().state) == ("delivered", "understood")

    def test_what_was_not_understood_can_be_read_again(self, attempt):
        post(event(1, token="not known yet"))
        read()
        AttemptFactory(token="not known yet", message=MessageFactory(state="uncertain", ever_dispatched=True, tries=1))

        reading.read_again(news=News.objects.get(), by=None, at=NOON)
        read()

        assert News.objects.get().state == "understood"
        with pytest.raises(reading.NotStuck):
            reading.read_again(news=News.objects.get(), by=None, at=NOON)

    @pytest.mark.parametrize("many", [3, 30])
    def test_many_statuses_cost_as_many_statements_as_a_few(self, many, django_assert_num_queries):
        contact = ContactFactory()
        for number in range(many):
            message = MessageFactory(by_hand=True, contact=contact, state="uncertain", ever_dispatched=True)
            AttemptFactory(token=f"t{number}", message=message, outcome="uncertain")
        post(*(event(n, token=f"t{n}", reference=f"sim_{n}") for n in range(many)))

        with django_assert_num_queries(15):
            assert read() == many

        assert set(News.objects.values_list("state", "kind")) == {("understood", "delivered")}
        assert set(Message.objects.values_list("state", flat=True)) == {"delivered"}

    def test_one_that_breaks_the_whole_is_found_by_itself(self, attempt, monkeypatch):
        def broken(self, bodies, **more):
            raise ZeroDivisionError

        monkeypatch.setattr(SimulatedHook, "at_once", broken)
        post(event(1), event(2, "accepted"))
        read()

        assert state_of(attempt) == "delivered"
        assert set(News.objects.values_list("state", flat=True)) == {"understood"}

    def test_a_claim_on_many_that_lapsed_keeps_nothing(self, attempt):
        post(event(1), event(2, "accepted"))
        mine = reading._claim(NOON, 50)
        theirs = reading._claim(NOON + reading.LEASE, 50)
        bodies = {row.pk: bytes(row.body) for row in NewsBody.objects.all()}

        assert reading._read_together(mine, bodies, NOON) == set()
        assert state_of(attempt) == "uncertain"
        assert len(reading._read_together(theirs, bodies, NOON)) == 2

    def test_fifty_are_claimed_by_two_statements(self, django_assert_num_queries):
        keep(*(Item(f"k{n}", b"x") for n in range(60)))

        with django_assert_num_queries(4):
            assert len(reading._claim(NOON, 50)) == 50

    def test_a_provider_that_nobody_reads_any_more_is_quarantined(self, settings):
        post(event(1))
        settings.WEBHOOKS = {}
        read()

        assert News.objects.get().state == "quarantined"


def keep(*items):
    return keeping.keep(provider="simulated", items=items, signed=False, at=NOON)


def test_no_words_of_anybody_are_in_the_log(caplog):
    """Canaries: a number, an address, a name and a text."""
    caplog.set_level(logging.DEBUG)
    ContactFactory(phone="+1 512 555 0134", first_name="Canary")
    post(reply(1, "My name is Canary, canary@example.com"), event(2, token="canary-token"), body=None)
    post(body=b"canary +15125550134")
    for _ in range(2):
        read()

    said = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith(OURS))
    for canary in ("5550134", "canary@", "Canary", "canary-token", doors.token("simulated")):
        assert canary not in said


OURS = ("clearline", "config", "crm", "calls", "campaigns", "integrations")


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

    def test_killed_before_the_commit_nothing_was_said_and_it_is_told_again(self):
        assert killed_at("inbox.before_commit", lambda: post(event(1)))
        assert not News.objects.exists()

        assert post(event(1)) == 200
        assert News.objects.count() == 1

    def test_killed_after_the_commit_it_is_understood_later_and_told_again_it_is_known(self, attempt):
        assert killed_at("inbox.after_commit", lambda: post(event(1)))
        assert post(event(1)) == 200

        read()

        assert News.objects.count() == 1
        assert state_of(attempt) == "delivered"

    @pytest.mark.parametrize("point", ["inbox.after_claim", "inbox.before_settle", "inbox.after_settle"])
    def test_a_killed_reader_leaves_all_or_nothing_and_the_next_one_goes_on(self, point):
        ContactFactory(phone="+1 512 555 0134")
        post(reply(1, "STOP"))

        assert killed_at(point, read)

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
