"""What the simulated carrier remembers: every message it took, all news of them, and who told it to stop.

SQLite in WAL mode: what was answered has been committed, and survives ``kill -9`` of the carrier and of its callers. A
commit costs more than all else that a message does, so those that come within milliseconds share one.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import orjson

from integrations.simulated.carrier.behaviour import Behaviour

_TABLES = """
CREATE TABLE IF NOT EXISTS message (
    seq INTEGER PRIMARY KEY, reference TEXT NOT NULL UNIQUE, channel TEXT NOT NULL, key TEXT NOT NULL,
    token TEXT NOT NULL, "to" TEXT NOT NULL, sender TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL,
    at REAL NOT NULL, ends TEXT NOT NULL, ends_due REAL NOT NULL);
CREATE INDEX IF NOT EXISTS message_by_time ON message (at, seq);
CREATE UNIQUE INDEX IF NOT EXISTS message_by_key ON message (key) WHERE channel = 'email';
CREATE TABLE IF NOT EXISTS news (
    seq INTEGER PRIMARY KEY, due REAL NOT NULL, url TEXT NOT NULL, event TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS news_by_due ON news (due);
CREATE TABLE IF NOT EXISTS stopped (number TEXT PRIMARY KEY, since REAL NOT NULL);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_ENTER = """
INSERT INTO message (reference, channel, key, token, "to", sender, subject, body, at, ends, ends_due)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One message that was taken; ``ends`` is what becomes of it, at ``ends_due`` (this machine's clock)."""

    reference: str
    channel: str
    key: str
    token: str
    to: str
    sender: str
    subject: str
    body: str
    at: float
    ends: str
    ends_due: float


@dataclass(frozen=True, slots=True)
class News:
    due: float
    url: str
    event: dict[str, Any]
    seq: int = 0
    tries: int = 0


class Ledger:
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # the texts are somebody's
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_TABLES}")
        self._entries: list[tuple[Any, ...]] = []  # not committed yet
        self._news: list[News] = []
        self._keys: dict[str, tuple[str, str]] = {}  # of e-mails among them

    def close(self) -> None:
        self.commit()
        self._db.close()

    def commit(self) -> None:
        """Keep what was entered since the last commit, all of it or nothing."""
        if not (self._entries or self._news):
            return
        entries, self._entries = self._entries, []
        news = [(one.due, one.url, orjson.dumps(one.event).decode()) for one in self._news]
        self._news.clear()
        self._keys.clear()
        with self._together():
            self._db.executemany(_ENTER, entries)
            self._db.executemany("INSERT INTO news (due, url, event) VALUES (?, ?, ?)", news)

    def enter(self, entry: Entry, news: Iterable[News], stops: tuple[str, float] | None) -> None:
        """Keep a message with all that will be told of it; nobody may be told so before ``commit``."""
        self._entries.append(astuple(entry))
        if entry.channel == "email":
            self._keys[entry.key] = (entry.reference, entry.body)
        self._news.extend(news)
        if stops:
            self.stop(*stops)

    def tell(self, news: Iterable[News]) -> None:
        self._news.extend(news)
        self.commit()

    def known(self, key: str) -> tuple[str, str] | None:
        """Return reference and body of the e-mail that came with ``key``."""
        if entered := self._keys.get(key):
            return entered
        row = self._db.execute("SELECT reference, body FROM message WHERE channel = 'email' AND key = ?", (key,))
        found: tuple[str, str] | None = row.fetchone()
        return found

    def count(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM message").fetchone()[0])

    def messages(self, since: float, until: float, after: tuple[float, int], limit: int) -> list[dict[str, Any]]:
        """Return messages of [since, until) behind ``after`` (moment and number), oldest first."""
        self.commit()
        rows = self._db.execute(
            'SELECT seq, reference, channel, token, "to", sender, at, ends, ends_due, key, subject, body FROM message '
            "WHERE at >= ? AND at < ? AND (at, seq) > (?, ?) ORDER BY at, seq LIMIT ?",
            (since, until, *after, limit),
        )
        names = [column[0] for column in rows.description]
        return [dict(zip(names, row, strict=True)) for row in rows]

    def due(self, now: float, limit: int) -> list[News]:
        rows = self._db.execute(
            "SELECT due, url, event, seq, tries FROM news WHERE due <= ? ORDER BY due, seq LIMIT ?", (now, limit)
        )
        return [News(due, url, orjson.loads(event), seq, tries) for due, url, event, seq, tries in rows]

    def next_due(self) -> float | None:
        found: float | None = self._db.execute("SELECT min(due) FROM news").fetchone()[0]
        return found

    def told(self, news: Sequence[News]) -> None:
        """Forget news that has been heard."""
        with self._together():
            self._db.executemany("DELETE FROM news WHERE seq = ?", [(one.seq,) for one in news])

    def put_off(self, news: Sequence[News], until: float) -> None:
        with self._together():
            rows = [(until, one.seq) for one in news]
            self._db.executemany("UPDATE news SET due = ?, tries = tries + 1 WHERE seq = ?", rows)

    def waiting(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM news").fetchone()[0])

    def has_stopped(self, number: str, now: float) -> bool:
        row = self._db.execute("SELECT 1 FROM stopped WHERE number = ? AND since <= ?", (number, now)).fetchone()
        return row is not None

    def stop(self, number: str, since: float) -> None:
        self._db.execute("INSERT OR IGNORE INTO stopped VALUES (?, ?)", (number, since))

    def start(self, number: str) -> None:
        self._db.execute("DELETE FROM stopped WHERE number = ?", (number,))

    def forget(self) -> None:
        """Empty the ledger: the next run of tests or of a demo begins anew."""
        self.commit()
        with self._together():
            for table in ("message", "news", "stopped"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own

    def behaviour(self) -> Behaviour:
        row = self._db.execute("SELECT value FROM setting WHERE name = 'behaviour'").fetchone()
        return Behaviour().changed(**json.loads(row[0])) if row else Behaviour()

    def set_behaviour(self, behaviour: Behaviour) -> None:
        value = json.dumps(behaviour.as_dict())
        self._db.execute("INSERT OR REPLACE INTO setting VALUES ('behaviour', ?)", (value,))

    @contextmanager
    def _together(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
