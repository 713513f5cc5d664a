"""What a record says of a number or mailbox that somebody has already: extension, label, since when it is verified.

The rule is that of all fields (``crm.services.ownership``): a blank is filled, what a source said otherwise before is
said anew, and what somebody else has written stays. A verification never becomes older.
"""

from typing import NamedTuple

import orjson

from crm.services.bulk.book import Book, PlaceOfPoint
from crm.services.bulk.preparing import PointSaid
from crm.services.bulk.states import KnownPoint
from crm.services.matching import PointKey


class Words(NamedTuple):
    extension: str = ""
    label: str = ""
    verified: str = ""  # a moment, "now" for "by now", "" where it is not said


def said_before(before: str | None, key: PointKey) -> Words | None:
    """Return how the source spoke of this number or mailbox ``before`` (JSON); None: it did not name it."""
    said = orjson.loads(before) if before else {}
    for _, value, extension, _, label, *verified in said.get("phones", ()):
        if value == key[1]:
            return Words(extension, label, _since(verified))
    for _, value, label, *verified in said.get("emails", ()):
        if value == key[1]:
            return Words("", label, _since(verified))
    return None


def reword(book: Book, place: PlaceOfPoint, known: KnownPoint | None, said: PointSaid, before: Words | None) -> bool:
    """Let a record say more of a point that there is, or that is born in this chunk; return whether it did."""
    now = Words(said.extension, said.label, said.verified)
    if known is None:
        new = book.points[place]
        was = Words(new.point.extension, new.point.label, _moment(new.point.verified, book.at))
        words = _heard(was, before or Words(), now, book.at)
        book.points[place] = new._replace(point=new.point._replace(**words._asdict()))
        return words != was
    was = Words(known.extension, known.label, known.verified)
    words = _heard(was, before or Words(), now, book.at)
    if words == was or not known.good:
        return False
    known.extension, known.label, known.verified = words
    book.reworded[known.id] = known
    return True


def _heard(was: Words, before: Words, now: Words, at: str) -> Words:
    verified = was.verified
    if now.verified and now.verified != before.verified:
        verified = max(_moment(now.verified, at), was.verified)
    return Words(
        _word(was.extension, before.extension, now.extension), _word(was.label, before.label, now.label), verified
    )


def _moment(verified: str, at: str) -> str:
    return at if verified == "now" else verified


def _word(was: str, before: str, now: str) -> str:
    return now if now and now != before and was in ("", before) else was


def _since(verified: list[object]) -> str:
    return "" if not verified else "now" if verified[0] is True else str(verified[0])
