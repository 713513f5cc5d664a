"""A carrier for the tests of dispatch: it takes, refuses, breaks and lies as told, and keeps its own ledger on disk.

What is in the ledger was sent, whatever it answered: that is the truth our rows are compared with. The modes of single
recipients stand in the ledger too, so that a process that is started anew finds them.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from campaigns.providers import AccountRefused, Outgoing, Receipt, RecipientRefused, Sent
from config.kernel import clock
from config.kernel.providers import OutcomeUnknown, Rejected, Unavailable

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS sent (
    reference INTEGER PRIMARY KEY, token TEXT, key TEXT, "to" TEXT, sender TEXT, body TEXT, valid_until TEXT, at TEXT);
CREATE TABLE IF NOT EXISTS asked (token TEXT, at REAL);
CREATE TABLE IF NOT EXISTS mode ("to" TEXT PRIMARY KEY, name TEXT);
"""
EVERYBODY: Final = "*"


class _Forgetful(Unavailable):
    def __init__(self) -> None:
        pass


class _Unsayable(Exception):
    def __str__(self) -> str:
        raise ValueError("secret")


class Carrier:
    """``campaigns.providers.MessageProvider``. ``news`` is called inside the request, as an early callback would be."""

    label = "Test carrier"
    news: Callable[[Outgoing, str], None] | None = None

    def __init__(
        self, ledger: str, *, channel: str = "", is_idempotent: bool = False, latency: float = 0.0, lists: bool = True
    ) -> None:  # fmt: skip
        self.channel = channel
        self.path, self.is_idempotent, self.latency, self.lists = ledger, is_idempotent, latency, lists
        with self._open() as ledger:
            ledger.executescript(_TABLES)

    def _open(self) -> "closing[sqlite3.Connection]":
        ledger = sqlite3.connect(self.path, timeout=30)
        ledger.execute("PRAGMA synchronous = OFF")  # it survives our death, and need not survive the machine's
        return closing(ledger)

    def _do(self, sql: str, *values: Any) -> list[Any]:
        with self._open() as ledger, ledger:
            return ledger.execute(sql, values).fetchall()

    def behave(self, mode: str, to: str = EVERYBODY) -> None:
        """``mode``: see ``send``."""
        self._do('INSERT OR REPLACE INTO mode ("to", name) VALUES (?, ?)', to, mode)

    def ledger(self) -> list[str]:
        """Return the keys of all that was sent, in order."""
        return [key for (key,) in self._do("SELECT key FROM sent ORDER BY reference")]

    def rows(self) -> list[dict[str, str]]:
        columns = ["reference", "token", "key", "to", "sender", "body", "valid_until", "at"]
        told = self._do(
            'SELECT reference, token, key, "to", sender, body, valid_until, at FROM sent ORDER BY reference'
        )
        return [dict(zip(columns, row, strict=True)) for row in told]

    def asked(self) -> list[float]:
        """Return when it was asked, in seconds of some clock, whatever came of it."""
        return sorted(at for (at,) in self._do("SELECT at FROM asked"))

    def _mode(self, to: str) -> str:
        found = dict(self._do('SELECT "to", name FROM mode'))
        return found.get(to) or found.get(EVERYBODY) or "accept"

    def _take(self, outgoing: Outgoing) -> str:
        if self.is_idempotent:
            known = self._do("SELECT reference FROM sent WHERE key = ?", outgoing.key)
            if known:
                return f"R{known[0][0]}"
        told = (outgoing.token, outgoing.key, outgoing.to, outgoing.sender, outgoing.body)
        until, at = outgoing.valid_until.isoformat(), clock.now().isoformat()
        insert = 'INSERT INTO sent (token, key, "to", sender, body, valid_until, at) VALUES (?, ?, ?, ?, ?, ?, ?)'
        return f"R{self._do(insert + ' RETURNING reference', *told, until, at)[0][0]}"

    async def send(self, outgoing: Outgoing) -> Receipt:
        self._do("INSERT INTO asked (token, at) VALUES (?, ?)", outgoing.token, clock.monotonic())
        mode = self._mode(outgoing.to)
        await asyncio.sleep(self.latency)
        if mode == "ends_its_task" and (task := asyncio.current_task()):
            task.cancel()
            await asyncio.sleep(0)
        before: dict[str, BaseException] = {
            "refused": Unavailable("Connection refused."),
            "busy": Unavailable("429", retry_after=timedelta(minutes=7)),
            "endless": Unavailable("429", retry_after=timedelta.max),
            "ago": Unavailable("429", retry_after=timedelta.min),
            "number": Unavailable("429", retry_after=30),  # type: ignore[arg-type]  # as adapters do it
            "called_off": asyncio.CancelledError(),
            "unsayable": _Unsayable(),
            "exits": SystemExit(3),
            "forgetful": _Forgetful(),
            "unwelcome": AccountRefused("20003", retry_after=timedelta(hours=9)),
            "suspended": AccountRefused("20003"),
            "bad_number": RecipientRefused("Not a number.", code="21211"),
            "refused_for_good": Rejected("No."),
            "bad_words": RecipientRefused("Not\0 a\ud800 number.\n", code="212\x0011"),
            "stopped": RecipientRefused("They said STOP.", code="21610", opted_out=True),
            "500": OutcomeUnknown("500"),
            "bug": KeyError("bug"),
        }
        if mode in before:
            raise before[mode]
        reference = self._take(outgoing)
        if self.news:
            self.news(outgoing, reference)
        if mode == "accept_then_500":
            raise OutcomeUnknown("500")
        if mode == "accept_then_hang":
            raise OutcomeUnknown("Read timeout.")
        return Receipt({"no_id": "", "garbage": "\x00", "same_id": "R1"}.get(mode, reference))

    async def sent(self, *, since: datetime, until: datetime) -> AsyncIterator[Sent]:
        if not self.lists:
            raise Unavailable("No listing today.")
        for row in self.rows():
            at = datetime.fromisoformat(row["at"]).astimezone(UTC)
            if since <= at < until:
                status = "undelivered" if self._mode(row["to"]) == "undelivered" else "accepted"
                yield Sent(f"R{row['reference']}", row["token"], row["to"], row["sender"], status, at)


def install(settings: Any, path: Path, **options: Any) -> Carrier:
    """Let this carrier serve every channel; e-mail recognises repeats, as good e-mail providers do."""
    ledgers = {channel: str(path / f"{channel}.sqlite") for channel in ("sms", "email", "voicemail")}
    settings.PROVIDERS = {
        **settings.PROVIDERS,
        **{
            channel: {
                "BACKEND": f"{__name__}.Carrier",
                "OPTIONS": {"ledger": ledger, "channel": channel, "is_idempotent": channel == "email", **options},
            }
            for channel, ledger in ledgers.items()
        },
    }
    return Carrier(ledgers["sms"], **options)
