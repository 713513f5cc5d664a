"""The bytes of a file: counted, hashed, unpacked within limits, and readable again from the start."""

import io
import shutil
import tempfile
import zlib
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from config.kernel.errors import DomainError

CHUNK = 1 << 18  # bytes
SPOOL_IN_MEMORY = 8 << 20  # bytes of an unseekable stream kept off the disk
BOMB_RATIO = 200  # text that real feeds hold packs 5 to 60 times; every line repeated 23 times packs 110 times
BOMB_FROM = 64 << 20  # bytes unpacked before the ratio is looked at
GZIP_MAGIC = b"\x1f\x8b"


class UnreadableFile(DomainError):
    """The file as a whole cannot be read as a table. Nothing of it was taken."""

    code = "unreadable_file"


class EmptyFile(UnreadableFile):
    code = "empty_file"


class NotATable(UnreadableFile):
    """It is something else: a workbook, a document, an archive, a program."""

    code = "not_a_table"


class BrokenArchive(UnreadableFile):
    code = "broken_archive"


class UnpacksTooFar(UnreadableFile):
    """A small file that unpacks to a huge one is an attack or a mistake."""

    code = "unpacks_too_far"


WORKBOOK = (
    "{name} is a spreadsheet ({kind}), not a table of text. Open it, choose File > Save as > CSV UTF-8, and send that."
)
SOMETHING_ELSE = "{name} is {kind}, not a table of text. Send the data as CSV, TSV, JSON or JSON lines."
OTHER_KINDS = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", WORKBOOK, ".xls"),
    (b"%PDF-", SOMETHING_ELSE, "a PDF document"),
    (b"PAR1", SOMETHING_ELSE, "a Parquet file"),
    (b"SQLite format 3\x00", SOMETHING_ELSE, "an SQLite database"),
    (b"7z\xbc\xaf\x27\x1c", SOMETHING_ELSE, "a 7z archive; unpack it first"),
    (b"BZh", SOMETHING_ELSE, "packed with bzip2; unpack it, or pack it with gzip"),
    (b"\xfd7zXZ\x00", SOMETHING_ELSE, "packed with xz; unpack it, or pack it with gzip"),
    (b"\x28\xb5\x2f\xfd", SOMETHING_ELSE, "packed with zstd; unpack it, or pack it with gzip"),
    (b"\x89PNG", SOMETHING_ELSE, "a picture"),
    (b"\xff\xd8\xff", SOMETHING_ELSE, "a picture"),
    (b"{\\rtf", SOMETHING_ELSE, "an RTF document"),
)


def refuse_other_kinds(name: str, head: bytes) -> None:
    """Say clearly what a file is that is no table of text.

    :raises NotATable: the first bytes are those of a workbook, document, archive or web page.
    """
    if head.startswith(b"PK\x03\x04"):
        workbook = b"xl/" in head or b"[Content_Types].xml" in head or name.lower().endswith((".xlsx", ".xlsm", ".ods"))
        if workbook:
            raise NotATable(WORKBOOK.format(name=name, kind=".xlsx"))
        raise NotATable(SOMETHING_ELSE.format(name=name, kind="a zip archive; unpack it first"))
    for magic, sentence, kind in OTHER_KINDS:
        if head.startswith(magic):
            raise NotATable(sentence.format(name=name, kind=kind))
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<?xml", b"<table")):
        raise NotATable(SOMETHING_ELSE.format(name=name, kind="a web page or XML"))


