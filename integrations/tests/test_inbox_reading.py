"""What was kept is understood later: strange, poisoned, of nobody or too early, and no words of anybody get out."""

import logging
from datetime import timedelta

import orjson
import pytest

from campaigns.models import Conversation, Happening, Message
from campaigns.tests.factories import AttemptFactory, EnrollmentFactory, MessageFactory
from config.testing import NOON
from crm.models import Endpoint, Suppression
from crm.tests.factories import ContactFactory
from integrations.inbox import doors, reading
from integrations.inbox.hooks import Item
from integrations.models import News, NewsBody
from integrations.simulated.hook import SimulatedHook
from integrations.tests import telling
from integrations.tests.telling import event, keep, post, read, reply, state_of

pytestmark = pytest.mark.django_db
rings, at_noon, attempt = telling.rings, telling.at_noon, telling.attempt
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


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

    @pytest.mark.parametrize(
        "at", ["0001-01-01T00:00:00+14:00", "1600-01-01T00:00:00+00:00", "9999-12-31T23:00:00-12:00"]
    )
    def test_a_moment_that_no_calendar_shows_is_when_we_heard_of_it(self, at):
        ContactFactory(phone="+15125550134")
        post(reply(at=at))
        read()

        assert (Message.objects.get().not_before, Conversation.objects.get().last_at) == (NOON, NOON)

    def test_unsigned_news_adds_a_suppression_and_never_removes_one(self):
        ContactFactory(phone="+1 512 555 0134")
        post(reply(1, "STOP"))
        read()
        post(reply(2, "START"), reply(3, "UNSTOP"), reply(4, "Yes"))
        read()

        assert Suppression.objects.standing().count() == 1
        assert Endpoint.objects.get(value="+15125550134").suppressed_at

    @pytest.mark.parametrize("number", [1, 2])
    def test_a_stop_is_obeyed_though_its_provider_calls_it_like_the_answer_of_another(self, number):
        ContactFactory(phone="+1 512 555 0134")
        for _ in range(2):
            post(reply(1, reference=""), reply(number, "STOP", sender="+15125550135", reference=""))
            read()

        assert Suppression.objects.get().endpoint.value == "+15125550135"
        assert Message.objects.count() == 2

    @pytest.mark.parametrize("many", [1, 3])
    @pytest.mark.parametrize(("said", "kept"), [(b"un\\u0000reachable", "unreachable"), (b"\\ud83d", "\ufffd")])
    def test_what_no_database_keeps_is_left_out_of_a_status(self, attempt, said, kept, many):
        told = [event(n, "undelivered", code="CODE") for n in range(many)]
        post(body=orjson.dumps({"events": told}).replace(b"CODE", said))
        read()

        assert Message.objects.get(pk=attempt.message_id).reason == kept
        assert set(News.objects.values_list("state", flat=True)) == {"understood"}

    @pytest.mark.parametrize(
        "strange", [b"STOP\\ud83d", b"STOP\\u0000", b"\\u200bS\\ufeffTOP\\u202e", b"STOP \\udfff\\ud83d"]
    )
    def test_a_stop_is_obeyed_whatever_else_was_cut_in_its_text(self, strange):
        post(body=orjson.dumps({"events": [reply(1, "TEXT"), reply(2, "And?")]}).replace(b"TEXT", strange))
        read()

        assert Suppression.objects.get().endpoint.value == "+15125550134"
        assert set(Message.objects.values_list("reason", flat=True)) == {"opt_out", ""}

    def test_two_whose_ids_were_cut_are_two(self, attempt):
        told = orjson.dumps({"events": [event(1, "accepted", id="a+"), event(2, id="a-")]})
        post(body=told.replace(b"a+", b"a\\ud800").replace(b"a-", b"a\\ud801"))
        read()

        assert state_of(attempt) == "delivered"

    @pytest.mark.parametrize("empty", [None, ""])
    def test_null_is_a_text_that_is_empty(self, empty):
        post(reply(1, "STOP", subject=empty, reference=empty, to=empty, at=empty), reply(2, empty, subject="STOP"))
        read()

        assert set(News.objects.values_list("state", flat=True)) == {"understood"}
        assert set(Message.objects.values_list("body", "subject", "reason")) == {
            ("STOP", "", "opt_out"), ("", "STOP", "opt_out"),
        }  # fmt: skip

    @pytest.mark.parametrize(
        "strange",
        [
            *(event(1, "exploded"), event(1, channel="telegraph"), event(1, channel=None), event(1, token={"a": 1})),
            *(event(1, reference=[]), event(1, code=5)),
            *({"id": "ev-1"}, event(1, type=7), event(1, token="somebody else's"), reply(1, text=7), "text", None),
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
         *(b'{"events": [' + b'{"a":' * deep + b"1" + b"}" * deep + b"]}" for deep in (300, 5_000)),
         b'{"events": [NaN]}', b"\0" * 1000],
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

        other, poison = News.objects.order_by("key")
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

    def test_of_many_at_once_each_that_is_not_plain_is_looked_at_by_itself(self, attempt):
        strange = [event(2, token="", reference="R9"), event(3, channel="telegraph"), event(4, token=7), "text"]
        post(event(1), *strange)
        read()

        assert state_of(attempt) == "delivered"
        states = sorted(News.objects.values_list("state", flat=True))
        assert states == ["quarantined", "quarantined", "quarantined", "understood", "waiting"]

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


OURS = ("clearline", "config", "crm", "calls", "campaigns", "integrations")


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
