"""Text as blocks of physical lines: in constant memory, whatever stands between two line ends."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from crm.services.files.encodings import LEGACY

BLOCK = 1 << 17  # characters read at a time
LINE_LIMIT = 4 << 20  # characters; a longer line is given up
SHOWN = 500  # characters of a line that is given up


@dataclass(frozen=True, slots=True)
class Block:
    first: int  # number of its first line, from 1
    lines: list[str]  # with their line ends
    too_long: bool = False  # a single line, of which only the beginning is here


def line_end(sample: str) -> str:
    r"""What ends a line, in the words of ``io.StringIO``: ``"\n"``, or ``""`` where lone carriage returns do."""
    lone = sample.count("\r") - sample.count("\r\n")
    return "" if lone > 2 * sample.count("\n") else "\n"


def split(text: str, newline: str) -> list[str]:
    return io.StringIO(text, newline=newline).readlines()


def blocks(stream: BinaryIO, *, encoding: str, newline: str, skip: int = 0) -> Iterator[Block]:
    """Yield the lines of the stream after the first ``skip``, without NULs, and close it at the end.

    Bytes that are not in the encoding are read as Windows-1252.
    """
    number, rest, lost = 1, "", False
    with io.TextIOWrapper(stream, encoding=encoding, errors=LEGACY, newline="") as text:
        while chunk := text.read(BLOCK):
            lines = split(rest + chunk.replace("\0", ""), newline)
            rest = lines.pop() if lines and not lines[-1].endswith("\n") else ""  # "\r" may be half of "\r\n"
            if lost and lines:  # the end of a line that was given up
                del lines[0]
                lost, number = False, number + 1
            if lines:
                yield from _after(skip, Block(number, lines))
                number += len(lines)
            if lost or len(rest) > LINE_LIMIT:
                if not lost:
                    yield from _after(skip, Block(number, [rest[:SHOWN]], too_long=True))
                rest, lost = "", True
    if rest:
        yield from _after(skip, Block(number, [rest]))


def _after(skip: int, block: Block) -> Iterator[Block]:
    if block.first > skip:
        yield block
    elif block.first + len(block.lines) - 1 > skip:
        yield Block(skip + 1, block.lines[skip + 1 - block.first :], block.too_long)