class Source:
    """One file: a path, or a binary stream (kept in a temporary file if it cannot be rewound).

    ``bytes_read`` follows whoever reads last, in bytes of the file as it lies there, so it makes a progress bar with
    ``size``. One reader at a time; a stream that was handed in is not closed.
    """

    def __init__(self, path_or_stream: str | Path | BinaryIO, *, name: str) -> None:
        self.name = name
        self.bytes_read = 0
        self.path = Path(path_or_stream) if isinstance(path_or_stream, str | Path) else None
        self._stream: IO[bytes] | None = None
        self._spooled = False
        self._start = 0
        if not isinstance(path_or_stream, str | Path):
            self._keep(path_or_stream)
        self.size = self._measure()
        self.packed = self._head(2) == GZIP_MAGIC

    def _keep(self, stream: BinaryIO) -> None:
        if stream.seekable():
            self._stream, self._start = stream, stream.tell()
            return
        spool = tempfile.SpooledTemporaryFile(max_size=SPOOL_IN_MEMORY)  # noqa: SIM115 - closed by close()
        shutil.copyfileobj(stream, spool, CHUNK)
        self._stream, self._spooled = cast("IO[bytes]", spool), True

    def _measure(self) -> int:
        if self._stream is None:
            return cast("Path", self.path).stat().st_size
        return self._stream.seek(0, io.SEEK_END) - self._start

    def _head(self, length: int) -> bytes:
        with self.raw() as raw:
            return raw.read(length)

    def raw(self, digest: Any = None) -> BinaryIO:
        """The bytes as they lie there, from the start; each is fed to ``digest`` as it passes."""
        self.bytes_read = 0
        if self._stream is None:
            stream: IO[bytes] = cast("Path", self.path).open("rb", buffering=0)
        else:
            stream = self._stream
            stream.seek(self._start)
        counted = _Counted(self, stream, digest, owned=self._stream is None)
        return cast("BinaryIO", io.BufferedReader(counted, CHUNK))

    def plain(self, digest: Any = None) -> BinaryIO:
        """The bytes unpacked, from the start.

        :raises BrokenArchive: while reading, if it is cut or damaged.
        :raises UnpacksTooFar: while reading, if it is more than ``BOMB_RATIO`` times as long.
        """
        raw = self.raw(digest)
        return cast("BinaryIO", io.BufferedReader(_Gunzip(self, raw), CHUNK)) if self.packed else raw

    def close(self) -> None:
        if self._spooled and self._stream is not None:
            self._stream.close()


class _Counted(io.RawIOBase):
    """Passes bytes on, counts them into the source, feeds them to a digest."""

    def __init__(self, source: Source, stream: IO[bytes], digest: Any, *, owned: bool) -> None:
        self._source, self._stream, self._digest, self._owned = source, stream, digest, owned

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        if not data:
            return 0
        buffer[: len(data)] = data
        self._source.bytes_read += len(data)
        if self._digest is not None:
            self._digest.update(data)
        return len(data)

    def close(self) -> None:
        if self._owned and not self.closed:
            self._stream.close()
        super().close()


class _Gunzip(io.RawIOBase):
    """gzip, any number of members, in constant memory and within limits."""

    def __init__(self, source: Source, raw: BinaryIO) -> None:
        self._source, self._raw = source, raw
        self._unpacked = 0
        self._ready = b""
        self._decoder = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            if not self._refill(len(buffer)):
                return 0
        part, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)

    def _refill(self, limit: int) -> bool:
        """Unpack some more into ``_ready``; False at the end of the file."""
        packed = self._next_packed()
        if not packed:
            return False
        try:
            self._ready = self._decoder.decompress(packed, limit)
        except zlib.error as error:
            raise BrokenArchive(
                f"{self._source.name} is damaged: gzip says {error}. Pack it again and resend."
            ) from error
        self._unpacked += len(self._ready)
        if self._unpacked > BOMB_FROM and self._unpacked > BOMB_RATIO * self._source.size:
            raise UnpacksTooFar(
                f"{self._source.name} unpacks to more than {BOMB_RATIO} times its size. "
                "If it is genuine, unpack it and send the plain file."
            )
        return True

    def _next_packed(self) -> bytes:
        if self._decoder.eof:
            return self._next_member(self._decoder.unused_data)
        packed = self._decoder.unconsumed_tail or self._raw.read(CHUNK)
        if not packed:
            raise BrokenArchive(f"{self._source.name} ends in the middle: the gzip file is cut. Fetch it again.")
        return packed

    def _next_member(self, rest: bytes) -> bytes:
        rest = (rest or self._raw.read(CHUNK)).lstrip(b"\x00")  # tape padding
        if not rest.startswith(GZIP_MAGIC):
            return b""
        self._decoder = zlib.decompressobj(zlib.MAX_WBITS | 16)
        return rest

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()
