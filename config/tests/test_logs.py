"""Logs are read by more people than the database: they say what happened, and to nobody in particular."""

import http.client
import io
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from calls.tasks import HEARTBEAT
from config.embedded import places
from config.kernel.http import id_for
from config.kernel.redaction import redact
from config.logs import JsonLines
from config.supervisor.programs import commands
from crm.models import Endpoint
from crm.tests.factories import ContactFactory, UserFactory

PHONE, EMAIL = "+15125550134", "dana.canary@example.com"
SPELLED = [PHONE, "(512) 555-0134", "512.555.0134", "1 512 555 0134", EMAIL, "DANA.CANARY@EXAMPLE.COM"]
CANARIES = ["5550134", "555-0134", "555.0134", "555 0134", "dana.canary", "DANA.CANARY"]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged while the test runs, as it would be written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


def told(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


@pytest.mark.django_db
def test_a_request_leaves_one_line_that_names_the_route_and_no_values(log):
    user = UserFactory(admin=True)
    client = APIClient()
    client.force_login(user)
    contact = ContactFactory(phone=PHONE)

    client.get(f"/api/v1/contacts/{contact.pk}/", {"format": "json"}, headers={"X-Request-ID": "order-4711-line-2"})

    (line,) = [line for line in told(log) if line["logger"] == "clearline.access"]
    assert line["route"] == "api/v1/contacts/{pk}/"
    assert (line["method"], line["status"], line["user"]) == ("GET", 200, str(user.pk))
    assert line["request_id"] == "order-4711-line-2"
    assert line["ms"] > 0
    assert line["statements"] > 0
    assert "format" not in json.dumps(line)


@pytest.mark.django_db
def test_a_probe_that_finds_all_well_leaves_no_line(client, log):
    client.get("/health")

    assert not told(log)


@pytest.mark.django_db
def test_a_probe_that_finds_trouble_leaves_one(client, log):
    cache.delete(HEARTBEAT)

    client.get("/readyz")

    assert [line["route"] for line in told(log) if line["logger"] == "clearline.access"] == ["/readyz"]


@pytest.mark.django_db
def test_no_phone_number_and_no_address_ever_reaches_the_log(log, monkeypatch):
    client = APIClient(raise_request_exception=False)
    client.force_login(UserFactory(admin=True))
    ContactFactory(phone=PHONE, email=EMAIL)

    for canary in SPELLED:
        client.get("/api/v1/contacts/", {"search": canary, "phone": canary})
        client.get(f"/api/v1/contacts/{canary}/")
        client.get(f"/{canary}", headers={"User-Agent": canary, "Referer": f"https://example.com/?q={canary}"})
        client.post("/api/v1/contacts/", {"phone": canary, "email": canary, canary: canary})
        client.post("/api/v1/intake/", {"records": [{"contacts": [{"name": canary, "phone": canary}]}]})
        client.generic("POST", "/api/v1/contacts/", f'{{"{canary}": '.encode(), content_type="application/json")
        break_in(client, monkeypatch, RuntimeError(f"No room for {canary}"))
        break_in(client, monkeypatch, collision(canary))

    written = log.getvalue()
    assert written.count("Traceback") == 0
    assert len(told(log)) > 8 * len(SPELLED)
    assert not [canary for canary in CANARIES if canary in written]


def break_in(client: APIClient, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    from crm.api.people import CompanyViewSet

    def broken(self: Any, request: Any) -> Any:
        raise RuntimeError("It broke") from error

    monkeypatch.setattr(CompanyViewSet, "create", broken)
    assert client.post("/api/v1/companies/", {}).status_code == 500


def collision(value: str) -> Exception:
    """PostgreSQL quotes the row that it refuses."""
    with pytest.raises(IntegrityError, match="already exists") as caught, transaction.atomic():
        Endpoint.objects.bulk_create([Endpoint(kind="email", value=value) for _ in range(2)])
    assert value in str(caught.value)
    return caught.value


@pytest.mark.django_db
def test_an_error_is_logged_with_where_it_arose_and_without_the_row_that_postgresql_quotes(log):
    logger = logging.getLogger("clearline.test")
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO crm_company (id, name, name_key, city) VALUES (clearline_uuid7(), '', 'x', 'Dana Canary')"
            )
    except IntegrityError:
        logger.exception("It broke")

    (line,) = told(log)
    assert "crm_company_has_a_name" in line["error"]
    assert "test_logs.py" in line["error"]
    assert "Dana" not in line["error"]


@pytest.mark.parametrize(
    "kept",
    [
        "01a1fb76-0462-7f01-a46d-7267b4477de1",
        "12345678-1234-7234-8234-123456789012",
        "2026-06-16",
        "2026-06-16T18:00:00.123456+00:00",
        "2026-06-16 18:00:00Z",
        "409 after 1234567 ms",
    ],
)
def test_ids_and_moments_are_not_mistaken_for_numbers(kept):
    assert redact(f"Something about {kept}, twice.") == f"Something about {kept}, twice."


@given(before=st.text(max_size=20), after=st.text(max_size=20), canary=st.sampled_from(SPELLED))
def test_a_number_is_found_whatever_stands_around_it(before, after, canary):
    text = redact(f"{before} {canary} {after}")

    assert not [one for one in CANARIES if one in text and one not in before + after]


def test_what_is_passed_beside_the_message_is_redacted_too():
    record = logging.makeLogRecord({"msg": "told %s", "args": (PHONE,), "whom": EMAIL, "often": 3, "what": object()})

    line = json.loads(JsonLines().format(record))

    assert line["message"] == "told [redacted]"
    assert line["whom"] == "[redacted]"
    assert line["often"] == 3
    assert "what" not in line


@pytest.mark.parametrize(
    "given",
    [
        "01a1fb76-0462-7f01-a46d-7267b4477de1",
        "4BF92F3577B34DA6A3CE929D0E0E4736",
        "order-4711-line-2",
    ],
)
def test_a_request_keeps_the_id_that_its_caller_gave_it(given):
    assert id_for(given) == given


@pytest.mark.parametrize(
    "given",
    ["", "15125550134", "+15125550134", "5125550134512555", "call-to-15125550134", "call-to-512-555-0134-x", "dana-w",
     EMAIL, "a" * 65, "order-4711-line-2\n"],
)  # fmt: skip
def test_what_may_be_somebodys_number_is_no_id(given):
    ours = id_for(given)

    assert ours != given
    assert len(ours) == 16


# The servers themselves: what they say before, beside and after Django

HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    "Origin": "http://127.0.0.1",
    "Cookie": "sessionid=0123456789abcdef0123456789abcdef",
    "X-Request-ID": "order-4711-line-2",
}


