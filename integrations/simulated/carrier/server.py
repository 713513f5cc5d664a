"""The simulated carrier as others see it: HTTP on a loopback address. Whatever it does, nobody is reached."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import ClientSession, web

from config.kernel import clock
from integrations.simulated.carrier.behaviour import Behaviour
from integrations.simulated.carrier.exchange import Asked, Exchange, Refused
from integrations.simulated.carrier.ledger import Ledger
from integrations.simulated.carrier.postman import Postman, post

LARGEST = 1024**2  # bytes of a request
PAGE = 500
TOGETHER = 0.004  # seconds in which messages share a commit
MOMENT = 0.02  # seconds between two pieces of an answer
KEEPS = 90  # seconds that an idle connection stays open: longer than any caller keeps one
_HOSTS = ("127.0.0.1", "localhost", "[::1]")


class Carrier:
    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.exchange, self.postman = ledger, Exchange(ledger), Postman(ledger)
        self.free_at = 0.0  # when the next message may come, where there is a rate
        self.asked = 0  # how often somebody tried to hand a message over
        self._saving: asyncio.Future[None] | None = None

    def app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST, middlewares=[_only_from_here, self._in_pieces])
        app.router.add_get("/health", self.health)
        app.router.add_post("/messages", self.send)
        app.router.add_get("/messages", self.listing)
        app.router.add_get("/control", self.control)
        app.router.add_patch("/control", self.set)
        app.router.add_post("/control/forget", self.forget)
        app.router.add_post("/control/write-in", self.write_in)
        app.cleanup_ctx.append(self._posting)
        return app

    async def _posting(self, app: web.Application) -> Any:
        task = asyncio.create_task(self.postman.work())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    @web.middleware
    async def _in_pieces(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Write the answer piece by piece, where that is how it behaves; each arrives by itself."""
        answer, pieces = await handler(request), int(self.exchange.behaviour.pieces)
        if pieces < 2 or not isinstance(answer, web.Response) or not isinstance(answer.body, bytes):
            return answer
        written = web.StreamResponse(status=answer.status, headers=answer.headers)
        await written.prepare(request)
        size = math.ceil(len(answer.body) / pieces)
        for begin in range(0, len(answer.body), size or 1):
            await written.write(answer.body[begin : begin + size])
            await asyncio.sleep(MOMENT)
        await written.write_eof()
        return written

    async def health(self, request: web.Request) -> web.Response:
        waiting = self.ledger.waiting()
        facts = {"simulated": True, "messages": self.exchange.taken, "asked": self.asked, "news_waiting": waiting}
        return web.json_response(facts)

    # Messages

    async def send(self, request: web.Request) -> web.StreamResponse:
        does = self.exchange.behaviour
        began = clock.monotonic()
        self.asked += 1
        if self._is_suspended(does):
            return _error(401, "suspended", "The account is suspended.")
        if wait := self._too_fast(does, began):
            return _error(429, "rate", "Too many messages.", {"Retry-After": str(math.ceil(wait))})
        try:
            asked = Asked.of(orjson.loads(await request.read()))
        except Refused as refusal:
            return _refusal(refusal)
        except ValueError:
            return _error(400, "malformed", "This is no JSON.")
        answer = await self._answered(request, asked, does.wire(asked.to, asked.token))
        await asyncio.sleep(max(0.0, does.latency_ms / 1000 - (clock.monotonic() - began)))
        return answer

    async def _answered(self, request: web.Request, asked: Asked, wire: str) -> web.StreamResponse:
        does = self.exchange.behaviour
        if not_taken := await self._before(request, wire, does):
            return not_taken
        try:
            reference, ends = self.exchange.take(asked, clock.now().timestamp())
        except Refused as refusal:
            return _refusal(refusal)
        await self._saved()
        if wire == "early":
            await self._tell_at_once(asked, reference, ends)
        if wire == "hang_after":
            await asyncio.sleep(does.hang)
        if wire == "reset_after":
            return _cut(request)
        if spoiled := _SPOILED.get(wire):
            return spoiled()
        answer = orjson.dumps({"id": reference, "status": "accepted", "simulated": True})
        return web.Response(body=answer, status=201, content_type="application/json")

    async def _saved(self) -> None:
        """Wait until what was taken is committed, with all that comes in the next milliseconds."""
        if self._saving is None:
            loop = asyncio.get_running_loop()
            self._saving = loop.create_future()
            loop.call_later(TOGETHER, self._save, self._saving)
        await asyncio.shield(self._saving)

    def _save(self, saving: "asyncio.Future[None]") -> None:
        self._saving = None
        self.ledger.commit()
        saving.set_result(None)

    async def _before(self, request: web.Request, wire: str, does: Behaviour) -> web.StreamResponse | None:
        """What goes wrong before the message is taken; None where nothing does."""
        if wire == "reset_before":
            return _cut(request)
        if wire == "hang_before":
            await asyncio.sleep(does.hang)
            return _error(500, "internal", "Something broke.")
        if wire == "limit":
            return _error(429, "rate", "Too many messages.", {"Retry-After": str(does.retry_after)})
        return _NOT_TAKEN[wire]() if wire in _NOT_TAKEN else None

    def _is_suspended(self, does: Behaviour) -> bool:
        return does.suspended or (does.suspend_after is not None and self.exchange.taken >= does.suspend_after)

    def _too_fast(self, does: Behaviour, now: float) -> float:
        """Return how many seconds too early this message comes; a second's worth may come at once."""
        if not does.rate:
            return 0.0
        self.free_at = max(self.free_at, now - 1.0)
        if self.free_at > now:
            return self.free_at - now
        self.free_at += 1 / does.rate
        return 0.0

    async def _tell_at_once(self, asked: Asked, reference: str, ends: str) -> None:
        """What becomes of it is told before our own answer is."""
        event = {
            "id": f"ev_early_{reference}", "type": ends, "reference": reference, "token": asked.token,
            "channel": asked.channel, "at": asked.at.isoformat(), "simulated": True, "code": "",
        }  # fmt: skip
        async with ClientSession() as session:
            await post(session, asked.callback, [event])

    async def listing(self, request: web.Request) -> web.Response:
        """``?since=&until=`` (moments), page by page: ``next`` is the ``after`` of the following one."""
        asked = request.query
        try:
            since, until = (datetime.fromisoformat(asked[name]).timestamp() for name in ("since", "until"))
            moment, _, number = asked.get("after", "0:0").partition(":")
            limit = min(PAGE, int(asked.get("limit", PAGE)))
            rows = self.ledger.messages(since, until, (float(moment), int(number)), limit)
        except (KeyError, ValueError, OverflowError):
            return _error(400, "malformed", "Ask with since and until, as ISO 8601.")
        now = clock.now().timestamp()
        found = [_told(row, now, with_text="text" in asked) for row in rows]
        following = f"{rows[-1]['at']!r}:{rows[-1]['seq']}" if len(rows) == limit else None
        return web.json_response({"messages": found, "next": following, "simulated": True})

    # Control

    async def control(self, request: web.Request) -> web.Response:
        return web.json_response(self.exchange.behaviour.as_dict())

    async def set(self, request: web.Request) -> web.Response:
        try:
            behaviour = self.exchange.behaviour.changed(**orjson.loads(await request.read()))
        except (TypeError, ValueError) as trouble:
            return _error(400, "malformed", str(trouble))
        self.exchange.set(behaviour)
        return web.json_response(behaviour.as_dict())

    async def forget(self, request: web.Request) -> web.Response:
        """Empty the ledger and behave as at first."""
        self.ledger.forget()
        self.exchange.set(Behaviour())
        self.exchange.taken = self.asked = 0
        return web.json_response({"simulated": True})

    async def write_in(self, request: web.Request) -> web.Response:
        """Let somebody write: ``channel, sender, to, text, callback`` and perhaps ``at``."""
        try:
            said = orjson.loads(await request.read())
            words = {name: str(said[name]) for name in ("channel", "sender", "to", "text")}
            at = datetime.fromisoformat(said["at"]) if "at" in said else clock.now()
            url = str(said["callback"])
        except (KeyError, TypeError, ValueError):
            return _error(400, "malformed", "Say channel, sender, to, text and callback.")
        reference = self.exchange.write_in(**words, at=at.astimezone(UTC), url=url, now=clock.now().timestamp())
        return web.json_response({"id": reference, "simulated": True}, status=201)


