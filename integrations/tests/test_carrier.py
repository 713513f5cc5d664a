"""The simulated carrier: what it took it never forgets, what it tells it tells at least once, and nobody is reached."""

import json
import signal
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from integrations.simulated.carrier.behaviour import AWAY, OPT_OUTS, REPLIES
from integrations.simulated.carrier.server import PAGE
from integrations.tests import carriers
from integrations.tests.carriers import QUIET

AT = datetime(2026, 6, 16, 18, 0, tzinfo=UTC)


class Listener:
    """Somebody who is told news; ``refuses`` so many requests before it takes any."""

    def __init__(self) -> None:
        self.events, self.refuses, self.requests = [], 0, 0
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.requests += 1
                taken = listener.requests > listener.refuses
                if taken:
                    listener.events.extend(json.loads(body)["events"])
                self.send_response(200 if taken else 503)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def listener():
    found = Listener()
    yield found
    found.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with carriers.running(tmp_path_factory.mktemp("carrier") / "ledger.db") as found:
        yield found


@pytest.fixture
def carrier(shared):
    shared.forget()
    return shared


def message(number=0, url="http://127.0.0.1:9/", **more):
    facts = {
        "channel": "sms", "to": f"+1512555{number:04}", "sender": "+15125550100", "subject": "", "body": "Hello",
        "key": f"key-{number}", "token": f"token-{number}", "at": AT.isoformat(),
        "valid_until": (AT + timedelta(hours=1)).isoformat(), "callback": url,
    }  # fmt: skip
    return {**facts, **more}


def told(listener, *kinds):
    return [event for event in listener.events if event["type"] in kinds]


def test_what_it_answered_survives_kill_nine_and_so_does_how_it_behaves(tmp_path):
    with carriers.running(tmp_path / "ledger.db") as carrier:
        carrier.set(**QUIET, seed=7)
        references = [carrier.ask("POST", "/messages", message(n))["id"] for n in range(20)]

        assert carrier.end(signal.SIGKILL) == -signal.SIGKILL
        carrier.start()

        assert [one["reference"] for one in carrier.messages()] == references
        assert carrier.ask("GET", "/control")["seed"] == 7
        assert carrier.facts()["messages"] == 20
        began = time.monotonic()
        assert carrier.end() == 0
        assert time.monotonic() - began < 5


def test_news_that_a_killed_carrier_owed_is_told_by_the_next(tmp_path, listener):
    with carriers.running(tmp_path / "ledger.db") as carrier:
        carrier.set(**QUIET, deliver_least=1.5, deliver_most=1.5)
        carrier.ask("POST", "/messages", message(1, listener.url))
        carrier.end(signal.SIGKILL)
        carrier.start()

        carrier.wait_until_told()

    assert {event["type"] for event in listener.events} == {"accepted", "delivered"}


def test_news_is_told_again_until_somebody_takes_it(carrier, listener):
    listener.refuses = 2
    carrier.set(speed=1000)
    carrier.ask("POST", "/messages", message(1, listener.url))

    carrier.wait_until_told()

    assert {event["type"] for event in listener.events} == {"accepted", "delivered"}
    assert all(event["simulated"] for event in listener.events)


def test_news_comes_twice_and_out_of_order_with_one_id_per_event(carrier, listener):
    carrier.set(speed=100, duplicate=1, disorder=1)
    carrier.ask("POST", "/messages", message(1, listener.url))

    carrier.wait_until_told()

    assert Counter(event["type"] for event in listener.events) == {"accepted": 2, "delivered": 2}
    assert len({event["id"] for event in listener.events}) == 2
    assert listener.events[0]["type"] == "delivered"


def test_news_may_come_before_our_own_answer(carrier, listener):
    carrier.will("early")

    reference = carrier.ask("POST", "/messages", message(1, listener.url))["id"]

    assert [event["reference"] for event in told(listener, "delivered")] == [reference]


def test_a_silent_one_is_in_the_ledger_and_never_told(carrier, listener):
    carrier.will("silent")
    carrier.set(speed=1000)
    carrier.ask("POST", "/messages", message(1, listener.url))
    time.sleep(0.2)

    assert not listener.events
    assert carrier.messages()[0]["status"] == "delivered"


def test_what_would_come_too_late_is_not_delivered(carrier, listener):
    carrier.set(speed=1000, deliver_least=120, deliver_most=120)
    late = message(1, listener.url, valid_until=(AT + timedelta(seconds=100)).isoformat())
    carrier.ask("POST", "/messages", late)

    carrier.wait_until_told()

    assert [event["code"] for event in told(listener, "undelivered")] == ["expired"]


