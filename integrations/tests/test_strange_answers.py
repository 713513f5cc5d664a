"""Whatever a carrier answers, a message is taken, refused, not taken or uncertain, and never lost (trust A9)."""

from datetime import timedelta

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from campaigns.providers import Receipt
from campaigns.services.dispatch import calling
from config.kernel import clock
from config.kernel.providers import OutcomeUnknown, ProviderError, Unavailable
from config.testing import NOON
from integrations.simulated import messages

# Of the kinds that JSONTestSuite collects, and what stands in the way of a server: proxies, cut lines, other pages.
ANSWERS = [
    b"", b" ", b"<html><body>502 Bad Gateway</body></html>", b'{"id":', b'{"id": "x"', b'{"id" "x"}', b"{'id': 'x'}",
    b'{"id": "x",}', b'{"id": "x"} {"id": "y"}', b"[" * 100_000, b'{"a":' * 50_000, b"[]", b"null", b"true", b'"x"',
    b"1", b"NaN", b"-Infinity", b"1e999999", b'{"id": NaN}', b'{"id": 1}', b'{"id": null}', b'{"id": ""}',
    b'{"id": ["x"]}', b'{"id": {"id": "x"}}', b'{"ID": "x"}', b'{"error": {"code": 1}}', b'{"id": "\\ud800"}',
    b'{"id": "\xff"}', b'\xef\xbb\xbf{"id": "x"}', '{"id": "x"}'.encode("utf-16"), b'{"id": "\\u0000"}', b"\x00",
    b'{"id": "a\\nb"}', b'{"id": "' + b"x" * 70_000 + b'"}', '{"id": "ünïcode"}'.encode(), b"\x1f\x8b\x08garbage",
]  # fmt: skip


def class_of(status, body, retry_after=""):
    """What dispatch makes of it, as ``calling`` does; errors of any other kind are uncertain there."""
    try:
        receipt = messages._receipt(status, body, retry_after)
        assert isinstance(receipt, Receipt)
        calling._reference(receipt.reference)
    except ValueError:
        return OutcomeUnknown
    except ProviderError as error:
        return type(error)
    return Receipt


@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize("body", ANSWERS, ids=lambda body: ascii(body)[:24])
def test_a_success_that_names_no_id_proves_nothing(status, body):
    assert class_of(status, body) is OutcomeUnknown


@given(status=st.integers(200, 299), body=st.binary(max_size=200))
def test_no_bytes_break_it(status, body):
    assert class_of(status, body) in {OutcomeUnknown, Receipt}


@given(
    status=st.one_of(st.integers(100, 199), st.integers(300, 599)),
    body=st.one_of(st.binary(max_size=100), st.sampled_from(ANSWERS)),
    retry_after=st.text(max_size=20),
)
def test_an_error_is_never_a_success_and_certain_only_where_it_says_so(status, body, retry_after):
    found = class_of(status, body, retry_after)
    assert found is not Receipt
    if status >= 500 or status < 400:
        assert found is OutcomeUnknown
    if status == 429:
        assert found is Unavailable


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("90", 90), ("0", 0), ("9" * 5_000, 3600), ("", None), ("soon", None), ("-5", None), ("1.5", None),
     ("Tue, 16 Jun 2026 18:01:30 GMT", 90), ("Tuesday, 16-Jun-26 18:01:30 GMT", 90), ("Tue Jun 16 18:01:30 2026", 90),
     ("Tue, 16 Jun 2026 17:00:00 GMT", 0), ("Fri, 31 Dec 9999 23:59:59 GMT", 3600), ("\u0663", None),
     ("Tue, 99 Foo 2026 9:9:9 GMT", None)],
)  # fmt: skip
def test_retry_after_is_understood_in_seconds_and_as_a_moment(said, seconds):
    with clock.standing_at(NOON), pytest.raises(Unavailable) as unavailable:
        messages._receipt(429, b"", said)

    assert unavailable.value.retry_after == (None if seconds is None else timedelta(seconds=seconds))


async def listed(page):
    async def answer(request):
        return web.Response(body=page, content_type="application/json")

    app = web.Application()
    app.router.add_get("/messages", answer)
    async with TestServer(app) as server:
        carrier = messages.SimulatedSms(url=str(server.make_url("/")))
        return [one async for one in carrier.sent(since=NOON, until=NOON)]


def line(**more):
    known = {"reference": "sim_1", "token": "t", "channel": "sms", "to": "+15125550134", "sender": "+15125550100"}
    return {**known, "status": "delivered", "at": NOON.isoformat(), **more}


@pytest.mark.parametrize("said", [b'"queued"', b"null", b"7", b"[]", b'{"a": []}', b'"\\ud800"', b'"\\u0000"'])
@pytest.mark.parametrize("name", ["status", "sender", "to", "reference"])
async def test_a_line_of_the_ledger_may_say_anything_and_proves_what_it_does(name, said):
    page = orjson.dumps({"messages": [line(**{name: "HERE"}), line(token="u")], "next": None})

    first, second = await listed(page.replace(b'"HERE"', said))

    assert (first.token, second.token, second.reference, second.status) == ("t", "u", "sim_1", "delivered")
    assert isinstance(getattr(first, name), str)


@pytest.mark.parametrize(
    "page",
    [*ANSWERS, *(orjson.dumps({"messages": found, "next": None}) for found in (
        7, None, [7], ["x"], [{}], [line(at=None)], [line(at=7)], [line(at="soon")], [line(at="2026-06-16T18:00:00")],
    ))],
    ids=lambda page: ascii(page)[:24],
)  # fmt: skip
async def test_a_ledger_that_cannot_be_read_is_none(page):
    with pytest.raises(Unavailable):
        await listed(page)
