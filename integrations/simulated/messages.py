"""SMS, e-mail and voicemail through the simulated carrier: everything is real but the people. Nobody is reached."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime, timedelta
from typing import Any, Final
from weakref import WeakKeyDictionary

import orjson
from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    TCPConnector,
)
from django.conf import settings
from django.utils.http import parse_http_date_safe

from campaigns.providers import AccountRefused, Outgoing, Receipt, RecipientRefused, Sent
from config.kernel import clock
from config.kernel.providers import OutcomeUnknown, ProviderError, Unavailable
from integrations.bodies import loaded
from integrations.inbox import doors

NAME: Final = "simulated"  # of its hook
AT_ONCE: Final = 400  # connections
KEEPS: Final = 15  # seconds that an idle connection is kept: less than the carrier does
LARGEST: Final = 1024**2  # bytes of a request
LONGEST_ANSWER: Final = 64 * 1024  # bytes
LONGEST_WAIT: Final = 3600  # seconds that Retry-After is believed


class SimulatedCarrier:
    """``campaigns.providers.MessageProvider`` over the loopback server in ``carrier``."""

    label = "Simulated carrier"
    is_idempotent = False
    channel = ""

    def __init__(self, *, url: str = "", connect: float = 3, read: float = 10) -> None:
        self.messages = f"{(url or settings.SIMULATED_CARRIER_URL).rstrip('/')}/messages"
        self.timeout = ClientTimeout(total=None, connect=connect, sock_connect=connect, sock_read=read)

    async def send(self, outgoing: Outgoing) -> Receipt:
        """See ``MessageProvider.send``."""
        body = self._written(outgoing)
        client = await _client()
        try:
            async with client.post(self.messages, data=body, timeout=self.timeout, allow_redirects=False) as answer:
                return _receipt(answer.status, await _read(answer), answer.headers.get("Retry-After", ""))
        except (ClientConnectorError, ConnectionTimeoutError) as error:
            raise Unavailable("The simulated carrier cannot be reached: is its process running?") from error
        except (ClientError, TimeoutError, OSError) as error:
            raise OutcomeUnknown(f"The simulated carrier went silent: {type(error).__name__}.") from error

    async def sent(self, *, since: datetime, until: datetime) -> AsyncIterator[Sent]:
        """See ``MessageProvider.sent``. :raises Unavailable: it cannot be asked now."""
        client, after = await _client(), "0:0"
        while after:
            asked = {"since": since.isoformat(), "until": until.isoformat(), "after": after}
            try:
                async with client.get(self.messages, params=asked, timeout=self.timeout) as answer:
                    page = loaded(await answer.read())
                    found = [_line(line) for line in page["messages"] if line["channel"] == self.channel]
                    after = page["next"]
            except (ClientError, TimeoutError, OSError, ValueError, KeyError, TypeError) as error:
                raise Unavailable("The simulated carrier does not show its ledger.") from error
            for line in found:
                yield line

    def _written(self, outgoing: Outgoing) -> bytes:
        """:raises RecipientRefused: it is too large, or has half characters, which no wire carries."""
        facts = {
            "channel": self.channel, "to": outgoing.to, "sender": outgoing.sender, "subject": outgoing.subject,
            "body": outgoing.body, "key": outgoing.key, "token": outgoing.token, "at": clock.now().isoformat(),
            "valid_until": outgoing.valid_until.isoformat(), "callback": doors.address(NAME),
        }  # fmt: skip
        try:
            written = orjson.dumps(facts)
        except TypeError as error:  # what orjson says of lone surrogates
            raise RecipientRefused("The text has characters that cannot be sent.", code="characters") from error
        if len(written) > LARGEST:
            raise RecipientRefused("The message is too large.", code="too_large")
        return written


# By event loop; what opened a client lives as long as the client does.
_clients: WeakKeyDictionary[Any, tuple[ClientSession, Any]] = WeakKeyDictionary()


async def _client() -> ClientSession:
    """Return the pooled client of this event loop; it is closed when the loop shuts its generators down."""
    loop = asyncio.get_running_loop()
    if (known := _clients.get(loop)) is None:
        opened = _opened(loop)
        known = _clients[loop] = (await anext(opened), opened)
    return known[0]


async def _opened(loop: asyncio.AbstractEventLoop) -> AsyncGenerator[ClientSession]:
    connector = TCPConnector(limit=AT_ONCE, keepalive_timeout=KEEPS)
    session = ClientSession(connector=connector, headers={"Content-Type": "application/json"}, trust_env=False)
    try:
        yield session
    finally:
        _clients.pop(loop, None)  # it holds the loop, which would live for ever
        await session.close()


class SimulatedSms(SimulatedCarrier):
    channel = "sms"


class SimulatedEmail(SimulatedCarrier):
    """E-mail knows keys: asked twice with one, it sends once."""

    channel = "email"
    is_idempotent = True


class SimulatedVoicemail(SimulatedCarrier):
    channel = "voicemail"


async def _read(answer: ClientResponse) -> bytes:
    """Return the body, however many pieces it comes in, as far as answers are read."""
    body = bytearray()
    while piece := await answer.content.read(LONGEST_ANSWER - len(body)):
        body += piece
    return bytes(body)


def _receipt(status: int, body: bytes, retry_after: str) -> Receipt:
    """Sort an answer: taken, certainly not taken, refused for good, or nobody knows."""
    facts = _facts(body)
    if 200 <= status < 300:
        reference = facts.get("id")
        if isinstance(reference, str) and reference:
            return Receipt(reference)
        raise OutcomeUnknown(f"The simulated carrier answered {status} with nothing that can be read.")
    raise _refused(status, facts.get("error"), retry_after)


def _refused(status: int, error: Any, retry_after: str) -> ProviderError:
    said = error if isinstance(error, dict) else {}
    code, message = str(said.get("code", "")), str(said.get("message", ""))
    if status in {401, 403}:
        return AccountRefused(f"The simulated carrier refuses the account: {message or status}")
    if status == 429:
        return Unavailable("The simulated carrier asks us to slow down.", _wait(retry_after))
    if status == 413:
        return RecipientRefused("The message is too large.", code="too_large")
    if 400 <= status < 500 and code:
        return RecipientRefused(message, code=code, opted_out=said.get("opted_out") is True)
    return OutcomeUnknown(f"The simulated carrier answered {status}.")


def _facts(body: bytes) -> dict[str, Any]:
    try:
        found = loaded(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _wait(said: str) -> timedelta | None:
    """Return how long Retry-After asks us to wait, in seconds or until a moment; None, where it is neither."""
    if said.isascii() and said.isdigit():
        seconds = float(said)
    elif (moment := parse_http_date_safe(said)) is not None:
        seconds = moment - clock.now().timestamp()
    else:
        return None
    return timedelta(seconds=min(max(seconds, 0.0), LONGEST_WAIT))


def _line(line: dict[str, Any]) -> Sent:
    """Whatever it says is read as text, but for its moment. :raises ValueError: that is none."""
    words = {name: str(line.get(name) or "") for name in ("reference", "token", "to", "sender", "status")}
    at = datetime.fromisoformat(line["at"])
    if at.tzinfo is None:
        raise ValueError("A moment without its zone.")
    return Sent(**words, at=at)