@pytest.fixture
def port() -> int:
    while True:
        with socket.socket() as pages, socket.socket() as live:
            pages.bind(("127.0.0.1", 0))
            try:
                live.bind(("127.0.0.1", pages.getsockname()[1] + 1))
            except (OSError, OverflowError):
                continue
            return int(pages.getsockname()[1])


@contextmanager
def serving(program: str, port: int, **environment: str) -> Iterator[list[str]]:
    """The program as `./dev up` starts it; afterwards the list holds the lines that it wrote."""
    listens = port + (program == "live")
    said: list[str] = []
    with subprocess.Popen(
        [sys.executable, *commands(port)[program]],
        cwd=places.CHECKOUT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            until_it_listens(listens, process)
            yield said
        finally:
            process.terminate()
            said += process.communicate(timeout=30)[0].splitlines()


def until_it_listens(port: int, process: subprocess.Popen[str]) -> None:
    give_up = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < give_up:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("It does not listen.")


def send(port: int, said: str) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as peer:
        peer.sendall(said.encode())
        while peer.recv(4096):
            pass


def test_what_the_web_server_says_of_a_broken_request_is_json_without_what_was_in_it(port):
    with serving("web", port) as said:
        send(port, f"GET /?name=Dana&phone={PHONE} Whitcomb NONSENSE\r\n\r\n")
        send(port, "GET /nowhere HTTP/1.0\r\n\r\n")
        send(port, f"GET / HTTP/1.1\r\nDana Whitcomb {EMAIL}: x\r\n\r\n")

    lines = [json.loads(line) for line in said]
    assert [line["level"] for line in lines if "Invalid" in line["message"]] == ["warning", "warning"]
    assert [line["status"] for line in lines if line["message"] == "request"] == [404]
    assert len(lines) == 3
    assert not [word for word in ("Dana", "Whitcomb", *CANARIES) if word in "".join(said)]


def test_an_error_in_a_websocket_is_one_line_of_json_with_an_id_and_without_numbers(port, tmp_path):
    nowhere = tmp_path / "15125550134"  # libpq names the place it could not reach
    with serving("live", port, DATABASE_URL=f"postgres://app@/clearline?host={nowhere}") as said:
        knock = http.client.HTTPConnection("127.0.0.1", port + 1, timeout=20)
        knock.request("GET", "/ws/desk/", headers=HANDSHAKE)
        assert knock.getresponse().status == 500
        knock.close()

    (line,) = [json.loads(line) for line in said]
    assert line["message"] == "Exception in ASGI application"
    assert line["request_id"] == "order-4711-line-2"
    assert "OperationalError" in line["error"]
    assert "auth.py" in line["error"]
    assert not [canary for canary in CANARIES if canary in said[0]]
