"""A file read by a second process, some way ahead of whoever takes its rows in: parsing gets a core of its own.

The second process knows nothing of the database: neither this module nor what reads and prepares rows imports models,
so Django need not be set up there, which would take longer than reading a small file.
"""

import gc
import itertools
import multiprocessing
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any, Final, Self

from config.kernel.errors import DomainError

if TYPE_CHECKING:
    from crm.services.bulk.preparing import RowSaid

BATCH: Final = 500  # rows in one message
AHEAD: Final = 40  # messages that wait at most; with 1 kB a row some 20 MB
PATIENCE: Final = 5  # seconds for the reader to leave once it is told to
SEARCH_EVERY: Final = 100  # messages between searches for garbage in cycles
GOING_ON: Final = frozenset({"opened", "rows"})  # words after which more follows
LEAVE: Final = "leave"
START: Final = "spawn"  # forked, it would share our database connection


class NotReadable(DomainError):
    """The operating system does not let us read the file: it is not there, a directory, somebody else's."""

    code = "unreadable_file"


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


class Reader:
    """The second process. ``with Reader() as reader:``, then one file after the other; it starts with the first."""

    def __init__(self) -> None:
        self._process: BaseProcess | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stop()

    @contextmanager
    def open(self, path: str, *, name: str, feed: str = "", source: str = "") -> "Iterator[File]":
        """Look through a file; inside, its rows can be read. Leaving early is fine.

        :raises DomainError: the file as a whole cannot be read; it says why.
        :raises ReaderDied: the reader ended instead of answering.
        """
        if self._process is None:
            self._start()
        file = File(self, name)
        try:
            self.send((path, name, feed, source))
            file.open()
            yield file
            file.leave()
        except ReaderDied:
            self._stop()
            raise
        except BaseException:
            file.leave()
            raise

    def send(self, message: Any) -> None:
        try:
            self._ours.send(message)
        except OSError:
            return  # whoever listens next hears that it died

    def receive(self) -> tuple[str, Any]:
        try:
            word, content = self._ours.recv()
        except (EOFError, OSError):
            return "died", None
        return word, content

    def exit_code(self) -> int | None:
        if self._process is not None:
            self._process.join(PATIENCE)
        return self._process.exitcode if self._process else None

    def _start(self) -> None:
        context = multiprocessing.get_context(START)
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()  # or we would never see its end

    def _stop(self) -> None:
        if self._process is None:
            return
        self._ours.close()
        self._process.join(PATIENCE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process = None


class File:
    """One file as the second process sees it."""

    def __init__(self, reader: Reader, name: str) -> None:
        self._reader, self._name = reader, name
        self._messages: queue.Queue[tuple[str, Any]] = queue.Queue(AHEAD)
        self._waiting = True  # the other process has something to say before it is free again
        self._fetching = False
        self.bytes_read = 0

    def open(self) -> None:
        self.opened: Opened = self._understood(self._reader.receive())

    def rows(self, *, after: int = 0) -> "Iterator[RowSaid]":
        """Yield every row behind row ``after``, once.

        :raises ReaderDied: the reader ended before the file did.
        """
        self._reader.send(after)
        self._fetching = True
        threading.Thread(target=self._fetch, daemon=True).start()
        while (message := self._understood(self._messages.get())) is not None:
            self.bytes_read, rows = message
            yield from rows

    def leave(self) -> None:
        """Let the other process go, wherever it is in the file."""
        if self._waiting:
            self._reader.send(LEAVE)
        while self._waiting:
            self._waiting = self._next()[0] in GOING_ON

    def _next(self) -> tuple[str, Any]:
        return self._messages.get() if self._fetching else self._reader.receive()

    def _fetch(self) -> None:
        """Take messages in, on a thread: most of the time the other one waits for PostgreSQL."""
        message = ("rows", None)
        while message[0] in GOING_ON:
            message = self._reader.receive()
            self._messages.put(message)

    def _understood(self, message: tuple[str, Any]) -> Any:
        word, content = message
        self._waiting = word in GOING_ON
        if word == "refused":
            raise content
        if word == "failed":
            raise ReaderDied(f"{self._name} could not be read to its end, by a fault of ours: {content}")
        if word == "died":
            raise ReaderDied(
                f"The process that reads {self._name} ended early (exit code {self._reader.exit_code()}). "
                "What was taken in stays; start again to go on."
            )
        return content


def _serve(pipe: Connection) -> None:
    """What the second process does: one file after the other, until nobody asks any more."""
    gc.disable()  # rows are in no cycles, and looking for some takes longer than reading them
    try:
        while True:
            asked = pipe.recv()
            if asked != LEAVE:  # a file that had been read to its end when it was left
                pipe.send(_read(pipe, *asked))
                gc.collect()
    except (EOFError, OSError, KeyboardInterrupt):
        return  # whoever asked has left


def _read(pipe: Connection, path: str, name: str, feed_id: str, source: str) -> tuple[str, Any]:
    """Read one file and return the last word about it."""
    try:
        _tell(pipe, path, name, feed_id, source)
    except (BrokenPipeError, EOFError):
        raise
    except DomainError as refusal:
        return "refused", refusal
    except OSError as error:
        return "refused", NotReadable(f"{path}: {error.strerror or error}.")
    except Exception as error:  # noqa: BLE001 - whatever it is, the other process has to hear of it
        return "failed", f"{type(error).__name__}: {error}"
    return "end", None


def _tell(pipe: Connection, path: str, name: str, feed_id: str, source: str) -> None:
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
        if after == LEAVE:
            return
        preparer = Preparer(source=opened.source)
        rows = map(preparer.prepare, read_records(table, feed, start_row=after))
        for number in itertools.count(1):
            batch = list(itertools.islice(rows, BATCH))
            if not batch or (pipe.poll() and pipe.recv() == LEAVE):
                return
            pipe.send(("rows", (table.bytes_read, batch)))
            if number % SEARCH_EVERY == 0:
                gc.collect()
