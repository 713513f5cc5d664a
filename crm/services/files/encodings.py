"""In which encoding a file was written, judged by all of its bytes.

A byte order mark decides; then UTF-16 without one; then UTF-8, which ordinary text in another encoding is never by
accident; then Shift-JIS or Windows-1251 where the bytes leave little doubt; else Windows-1252, as browsers do.
Bytes that are broken in a UTF-8 file are read as Windows-1252, so that one bad cell does not garble all others.
"""

import codecs
import re
from dataclasses import dataclass

LEGACY = "clearline-legacy"  # what becomes of bytes that an encoding does not define
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
HIGH_SAMPLE = 1 << 18  # bytes of chunks that hold anything beyond ASCII
RUSSIAN_WORD = re.compile(rb"[\xc0-\xff\xa8\xb8]{2,}")
COMMON_RUSSIAN = frozenset("оеаинтсрвлкмдпу")
FEW = 8  # control characters that prove nothing, however short the file
CONTROLS = bytes(range(9)) + b"\x0e\x0f" + bytes(range(0x10, 0x1A)) + b"\x1b\x7f"


def _read_as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    broken = error.object[error.start : error.end]
    return "".join(_ONE_BYTE[byte] for byte in broken), error.end


# The five bytes that Windows-1252 leaves undefined become control characters, as on the web.
_ONE_BYTE = [bytes([byte]).decode("windows-1252", "ignore") or chr(byte) for byte in range(256)]
codecs.register_error(LEGACY, _read_as_windows_1252)


@dataclass(frozen=True, slots=True)
class Encoding:
    name: str  # for Python
    broken: int = 0  # byte sequences that are not in this encoding and were read as Windows-1252


class Evidence:
    """Looks at every byte of a file as it passes, in constant memory."""

    def __init__(self) -> None:
        self.head = b""
        self.length = 0
        self.nuls = 0
        self._well_formed = 0  # UTF-8 sequences of two to four bytes
        self._broken = 0
        self._high = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def see(self, chunk: bytes) -> None:
        if len(self.head) < HIGH_SAMPLE:
            self.head += chunk[: HIGH_SAMPLE - len(self.head)]
        self.length += len(chunk)
        self.nuls += chunk.count(0)
        if chunk.isascii() and not self._decoder.getstate()[0]:
            return
        if len(self._high) < HIGH_SAMPLE:
            self._high += chunk[: HIGH_SAMPLE - len(self._high)]
        text = self._decoder.decode(chunk)
        replaced = text.count("\ufffd") - chunk.count(b"\xef\xbf\xbd")
        self._broken += max(replaced, 0)
        self._well_formed += len(text) - len(text.encode("ascii", "ignore")) - replaced

    def verdict(self) -> Encoding:
        for mark, name in BYTE_ORDER_MARKS:
            if self.head.startswith(mark):
                return Encoding(name, self._broken if name == "utf-8-sig" else 0)
        if utf_16 := self._utf_16():
            return Encoding(utf_16)
        broken = self._broken + bool(self._decoder.getstate()[0])
        if broken <= self._well_formed:
            return Encoding("utf-8", broken)
        return Encoding(_legacy(self._high))

    def _utf_16(self) -> str:
        """UTF-16 of mostly Latin text has a NUL in every other place, and only there."""
        pairs = max(len(self.head) // 2, 1)
        even, odd = self.head[::2].count(0) / pairs, self.head[1::2].count(0) / pairs
        if max(even, odd) < 0.3 or min(even, odd) > 0.1 * max(even, odd):
            return ""
        return "utf-16-be" if even > odd else "utf-16-le"

    def looks_binary(self) -> bool:
        """More than a tenth NULs, or a twentieth other control characters, in what is not UTF-16 or UTF-32."""
        if self.verdict().name.startswith(("utf-16", "utf-32")):
            return False
        size, nuls = len(self.head), self.head.count(0)
        controls = size - len(self.head.translate(None, CONTROLS)) - nuls
        return nuls > max(size / 10, FEW) or controls > max(size / 20, FEW)


def _legacy(high: bytes) -> str:
    if _is_shift_jis(high):
        return "cp932"
    return "windows-1251" if _is_russian(high) else "windows-1252"


def _is_shift_jis(high: bytes) -> bool:
    """Decodes whole, and kana (two bytes, the first 82 or 83) are a fair part of what is not ASCII."""
    try:
        text = codecs.getincrementaldecoder("cp932")().decode(high)
    except UnicodeDecodeError:
        return False
    foreign = [letter for letter in text if letter > "\x7f"]
    kana = sum("\u3041" <= letter <= "\u30fe" for letter in foreign)
    return bool(foreign) and kana >= 2 and kana >= 0.15 * len(foreign)


def _is_russian(high: bytes) -> bool:
    """Whole words are high bytes, and they are made of the letters that Russian is mostly made of."""
    beyond = len(high) - len(high.translate(None, bytes(range(0x80, 0x100))))
    words = RUSSIAN_WORD.findall(high)
    in_words = sum(map(len, words))
    if not beyond or in_words < 0.8 * beyond or in_words < 6:
        return False
    text = b"".join(words).decode("windows-1251", "ignore").lower()
    return sum(letter in COMMON_RUSSIAN for letter in text) >= 0.6 * len(text)