@pytest.mark.parametrize(("mode", "words"), [("reply", REPLIES), ("out_of_office", AWAY), ("opt_out", OPT_OUTS)])
def test_people_answer_whoever_wrote_to_them(carrier, listener, mode, words):
    carrier.will(mode)
    carrier.set(speed=1000)
    carrier.ask("POST", "/messages", message(1, listener.url))

    carrier.wait_until_told()

    said = told(listener, "received")[0]
    assert (said["sender"], said["to"]) == ("+15125550001", "+15125550100")
    assert said["text"] in words
    assert "token" not in said
    again = httpx.post(f"{carrier.url}/messages", json=message(1, body="Once more"), trust_env=False)
    assert again.status_code == (201 if mode != "opt_out" else 400)


LINKED = {"channel": "email", "to": "alex@example.com", "body": "All of it: https://clearline.example/prices"}


@pytest.mark.parametrize("mode", ["click", "scan"])
def test_whoever_gets_a_link_by_email_opens_it_or_a_program_does(carrier, listener, mode):
    carrier.will(mode)
    carrier.set(speed=1000, duplicate=1)
    reference = carrier.ask("POST", "/messages", message(1, listener.url, **LINKED))["id"]

    carrier.wait_until_told()

    first, again = told(listener, "clicked")
    assert first == again
    assert (first["url"], first["token"], first["reference"], first["channel"], first.get("automatic", False)) == (
        "https://clearline.example/prices", "token-1", reference, "email", mode == "scan",
    )  # fmt: skip
    assert first["simulated"]
    delivered = told(listener, "delivered")[0]["at"]
    assert (first["at"] > delivered) == (mode == "click")


def test_a_person_and_a_program_are_two_events(carrier, listener):
    carrier.set(speed=1000, click=1, scan=1)
    carrier.ask("POST", "/messages", message(1, listener.url, **LINKED))

    carrier.wait_until_told()

    assert len({event["id"] for event in told(listener, "clicked")}) == 2


@pytest.mark.parametrize(
    "more", [{"channel": "sms", "to": "+15125550001"}, {"body": "No link."}, {"body": "mailto:a@b"}], ids=str
)
def test_where_there_is_no_link_in_an_email_nobody_clicks(carrier, listener, more):
    carrier.set(speed=1000, click=1, scan=1)
    carrier.ask("POST", "/messages", message(1, listener.url, **{**LINKED, **more}))

    carrier.wait_until_told()

    assert not told(listener, "clicked")


def test_what_is_not_delivered_is_not_opened(carrier, listener):
    carrier.set(speed=1000, click=1, scan=1, undelivered=1)
    carrier.ask("POST", "/messages", message(1, listener.url, **LINKED))

    carrier.wait_until_told()

    assert not told(listener, "clicked")


def test_whoever_stops_is_refused_from_then_on_until_they_start(carrier, listener):
    said = {"channel": "sms", "sender": "+15125550001", "to": "+15125550100", "callback": listener.url}
    carrier.ask("POST", "/control/write-in", {**said, "text": "STOP"})
    refused = httpx.post(f"{carrier.url}/messages", json=message(1), trust_env=False)

    carrier.ask("POST", "/control/write-in", {**said, "text": "START"})

    assert (refused.status_code, refused.json()["error"]["opted_out"]) == (400, True)
    assert carrier.ask("POST", "/messages", message(1))["id"]


def test_an_account_is_suspended_in_the_middle(carrier):
    carrier.set(suspend_after=3)

    answers = [httpx.post(f"{carrier.url}/messages", json=message(n), trust_env=False).status_code for n in range(5)]

    assert answers == [201, 201, 201, 401, 401]


def test_a_rate_is_kept_and_said(carrier):
    carrier.set(rate=20)

    with httpx.Client(base_url=carrier.url, trust_env=False) as client:
        answers = [client.post("/messages", json=message(n)) for n in range(60)]

    taken = [answer.status_code for answer in answers].count(201)
    assert 20 <= taken < 60
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers if answer.status_code == 429)


def test_a_ledger_is_read_page_by_page_without_loss(carrier):
    with httpx.Client(base_url=carrier.url, trust_env=False) as client:
        for n in range(PAGE + 20):
            client.post("/messages", json=message(n))

    everything = [message(n)["to"] for n in range(PAGE + 20)]
    assert [one["to"] for one in carrier.messages()] == everything
    assert [one["to"] for one in carrier.messages(limit=130)] == everything


@pytest.mark.parametrize(
    "changes", [{"nothing": 1}, {"reply": -1}, {"reply": "often"}, {"modes": {"*": "explode"}}, {"modes": ["reply"]}]
)
def test_a_behaviour_that_makes_no_sense_is_refused(carrier, changes):
    assert httpx.patch(f"{carrier.url}/control", json=changes, trust_env=False).status_code == 400


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_pages_of_strangers_have_no_business_here(carrier, headers):
    assert httpx.get(f"{carrier.url}/control", headers=headers, trust_env=False).status_code == 403


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"channel": "sms"}', b"\xff\xfe", b'{"channel": {"a": 1}}'])
def test_nonsense_is_refused(carrier, body):
    assert httpx.post(f"{carrier.url}/messages", content=body, trust_env=False).status_code == 400
