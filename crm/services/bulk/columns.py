"""What a record says, as columns of our tables: one mapping for rows that are born and for rows that are changed.

``raw`` is the canonical form of a record: what its source said, without its blanks, in the types of JSON. Amounts, days
and moments are texts in one spelling, so that equal values are equal texts here, in ``SourceRecord.raw`` and in rows as
``crm.services.bulk.staging`` reads them.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import orjson

from crm.choices import Lifecycle, Priority
from crm.services.completeness import PARTS
from crm.services.normalization.companies import parse_company
from crm.services.normalization.names import match_key

Raw = Mapping[str, Any]
Columns = dict[str, Any]

LISTED_AS: Final = "listed_as"  # the attribute that keeps a contact's name as its source wrote it, if we show another
ADDRESS: Final = ("street", "city", "region", "postal_code", "country")

PROJECT: Final = (
    *("project_id", "name", "kind", "status", "stage", "description", "value", "bid_on", "starts_on", "event_on"),
    *("call_suppressed", "call_suppressed_reason", "next_call_eligible_at", "attributes", "owner_id", *ADDRESS),
)
COMPANY: Final = (
    *("external_id", "name", "name_key", "domain", "website", "industry", "employees", "annual_revenue"),
    *("technologies", "keywords", "phone", "profiles", "attributes", *ADDRESS),
)
CONTACT: Final = (
    *("company_id", "contact_id", "first_name", "last_name", "name", "title", "seniority", "department", "profiles"),
    *("time_zone", "do_not_call", "do_not_email", "do_not_text", "consent_given", "consent_at", "lifecycle"),
    *("priority", "lead_score", "preferred_channel", "conversion_probability", "attributes", "owner_id", *ADDRESS),
)

# What a column holds where nothing was said; text columns hold "".
BLANKS: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("value", "bid_on", "starts_on", "event_on", "next_call_eligible_at", "external_id")),
    **dict.fromkeys(("employees", "annual_revenue", "company_id", "contact_id", "consent_at", "lead_score")),
    **dict.fromkeys(("conversion_probability", "owner_id")),
    **dict.fromkeys(("call_suppressed", "do_not_call", "do_not_email", "do_not_text", "consent_given"), False),
    "attributes": {},
    "profiles": {},
    "technologies": [],
    "keywords": [],
    "lifecycle": Lifecycle.NEW.value,
    "priority": Priority.MEDIUM.value,
}

# Fields of a record that are called what their columns are called, and hold the same.
_AS_THEY_ARE: Final = {
    "project": frozenset(PROJECT) - {"call_suppressed_reason", "attributes", "owner_id"},
    "company": frozenset(COMPANY) - {"annual_revenue"},
    "party": frozenset(CONTACT) - {"company_id", "owner_id", "consent_given", "consent_at", "lifecycle", "priority"},
}


def of_project(raw: Raw) -> Columns:
    """Return the columns of ``Project`` that this record fills; the page it comes from is kept as an attribute."""
    columns = _same(raw, "project")
    if reason := raw.get("suppressed_reason"):
        columns["call_suppressed_reason"] = reason
    attributes = dict(raw.get("attributes", ()))
    if page := raw.get("source_url"):
        attributes["source_url"] = page
    if attributes:
        columns["attributes"] = attributes
    return columns


def of_company(raw: Raw) -> Columns:
    columns = _same(raw, "company")
    if "revenue" in raw:
        columns["annual_revenue"] = raw["revenue"]
    return columns


def of_party(raw: Raw) -> Columns:
    """Return the columns of ``Contact`` that this record fills, without its company."""
    columns = _same(raw, "party")
    if status := raw.get("lifecycle_status"):
        columns["lifecycle"] = status
    if word := raw.get("priority"):
        columns["priority"] = Priority[word.upper()].value
    if "consent_given" in raw:
        columns["consent_given"] = raw["consent_given"]
    if raw.get("consent_given") and "consent_on" in raw:
        columns["consent_at"] = raw["consent_on"] + "T00:00:00+00:00"
    listed = raw.get("name_as_listed", "")
    name = raw.get("name", "")
    if listed and listed != name and match_key(listed) != match_key(name):
        columns["attributes"] = {**columns.get("attributes", {}), LISTED_AS: listed}
    return columns


@lru_cache(maxsize=4_096)
def party_said(raw: str) -> Columns:
    """Return the columns of a party that is JSON; read-only, because they are remembered."""
    return of_party(orjson.loads(raw))


def company_said(raw: str) -> Any:
    """Return what a party that is JSON says of its company."""
    return orjson.loads(raw).get("company")


def name_key(columns: Mapping[str, Any]) -> str:
    """Return the key of the first name that a contact was given: another key is another name."""
    return match_key(columns.get("attributes", {}).get(LISTED_AS) or columns.get("name", ""))[:200]


def company_key(name: str) -> str:
    """Return the key under which the spellings of a company's name meet, in the length that the database keeps."""
    return (parse_company(name).key or name.casefold())[:200]


