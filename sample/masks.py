"""Other names, numbers and places for everybody in a source, the same wherever they occur.

- A phone keeps its area code and notation and becomes 555-01xx, which is nobody's; no two lines become one.
- People, companies, streets and plots get names that nobody in the source bears. Initials, suffixes, capitals, couples,
  legal forms and trades stay, and so does the order of names.
- Permits and houses get other numbers, places other coordinates, and descriptions lose their rarer words.
- About half of them get an e-mail address, which the source has of nobody: made of their new name, in a domain that is
  reserved for examples (RFC 2606).
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from crm.services.normalization.names import match_key, parse_person, split_person_and_company
from sample.words import BEGINNINGS, COMMON, ENDINGS, FIRST_NAMES

SEED = "clearline-1"
PHONES = ("folder_owner_phone", "property_owner_phone")
NAMES = ("folder_owner", "property_owner")
EMAILS = ("folder_owner_email", "property_owner_email")
RARE = 20  # a word of fewer descriptions may be somebody's name
LONGEST_NAME = 40  # the source cuts names
KEPT_IN_NAMES = frozenset({"&", "jr", "sr", "ii", "iii", "iv", "etal", "et", "al", "and", "trust", "the", "of"})
WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
NAMED = re.compile(r"[^\W_]*[^\W\d_][^\W_]*(?:['\u2019][^\W_]+)*")  # "4Star" is a name
ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)", re.IGNORECASE)

Row = dict[str, str]


class Dice:
    """Chance that comes out the same every time for the same key."""

    def __init__(self, *key: str) -> None:
        self._key, self._throws = "\x1f".join((SEED, *key)), 0

    def below(self, limit: int) -> int:
        self._throws += 1
        throw = hashlib.blake2b(f"{self._key}\x1f{self._throws}".encode(), digest_size=8).digest()
        return int.from_bytes(throw, "big") % limit

    def pick(self, several: Sequence[str]) -> str:
        return several[self.below(len(several))]

    def invent(self) -> str:
        """A name like "Larkmere", for a family, a firm or a street."""
        return self.pick(BEGINNINGS) + self.pick(ENDINGS)

    def digits(self, text: str) -> str:
        """The text with other digits; no number begins with a zero."""
        return re.sub(r"\d", lambda digit: str(1 + self.below(9)), text)


def area_code(phone: str) -> str:
    """The area code of a number in the usual notation, "" for any other."""
    found = re.fullmatch(r"\((\d{3})\) \d{3}-\d{4}", phone)
    return found[1] if found else ""


class Masks:
    """What everybody in these rows is called in the sample."""

    def __init__(self, rows: list[Row]) -> None:
        self._real = {match_key(part) for row in rows for field in NAMES for part in _names_in(row[field])}
        self._permits = {row["permit_number"].split(" ")[0] for row in rows}
        self._lines: dict[str, str] = {}
        self._taken: Counter[str] = Counter()
        words = Counter(word for row in rows for word in set(WORD.findall(row["work_description"].lower())))
        self._usual = {word for word, times in words.items() if times >= RARE}
        self._numbers: dict[str, str] = {}

    def masked(self, row: Row) -> Row:
        """The row about somebody else, with an address behind each number."""
        masked: Row = {}
        for field, text in row.items():
            masked[field] = self._mask(field)(text) if text else text
            if field in PHONES:
                at = PHONES.index(field)
                masked[EMAILS[at]] = address_of(masked[NAMES[at]])
        return masked

    def _mask(self, field: str) -> Callable[[str], str]:
        special = {
            "permit_number": self.permit,
            "permit_location": self.place,
            "work_description": self.description,
            "legal_description": self.place,
            "lat": self.coordinate,
            "lng": self.coordinate,
        }
        if field in NAMES:
            return self.name
        if field in PHONES:
            return self.phone
        if field.endswith(("_addrhouse", "_addrunit")):
            return lambda text: Dice("house", text).digits(text)
        if field.endswith("_addrpostal"):
            return lambda text: text[:5] + Dice("postal", text).digits(text[5:])
        return self.place if field.endswith("_addrstreet") else special.get(field, str)

    def phone(self, phone: str) -> str:
        """The same notation with 555-01xx; whatever stands before the last seven digits stays."""
        if phone not in self._lines:
            code = area_code(phone) or "odd"
            line = f"55501{self._taken[code] % 100:02}"
            self._taken[code] += 1
            at = [found.start() for found in re.finditer(r"\d", phone)][-7:]
            at = [position for position in at if ")" not in phone or position > phone.index(")")]
            digits = dict(zip(at, line, strict=False))
            self._lines[phone] = "".join(digits.get(position, sign) for position, sign in enumerate(phone))
        return self._lines[phone]

    def name(self, cell: str) -> str:
        """A person, a company, or a person and their company, listed as the source lists them."""
        person, company = split_person_and_company(cell)
        masked = ", ".join(
            part for part in (self._invented(person, _person), self._invented(company, _company)) if part
        )
        end = "," if cell.rstrip().endswith(",") else ""
        return (masked + end)[:LONGEST_NAME] if len(cell) >= LONGEST_NAME else masked + end

    def _invented(self, name: str, mask: Callable[[str, Dice], str]) -> str:
        """Another name that nobody in the source bears, not even cut off."""
        for attempt in range(100):
            masked = mask(name, Dice(mask.__name__, match_key(name), str(attempt))) if name else ""
            if match_key(masked) not in self._real or not name:
                return masked
        raise ValueError("A hundred names in a row are taken. Give the sample more words.")

    def permit(self, number: str) -> str:
        """A number that the source does not have, in the same year, with the same kind of permit behind it."""
        base, _, kind = number.partition(" ")
        if base not in self._numbers:
            year = base.partition("-")[0]
            free = (f"{year}-{sequence}" for sequence in range(900_000 + len(self._numbers), 999_999))
            self._numbers[base] = next(masked for masked in free if masked not in self._permits)
        return f"{self._numbers[base]} {kind}".rstrip()

    def place(self, text: str) -> str:
        """An address or plot: other numbers, other names, the same kind of street, building, section."""
        dice = Dice("place", text)
        return dice.digits(_renamed(text, dice))

    def description(self, text: str) -> str:
        """Without the words that few descriptions use, and with other long numbers."""
        kept = WORD.sub(lambda word: word[0] if word[0].lower() in self._usual else "", text)
        numbers = re.sub(r"\d[\d-]{3,}", lambda number: Dice("number", number[0]).digits(number[0]), kept)
        return re.sub(r"[^\S\n]{2,}", " ", numbers)

    def coordinate(self, text: str) -> str:
        """Somewhere else in the same tenth of a degree, to as many digits."""
        whole, dot, decimals = text.partition(".")
        return whole + dot + decimals[:1] + Dice("coordinate", text).digits(decimals[1:])


def address_of(cell: str) -> str:
    """The e-mail address of whoever is called so, "" for every other one; an example's, not anybody's."""
    dice = Dice("email", match_key(cell))
    if not cell or dice.below(2):
        return ""
    person, company = split_person_and_company(cell)
    name = parse_person(person, family_first=person.isupper())
    local = ".".join(part for part in (_plain(name.first, 1), _plain(name.last, 1)) if part) or "office"
    firm = _plain(company, 2)
    return f"{local}@{f'{firm}.example' if firm else dice.pick(('example.com', 'example.org'))}"


def _plain(text: str, words: int) -> str:
    """The first words of a name as they can stand in an address."""
    return "-".join(re.findall(r"[a-z0-9]{3,}", text.lower())[:words])


def _names_in(cell: str) -> Iterable[str]:
    return (cell, cell.rstrip(" ,"), *split_person_and_company(cell))


def _person(name: str, dice: Dice) -> str:
    """Other names in the same places: the last is the family's, in "SAMPLE CARL B & MARIA" the first."""
    words = name.split()
    named = [
        at
        for at, word in enumerate(words)
        if len(word.strip(".,")) > 1 and word.strip(".,").lower() not in KEPT_IN_NAMES
    ]
    if not named:
        return dice.invent()
    family = named[0] if name.isupper() or words[named[0]].endswith(",") else named[-1]
    for at in named:
        words[at] = _like(words[at], dice.invent() if at == family else dice.pick(FIRST_NAMES))
    return " ".join(_initial(word, dice) for word in words)


def _initial(word: str, dice: Dice) -> str:
    letter = word.strip(".,")
    return word.replace(letter, chr(65 + dice.below(26))) if len(letter) == 1 and letter.isalpha() else word


def _company(name: str, dice: Dice) -> str:
    masked = _renamed(name, dice)
    return masked if masked != name else f"{_like(name, dice.invent())} {name}"


def _renamed(text: str, dice: Dice) -> str:
    """Words that are not common get an invented name, one for each run of them; common words and signs stay."""
    renamed, last = "", ""
    for piece in re.split(rf"({NAMED.pattern})", text):
        if NAMED.fullmatch(piece) and piece.lower() not in COMMON and not ORDINAL.fullmatch(piece):
            invented = "" if last else _like(piece, dice.invent())
            renamed, last = renamed + invented, piece
        elif piece.strip() or not last:
            renamed, last = renamed + piece, ""
        # a blank between two names goes, with the second of them
        elif piece:
            renamed += piece
    return " ".join(renamed.split())


def _like(word: str, invented: str) -> str:
    """In capitals or small letters where the other is, with its sign at the end."""
    end = word[-1] if word[-1] in ".," else ""
    return (invented.upper() if word.isupper() else invented.lower() if word.islower() else invented) + end
