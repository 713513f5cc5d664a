"""Any file of rows as a table: looked at once from end to end, then read as often as one likes."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self

from crm.services.files.dialects import Dialect
from crm.services.files.encodings import LEGACY, Encoding, Evidence
from crm.services.files.json_layouts import is_json, look_at_json
from crm.services.files.layouts import Layout, look_at_delimited
from crm.services.files.rows import BadRow, Row
from crm.services.files.sources import CHUNK, EmptyFile, NotATable, Source, refuse_other_kinds


class Table:
    """A file of rows. Every row comes out once, as :class:`Row` or :class:`BadRow`; blank rows are not rows.

    ``header`` holds the names as the file gives them, or None; ``columns`` are unique names for as many cells as each
    row has. ``content_hash`` is the SHA-256 of the file's bytes as they lie there, packed or not.
    """

    def __init__(self, source: Source, *, layout: Layout, encoding: Encoding, content_hash: str) -> None:
        self._source, self._layout = source, layout
        self.name = source.name
        self.kind = layout.kind  # csv (whatever the delimiter), json, jsonl
        self.encoding = encoding.name
        self.dialect: Dialect | None = layout.dialect
        self.header = layout.header
        self.columns = layout.columns
        self.sample = layout.sample  # the cells of up to some hundred rows
        self.remarks = layout.remarks  # what was odd about the file as a whole, as sentences
        self.content_hash = content_hash
        self.total_bytes = source.size

    @property
    def bytes_read(self) -> int:
        """How far the latest reading got, to be compared with ``total_bytes``."""
        return self._source.bytes_read

    def rows(self, start: int = 0) -> Iterator[Row | BadRow]:
        """Yield every row after the first ``start``, numbered as if nothing had been left out.

        One reading at a time. :raises BrokenArchive: never here, :func:`open_table` has read the file to its end.
        """
        return self._layout.rows(self._source, start)

    def close(self) -> None:
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def open_table(path_or_stream: str | Path | BinaryIO, *, name: str) -> Table:
    """Open a file of rows; its bytes are read once from end to end, so that nothing is taken from half a file.

    :raises EmptyFile: there is no row in it.
    :raises NotATable: it is a workbook, a document, an archive, binary, or broken JSON.
    :raises BrokenArchive: gzip, cut or damaged. :raises UnpacksTooFar: gzip, and a bomb.
    """
    source = Source(path_or_stream, name=name)
    try:
        evidence, content_hash = _look_through(source)
        encoding = evidence.verdict()
        text = evidence.head.decode(encoding.name, LEGACY)
        if evidence.length > len(evidence.head):
            text = text[: text.rfind("\n") + 1] or text
        if is_json(text, name):
            layout: Layout = look_at_json(source, text, encoding=encoding.name)
        else:
            layout = look_at_delimited(text.replace("\0", ""), name=name, encoding=encoding.name)
    except BaseException:
        source.close()
        raise
    layout.remarks.extend(_remarks(evidence, encoding))
    return Table(source, layout=layout, encoding=encoding, content_hash=content_hash)


def _look_through(source: Source) -> tuple[Evidence, str]:
    """Read all bytes once: hash them, unpack them, gather what tells the encoding."""
    digest, evidence = hashlib.sha256(), Evidence()
    with source.plain(digest) as stream:
        while chunk := stream.read(CHUNK):
            if not evidence.length:
                refuse_other_kinds(source.name, chunk)
            evidence.see(chunk)
    if not evidence.head.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00"):
        raise EmptyFile(f"{source.name} is empty: there is not one row in it.")
    if evidence.looks_binary():
        raise NotATable(f"{source.name} is not text. Send the data as CSV, TSV, JSON or JSON lines.")
    return evidence, digest.hexdigest()


def _remarks(evidence: Evidence, encoding: Encoding) -> list[str]:
    remarks = []
    if encoding.broken:
        remarks.append(f"{encoding.broken:,} characters are not {encoding.name} and were read as Windows-1252.")
    if evidence.nuls and not encoding.name.startswith(("utf-16", "utf-32")):
        remarks.append(f"{evidence.nuls:,} NUL characters were left out.")
    return remarks
