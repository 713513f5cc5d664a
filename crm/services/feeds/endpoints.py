"""Phones and e-mail addresses of a party, wherever in the row they stand."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from crm.services.feeds.cells import Cell
from crm.services.feeds.records import EmailIn, PhoneIn
from crm.services.feeds.troubles import Trouble, UnusableCell, is_nested
from crm.services.normalization.emails import UnusableEmail, find_email, parse_email
from crm.services.normalization.phones import Phone, UnusablePhone, find_phone, parse_phone
from crm.services.normalization.refusals import Unusable

About = tuple[str, datetime | bool | None]  # its label, and since when it is verified
LONGEST_GIVEN = 500
LONGEST_EXTENSION = 20
SAYS_NOTHING = "empty"


class Endpoints:
    """The phones and e-mails of one party, in the order of the map, each once; the rest raw, with the reason."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._phones: dict[str, PhoneIn] = {}
        self._emails: dict[str, EmailIn] = {}
        self.troubles: list[Trouble] = []
        self.unusable: dict[str, str] = {}  # column: what stands there

    @property
    def phones(self) -> tuple[PhoneIn, ...]:
        return tuple(self._phones.values())

    @property
    def emails(self) -> tuple[EmailIn, ...]:
        return tuple(self._emails.values())

    def take_phones(self, places: Sequence[Cell], cells: Sequence[str]) -> None:
        for column, about, search, text in _filled(places, cells):
            if is_nested(text):
                self._unusable(column, text, UnusableCell("nested", text))
                continue
            try:
                self._add_phone(text, about)
            except UnusablePhone as error:
                if error.reason != SAYS_NOTHING and not self._took_phones(text, about):
                    self._not_a_phone(column, about, text, error, search=search)

    def take_emails(self, places: Sequence[Cell], cells: Sequence[str]) -> None:
        for column, about, search, text in _filled(places, cells):
            if is_nested(text):
                self._unusable(column, text, UnusableCell("nested", text))
                continue
            try:
                self._add_email(text, about)
            except UnusableEmail as error:
                if error.reason != SAYS_NOTHING and not self._took_emails(text, about):
                    self._not_an_email(column, about, text, error, search=search)

    def _add_phone(self, text: str, about: About) -> None:
        self._keep_phone(text, parse_phone(text, region=self._region), about)

    def _add_email(self, text: str, about: About) -> None:
        self._keep_email(text, parse_email(text), about)

    def _keep_phone(self, text: str, phone: Phone, about: About) -> None:
        extension = phone.extension[:LONGEST_EXTENSION]
        given = PhoneIn(text[:LONGEST_GIVEN], phone.e164, extension, phone.line_type, *about)
        self._phones.setdefault(phone.e164, given)

    def _keep_email(self, text: str, address: str, about: About) -> None:
        self._emails.setdefault(address, EmailIn(text[:LONGEST_GIVEN], address, *about))

    def _took_phones(self, text: str, about: About) -> bool:
        """Take several numbers with semicolons between them, which is what a list of JSON becomes: all or none."""
        try:
            found = [(part, parse_phone(part, region=self._region)) for part in _listed(text)]
        except UnusablePhone:
            return False
        for part, phone in found:
            self._keep_phone(part, phone, about)
        return bool(found)

    def _took_emails(self, text: str, about: About) -> bool:
        try:
            found = [(part, parse_email(part)) for part in _listed(text)]
        except UnusableEmail:
            return False
        for part, address in found:
            self._keep_email(part, address, about)
        return bool(found)

    def _not_a_phone(self, column: str, about: About, text: str, error: Unusable, *, search: bool) -> None:
        """An address in the wrong column, two facts in one cell, or nothing that can be used."""
        if "@" in text:
            try:
                self._add_email(text, about)
            except UnusableEmail:
                pass
            else:
                self.troubles.append(Trouble.about(column, UnusableCell("email_in_phone_column", text)))
                return
        phone = find_phone(text, region=self._region) if search else None
        if phone is None:
            self._unusable(column, text, error)
            return
        self._keep_phone(text, phone, about)
        if address := find_email(text):
            self._keep_email(text, address, about)
        self._aside(column, text)

    def _not_an_email(self, column: str, about: About, text: str, error: Unusable, *, search: bool) -> None:
        if "@" not in text:
            try:
                self._add_phone(text, about)
            except UnusablePhone:
                pass
            else:
                self.troubles.append(Trouble.about(column, UnusableCell("phone_in_email_column", text)))
                return
        address = find_email(text) if search else None
        if address is None:
            self._unusable(column, text, error)
            return
        self._keep_email(text, address, about)
        self._aside(column, text)

    def _unusable(self, column: str, text: str, error: Unusable) -> None:
        self.troubles.append(Trouble.about(column, error))
        self.unusable[column] = text

    def _aside(self, column: str, text: str) -> None:
        self.troubles.append(Trouble.about(column, UnusableCell("other_text", text)))
        self.unusable[column] = text


def _listed(text: str) -> list[str]:
    """The parts of a list; nothing where ``text`` is none."""
    parts = [part.strip() for part in text.split(";") if part.strip()]
    return parts if len(parts) > 1 else []


def _filled(places: Sequence[Cell], cells: Sequence[str]) -> Iterator[tuple[str, About, bool, str]]:
    for cell in places:
        text = cell.read(cells)
        for part in text.split(cell.place.split) if cell.place.split else (text,):
            if part.strip():
                yield cell.column, (cell.label(cells), cell.verified(cells)), cell.place.search, part.strip()
