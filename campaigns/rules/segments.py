"""How long an SMS is: what a carrier sends, and bills, are segments, and their size depends on the alphabet.

Source: 3GPP TS 23.038 (GSM 7 bit default alphabet and its extension table) and TS 23.040 9.2.3.24 (six octets of each
part of a longer message are its header).
"""

from dataclasses import dataclass
from typing import Final

GSM: Final = "GSM-7"
UCS2: Final = "UCS-2"
ALONE: Final = {GSM: 160, UCS2: 70}  # units in a message of one segment
IN_PARTS: Final = {GSM: 153, UCS2: 67}  # and in each of several
LONGEST: Final = 1_600  # characters that carriers take

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = frozenset("\f^{}\\[~]|€")  # each takes two units
_GSM: Final = _BASIC | _EXTENSION


@dataclass(frozen=True, slots=True)
class Length:
    """``units`` are septets in GSM-7 and 16-bit units in UCS-2; ``odd`` are the characters that force UCS-2."""

    encoding: str
    units: int
    segments: int
    odd: tuple[str, ...] = ()


def measure(text: str) -> Length:
    """Return how long ``text`` is as an SMS; an empty text has no segment."""
    used = frozenset(text)
    if used <= _BASIC and len(text) <= ALONE[GSM]:  # what nearly every SMS is
        return Length(GSM, len(text), 1 if text else 0)
    odd = tuple(dict.fromkeys(character for character in text if character not in _GSM)) if used - _GSM else ()
    encoding = UCS2 if odd else GSM
    sizes = [_units(character, encoding) for character in text]
    units = sum(sizes)
    return Length(encoding, units, _segments(sizes, units, encoding), odd)


def _units(character: str, encoding: str) -> int:
    if encoding == GSM:
        return 2 if character in _EXTENSION else 1
    return 2 if ord(character) > 0xFFFF else 1


def _segments(sizes: list[int], units: int, encoding: str) -> int:
    """A character of two units is never cut in two: it begins the next part."""
    if units <= ALONE[encoding]:
        return 1 if units else 0
    room, parts = 0, 0
    for size in sizes:
        if size > room:
            parts, room = parts + 1, IN_PARTS[encoding]
        room -= size
    return parts