def quality(columns: Mapping[str, Any]) -> int:
    """Return the score of a contact who is born with these columns, primary phone and e-mail among them."""
    score = 0
    for _, weight, needed in PARTS:
        for name in needed:
            if not columns.get(name):
                break
        else:
            score += weight
    return score


def _same(raw: Raw, kind: str) -> Columns:
    names = _AS_THEY_ARE[kind]
    return {name: value for name, value in raw.items() if name in names}


def full(columns: Mapping[str, Any], kind: str) -> Columns:
    """Return all columns of ``kind`` in their order, blank where ``columns`` says nothing."""
    return {**_BLANK[kind], **columns}


_BLANK: Final = {
    kind: {name: BLANKS.get(name, "") for name in names}
    for kind, names in (("project", PROJECT), ("company", COMPANY), ("contact", CONTACT))
}


def copy_line(values: Iterable[Any]) -> str:
    """Return one line of COPY's text format, without its line feed."""
    return "\t".join(
        [
            value if value.__class__ is str and value.isprintable() and "\\" not in value else _cell(value)
            for value in values
        ]
    )


class NewLine:
    """Makes lines of COPY for rows of which little is said: what is not said of the columns ``names`` is blank."""

    def __init__(self, names: Iterable[str]) -> None:
        self._blank = [_cell(BLANKS.get(name, "")) for name in names]
        self._at = {name: position for position, name in enumerate(names)}

    def of(self, columns: Mapping[str, Any]) -> str:
        cells, at = self._blank.copy(), self._at
        for name, value in columns.items():
            plain = value.__class__ is str and value.isprintable() and "\\" not in value
            cells[at[name]] = value if plain else _cell(value)
        return "\t".join(cells)


def _cell(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return escaped(value)
    if value is True or value is False:
        return "t" if value else "f"
    if isinstance(value, dict):
        return escaped(to_json(value)) if value else "{}"
    if isinstance(value, list | tuple):
        return escaped(array(value))
    return str(value)


_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def escaped(text: str) -> str:
    """Return ``text`` as COPY wants it; most texts need nothing and pass without being copied."""
    return text if text.isprintable() and "\\" not in text else text.translate(_ESCAPES)


def are_plain(lines: str, *, rows: int, width: int) -> bool:
    """Say whether nothing in lines of COPY had to be escaped: all their tabs and line feeds are those in between."""
    apart = lines.count("\t") == (width - 1) * rows and lines.count("\n") == rows
    return apart and "\\" not in lines and "\r" not in lines


def array(words: Sequence[Any]) -> str:
    """Return an array literal of PostgreSQL; every word is quoted, so none means NULL or a brace."""
    quoted = ('"' + str(word).replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words)
    return "{" + ",".join(quoted) + "}"


def to_json(value: Any) -> str:
    """Return canonical JSON: equal values are equal texts.

    :raises orjson.JSONEncodeError: there is half a character (a lone surrogate) in it, which no UTF-8 can carry.
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
