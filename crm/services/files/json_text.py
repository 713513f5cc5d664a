"""JSON from a stream, value by value: no more than one element is ever held."""

import io
import json
from collections.abc import Iterator
from typing import Any, BinaryIO, NoReturn

from crm.services.files.encodings import LEGACY
from crm.services.files.names import told_apart

FIRST_READ = 1 << 16  # characters
ELEMENT_LIMIT = 8 << 20  # characters of one value
SPACE = " \t\n\r"


class BrokenJson(ValueError):
    """What stands at ``line`` is not JSON."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.line = line


def _no_such_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a number in JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object that says a name twice keeps both, as a table does whose header has it twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        return dict(zip(told_apart([name for name, _ in pairs]), [value for _, value in pairs], strict=True))
    return found


# Numbers stay text: 2129962880.0 and 1681189200000 mean something only to whoever knows the column.
DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_no_such_number, object_pairs_hook=_object)


class JsonText:
    """A place in a JSON text that only moves forward."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = io.TextIOWrapper(stream, encoding=encoding, errors=LEGACY, newline="")
        self._text, self._at, self._ended, self._read = "", 0, False, FIRST_READ
        self.line = 1

    def close(self) -> None:
        self._stream.close()

    def peek(self) -> str:
        """The next character that is not white space; "" at the end."""
        while True:
            start = self._at
            while start < len(self._text) and self._text[start] in SPACE:
                start += 1
            self._move(start)
            if start < len(self._text):
                return self._text[start]
            if not self._more():
                return ""

    def take(self, wanted: str) -> bool:
        """Step over the next character if it is ``wanted``."""
        if self.peek() != wanted:
            return False
        self._move(self._at + 1)
        return True

    def expect(self, wanted: str) -> None:
        if not self.take(wanted):
            found = repr(self.peek()) if self.peek() else "the end of the file"
            raise BrokenJson(f"{wanted!r} is missing before {found}", self.line)

    def end(self) -> None:
        if self.peek():
            raise BrokenJson(f"something follows the end of the data: {self.peek()!r}", self.line)

    def value(self) -> Any:
        """The next value, whole.

        :raises BrokenJson: it is none, is nested too deeply, or is longer than ``ELEMENT_LIMIT``.
        """
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
            except RecursionError as error:
                raise BrokenJson("it is nested too deeply", self.line) from error
            except ValueError as error:
                self._read_on(error)
            else:
                if end < len(self._text) or not self._more():  # a number could go on
                    self._move(end)
                    return value

    def elements(self) -> Iterator[tuple[int, Any]]:
        """Yield (line, value) for every element of the array that begins here."""
        self.expect("[")
        if self.take("]"):
            return
        while True:
            self.peek()
            line = self.line
            yield line, self.value()
            if self.take("]"):
                return
            self.expect(",")

    def keys(self) -> Iterator[str]:
        """Yield every key of the object that begins here; the caller reads its value before going on."""
        self.expect("{")
        if self.take("}"):
            return
        while True:
            if self.peek() != '"':
                raise BrokenJson("a key in quotation marks is missing", self.line)
            key = self.value()
            self.expect(":")
            yield key
            if self.take("}"):
                return
            self.expect(",")

    def _read_on(self, error: ValueError) -> None:
        """Fetch more, as the value may only be cut off; else say what is wrong with it."""
        if len(self._text) - self._at > ELEMENT_LIMIT:
            raise BrokenJson(f"a value is broken or longer than {ELEMENT_LIMIT:,} characters", self.line) from error
        if not self._more():
            reason, line = str(error), self.line
            if isinstance(error, json.JSONDecodeError):
                reason, line = error.msg, self.line + self._text.count("\n", self._at, error.pos)
            raise BrokenJson(reason, line) from error

    def _more(self) -> bool:
        if self._ended:
            return False
        chunk = self._stream.read(self._read)
        self._ended = not chunk
        self._text, self._at = self._text[self._at :] + chunk, 0
        self._read = max(FIRST_READ, len(self._text))  # doubles: a long value is tried a few times, not thousands
        return bool(chunk)

    def _move(self, to: int) -> None:
        self.line += self._text.count("\n", self._at, to)
        self._at = to