@web.middleware
async def _only_from_here(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """A page of somebody else's in a browser on this machine has no business here."""
    host = request.headers.get("Host", "").rpartition(":")[0] or request.headers.get("Host", "")
    if host not in _HOSTS or "Origin" in request.headers:
        return _error(403, "host", "The simulated carrier is for programs of this machine.")
    return await handler(request)


def _told(row: dict[str, Any], now: float, *, with_text: bool) -> dict[str, Any]:
    status = row["ends"] if row["ends_due"] <= now else "accepted"
    at = datetime.fromtimestamp(row["at"], UTC).isoformat()
    names = ("reference", "token", "channel", "to", "sender", *(("key", "subject", "body") if with_text else ()))
    return {**{name: row[name] for name in names}, "status": status, "at": at}


def _refusal(refusal: Refused) -> web.Response:
    return _error(400, refusal.code, str(refusal), opted_out=refusal.opted_out)


def _error(
    status: int, code: str, message: str, headers: dict[str, str] | None = None, *, opted_out: bool = False
) -> web.Response:
    facts = {"code": code, "message": message, "opted_out": opted_out, "simulated": True}
    return web.json_response({"error": facts}, status=status, headers=headers)


def _cut(request: web.Request) -> web.Response:
    """Hang up without a word."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _page(status: int, text: str, headers: dict[str, str] | None = None) -> Callable[[], web.Response]:
    return lambda: web.Response(status=status, text=text, content_type="text/html", headers=headers)


_NOT_TAKEN: dict[str, Callable[[], web.Response]] = {
    "error_before": lambda: _error(500, "internal", "Something broke."),
    "unauthorized": lambda: _error(401, "credentials", "Nobody is known by these credentials."),
    "no_code": _page(404, "<h1>Not found</h1>"),
    "redirect": _page(307, "", {"Location": "/messages"}),
}
_SPOILED: dict[str, Callable[[], web.Response]] = {
    "error_after": lambda: _error(500, "internal", "Something broke, after it was taken."),
    "garbage": _page(200, "<html>It works!</html>"),
    "truncated": lambda: web.Response(status=201, text='{"id": "sim_', content_type="application/json"),
    "error_in_200": lambda: web.json_response({"error": {"code": "oops"}}, status=200),
}
