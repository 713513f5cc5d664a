"""A file read by a second process, some way ahead of whoever takes its rows in: parsing gets a core of its own.

This module is also what the second process imports first, before Django is set up there; so it imports no models.
"""

import gc
import itertools
import multiprocessing
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from config.kernel.errors import DomainError

if TYPE_CHECKING:
    from crm.services.bulk.preparing import RowSaid

BATCH: Final = 500  # rows in one message
AHEAD: Final = 40  # messages that wait at most; with 1 kB a row some 20 MB
PATIENCE: Final = 5  # seconds for the reader to leave once it is told to
SEARCH_EVERY: Final = 100  # messages between searches for garbage in cycles


class ReaderDied(DomainError):
    """The process that reads the file ended without a word: killed, out of memory, or a fault of ours."""

    code = "reader_died"


@dataclass(frozen=True, slots=True)
class Opened:
    """What is known of a file before its first row is taken."""

    name: str
    content_hash: str
    total_bytes: int
    columns: tuple[str, ...]
    meanings: dict[str, str]  # column: what the map makes of it
    feed: str
    feed_version: str
    feed_title: str
    source: str
    remarks: tuple[str, ...]


class ReadAhead:
    """``with ReadAhead(path, ...) as reader:``, then ``reader.opened`` and ``reader.rows(after=...)``, once."""

    def __init__(self, path: str, *, name: str, feed: str = "", source: str = "") -> None:
        self._what = (path, name, feed, source)
        self._name = name
        self._messages: queue.Queue[Any] = queue.Queue(AHEAD)
        self._leaving = threading.Event()
        self.bytes_read = 0

    def __enter__(self) -> Self:
        """Start the reader and let it look through the file.

        :raises DomainError: the file as a whole cannot be read; it says why.
        :raises ReaderDied: the reader ended instead of answering.
        """
        context = multiprocessing.get_context("spawn")  # forked, it would share our database connection
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_read, args=(theirs, *self._what), daemon=True)
        self._process.start()
        theirs.close()  # or its end would never be seen
        try:
            self.opened: Opened = self._understood(self._receive())
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._leave()

    def rows(self, *, after: int = 0) -> "Iterator[RowSaid]":
        """Yield every row behind row ``after``.

        :raises ReaderDied: the reader ended before the file did.
        """
        self._ours.send(after)
        threading.Thread(target=self._fetch, daemon=True).start()
        while (message := self._understood(self._messages.get())) is not None:
            self.bytes_read, rows = message
            yield from rows

    def _fetch(self) -> None:
        """Take messages in, on a thread: most of the time the other one waits for PostgreSQL."""
        while not self._leaving.is_set():
            message = self._receive()
            self._messages.put(message)
            if message[0] != "rows":
                return

    def _receive(self) -> Any:
        try:
            return self._ours.recv()
        except (EOFError, OSError):
            return "died", None

    def _understood(self, message: tuple[str, Any]) -> Any:
        word, content = message
        if word == "refused":
            raise content
        if word == "failed":
            raise ReaderDied(f"{self._name} could not be read to its end, by a fault of ours: {content}")
        if word == "died":
            self._process.join(PATIENCE)
            raise ReaderDied(
                f"The process that reads {self._name} ended early (exit code {self._process.exitcode}). "
                "What was taken in stays; start again to go on."
            )
        return content

    def _leave(self) -> None:
        self._leaving.set()
        self._ours.close()
        while not self._messages.empty():
            self._messages.get_nowait()
        self._process.join(PATIENCE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _read(pipe: Connection, path: str, name: str, feed_id: str, source: str) -> None:
    """What the second process does."""
    try:
        _tell(pipe, path, name, feed_id, source)
    except (BrokenPipeError, EOFError, KeyboardInterrupt):
        return  # whoever asked has left
    except DomainError as refusal:
        pipe.send(("refused", refusal))
    except Exception as error:  # noqa: BLE001 - whatever it is, the other process has to hear of it
        pipe.send(("failed", f"{type(error).__name__}: {error}"))


def _tell(pipe: Connection, path: str, name: str, feed_id: str, source: str) -> None:
    import django

    django.setup()

    from crm.services.bulk.preparing import Preparer
    from crm.services.feeds.choosing import choose_feed
    from crm.services.feeds.reading import columns_of, describe, read_records
    from crm.services.files.tables import open_table

    with open_table(path, name=name) as table:
        feed = choose_feed(table, feed_id=feed_id)
        columns = columns_of(table, feed)
        opened = Opened(
            name=name,
            content_hash=table.content_hash,
            total_bytes=table.total_bytes,
            columns=tuple(columns),
            meanings=describe(feed, columns),
            feed=feed.id,
            feed_version=feed.version,
            feed_title=feed.title,
            source=source or feed.source,
            remarks=(*table.remarks, *feed.remarks),
        )
        pipe.send(("opened", opened))
        after = pipe.recv()
        gc.disable()  # rows are in no cycles, and looking for some takes longer than reading them
        preparer = Preparer(source=opened.source)
        rows = map(preparer.prepare, read_records(table, feed, start_row=after))
        for number in itertools.count(1):
            batch = list(itertools.islice(rows, BATCH))
            if not batch:
                break
            pipe.send(("rows", (table.bytes_read, batch)))
            if number % SEARCH_EVERY == 0:
                gc.collect()
        pipe.send(("end", None))
