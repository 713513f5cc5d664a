"""What a party is called: a person, a company, or a person and their company in one cell."""

from typing import NamedTuple

from crm.services.feeds.maps import NameKind
from crm.services.normalization.letter_case import in_one_case, proper_case
from crm.services.normalization.names import is_company, parse_person, split_person_and_company


class Named(NamedTuple):
    as_listed: str = ""  # what the source wrote
    name: str = ""  # what we show
    first: str = ""
    last: str = ""
    company: str = ""
    is_company: bool = False


NOBODY = Named()


def name_party(kind: NameKind, *, whole: str, first: str, middle: str, last: str, company: str) -> Named:
    """Decide who is meant by the cells that could name them; ``whole`` is a cell that holds all of a name."""
    if first or middle or last:
        return _in_parts(first, middle, last, company)
    person = ""
    if kind == "company" or (kind in {"either", "family first"} and is_company(whole)):
        company = company or whole
    elif kind == "person, company":
        person, beside = split_person_and_company(whole)
        company = company or beside
    else:
        person = whole
    if person:
        parsed = parse_person(person, family_first=kind == "family first")
        return Named(whole, parsed.full or person, parsed.first, parsed.last, company)
    return Named(whole or company, company, company=company, is_company=True) if company else NOBODY


def _in_parts(first: str, middle: str, last: str, company: str) -> Named:
    listed = " ".join(part for part in (first, middle, last) if part)
    if in_one_case(listed):
        first, middle, last = proper_case(first), proper_case(middle), proper_case(last)
    return Named(listed, " ".join(part for part in (first, middle, last) if part), first, last, company)
