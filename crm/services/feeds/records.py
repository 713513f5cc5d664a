"""What a feed says, in our words: the contract between reading a file and writing the database.

One item comes out for every row that went in: a :class:`Record`, or a :class:`Refused` that says why not. Text that a
source left blank is ``""``; numbers, dates and flags that it left blank are ``None``. A blank never overwrites.
Everything is frozen, pickles, and is never changed after it was made: one party object may serve many rows.
"""

import dataclasses
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Literal

KeyKind = Literal["contact_id", "phone", "email", "name"]


class Packed:
    """Travels between processes faster than dataclasses do by themselves: reading may have a process of its own."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        kind: Any = type(self)
        return _unpacked, (kind, *[slot.__get__(self) for slot in _slots(kind)])


def _unpacked(kind: Any, *values: Any) -> Any:
    self = object.__new__(kind)
    for slot, value in zip(_slots(kind), values, strict=True):
        slot.__set__(self, value)
    return self


@cache
def _slots(kind: Any) -> list[Any]:
    """The descriptors of the fields, in order."""
    return [getattr(kind, field.name) for field in dataclasses.fields(kind)]


@dataclass(frozen=True, slots=True)
class PhoneIn(Packed):
    """A usable number. Unusable ones are kept in ``Party.attributes`` and reported as a :class:`Doubt`."""

    value_as_given: str
    e164: str  # never empty
    extension: str = ""
    line_type: str = ""
    label: str = ""  # work, mobile, home, company, other
    verified: datetime | bool | None = None  # when it was seen to reach them; True: by now


@dataclass(frozen=True, slots=True)
class EmailIn(Packed):
    value_as_given: str
    value: str  # normalized, never empty
    label: str = ""
    verified: datetime | bool | None = None


@dataclass(frozen=True, slots=True)
class PlaceIn(Packed):
    """A further postal address, or a page on a social network: a way to reach somebody that is no line or mailbox."""

    kind: Literal["address", "social"]
    value_as_given: str = ""  # the page, or the address on one line
    label: str = ""
    street: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    verified: datetime | bool | None = None


@dataclass(frozen=True, slots=True)
class CompanyIn(Packed):
    external_id: str = ""
    name: str = ""
    domain: str = ""
    website: str = ""
    industry: str = ""
    employees: int | None = None
    revenue: Decimal | None = None
    technologies: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    phone: str = ""  # E.164, or "" where unusable (then the raw value is in ``attributes["phone"]``)
    street: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    profiles: dict[str, str] = dataclasses.field(default_factory=dict)  # linkedin, facebook, twitter, ...: address
    attributes: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Party(Packed):
    """Somebody a row names, with the roles they have in its project.

    Roles are words in lower case joined by ``_``. A company that is named without a person is a contact too:
    ``is_company`` is true, ``name`` is the company's, first and last name are empty.
    """

    roles: tuple[str, ...] = ()
    contact_id: str = ""
    name: str = ""  # for display: "Ada Example", "Example Plumbing, Inc."
    first_name: str = ""
    last_name: str = ""
    name_as_listed: str = ""  # the raw cell (or raw cells, joined by a blank)
    listed_key: str = ""  # the raw name folded for matching within a project; "" where nobody is named
    is_company: bool = False
    title: str = ""
    seniority: str = ""
    department: str = ""
    company: CompanyIn | None = None
    phones: tuple[PhoneIn, ...] = ()  # best first, no number twice
    emails: tuple[EmailIn, ...] = ()  # best first, no address twice
    profiles: dict[str, str] = dataclasses.field(default_factory=dict)
    street: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    time_zone: str = ""
    do_not_call: bool | None = None
    do_not_email: bool | None = None
    do_not_text: bool | None = None
    lifecycle_status: str = ""  # new, contacted, qualified, proposal, negotiation, closed_won, closed_lost, nurturing
    priority: str = ""  # low, medium, high, urgent
    lead_score: int | None = None  # 0 to 100
    preferred_channel: str = ""  # call, sms, email, voicemail
    conversion_probability: float | None = None  # 0 to 1
    owner: str = ""  # e-mail address of the user who looks after them
    places: tuple[PlaceIn, ...] = ()
    suppress_for_project: bool | None = None  # these four are about their part in the project of the row
    suppress_reason: str = ""
    is_primary: bool | None = None
    pair_priority: str = ""
    consent_given: bool | None = None
    consent_on: date | None = None
    attributes: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def key(self) -> tuple[KeyKind, str]:
        """The key that decides who this is when nobody knows any of its keys yet.

        The name key means something only together with a project; outside a project it is kept unique enough by
        its profile address or company, and belongs to the source that said it.
        """
        if self.contact_id:
            return "contact_id", self.contact_id
        if self.phones:
            return "phone", self.phones[0].e164
        if self.emails:
            return "email", self.emails[0].value
        return "name", self.listed_key


@dataclass(frozen=True, slots=True)
class ProjectIn(Packed):
    project_id: str  # as the source numbers it, never empty
    name: str = ""
    kind: str = ""
    status: str = ""
    stage: str = ""
    description: str = ""
    value: Decimal | None = None
    street: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    bid_on: date | None = None
    starts_on: date | None = None
    event_on: date | None = None
    source_url: str = ""
    call_suppressed: bool | None = None
    suppressed_reason: str = ""
    next_call_eligible_at: datetime | None = None  # aware
    owner: str = ""  # e-mail address of a user
    attributes: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Doubt(Packed):
    """A cell that could not be used as what it should be; the row was taken all the same, the value kept raw."""

    row: int
    line: int
    field: str  # the column as the file names it
    code: str
    reason: str
    value: str


@dataclass(frozen=True, slots=True)
class Record(Packed):
    """One usable row. ``row`` counts data rows from 1, ``line`` is the line of the file where it begins, from 1."""

    row: int
    line: int
    project: ProjectIn | None
    parties: tuple[Party, ...]
    warnings: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused(Packed):
    """One row that cannot be used, with its original cells, so that it can be mended and sent again."""

    row: int
    line: int
    raw: dict[str, str] = dataclasses.field(repr=False)
    code: str
    reason: str
    field: str = ""
