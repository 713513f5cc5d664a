"""One cell as the value of one field: numbers, days, flags, places. What cannot be read says why."""

from collections.abc import Callable
from datetime import UTC, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from crm.choices import Lifecycle, Priority
from crm.services.feeds.maps import fold
from crm.services.normalization.amounts import parse_amount
from crm.services.normalization.dates import parse_date
from crm.services.normalization.refusals import Unusable
from crm.services.normalization.regions import regions_by_name
from crm.services.normalization.zones import countries

CENT = Decimal("0.01")
MOST_MONEY = Decimal(10) ** 14
MOST_PEOPLE = 2**31 - 1
TRUE = frozenset(["true", "t", "yes", "y", "1", "x", "on", "wahr", "ja", "si"])
FALSE = frozenset(["false", "f", "no", "n", "0", "off", "falsch", "nein"])
PRIORITIES = {priority.name.lower() for priority in Priority}

# The longest that the database keeps. Only names that identify are refused when they are longer, the rest is cut.
LONGEST = {
    "project_id": 100, "contact_id": 100, "external_id": 100, "name": 200, "listed_name": 200, "first_name": 100,
    "last_name": 100, "title": 200, "seniority": 40, "department": 80, "kind": 120, "status": 80, "stage": 80,
    "description": 20_000, "street": 200, "city": 120, "region": 80, "postal_code": 20, "country": 2, "time_zone": 64,
    "suppressed_reason": 200, "source_url": 500, "domain": 253, "website": 500, "industry": 120, "value_as_given": 500,
    "label": 40, "extension": 20,
}  # fmt: skip
PROJECT_NAME = 300


class UnusableCell(Unusable):
    """A flag, whole number or word that is none."""

    advice = {
        "not_a_flag": "This is neither yes nor no. Write yes, no, true, false, 1 or 0.",
        "not_a_whole_number": "This is not a whole number. Write one like 1200.",
        "out_of_range": "The number is too large or too small for this field.",
        "unknown_word": "This is not one of the words for this field.",
        "unknown_country": "This is no country. Write its ISO code or English name.",
        "unknown_moment": "This is no moment in time. Write it as 2014-12-31T17:00:00Z.",
        "too_long": "The text is too long and was cut; all of it is among the attributes.",
        "email_in_phone_column": "This e-mail address stands in a column of phone numbers. It was taken as an address.",
        "phone_in_email_column": "This phone number stands in a column of e-mail addresses. It was taken as a number.",
        "other_text": "Other text stands beside the number or address, which was cut out of it.",
        "too_long_id": "An id can have at most 100 characters. This is another column, or two of them run together.",
        "no_key": "Nobody can be recognized by this alone: there is no id, no usable phone or e-mail, and no name.",
    }


class Trouble(NamedTuple):
    """What is wrong with one cell, before it is known in which row."""

    column: str
    code: str
    reason: str
    value: str

    @classmethod
    def about(cls, column: str, error: Unusable) -> "Trouble":
        return cls(column, error.reason, str(error), error.raw)


def money(text: str) -> Decimal:
    amount = parse_amount(text)
    if abs(amount) >= MOST_MONEY:
        raise UnusableCell("out_of_range", text)
    return amount.quantize(CENT)


def count(text: str) -> int:
    """A number of people; of a range ("51-200", "10,001+") the lower end, as a floor is what it promises."""
    low = text.replace("\u2013", "-").split("-")[0].rstrip("+ ") or text
    try:
        number = int(parse_amount(low))
    except Unusable as error:
        raise UnusableCell("not_a_whole_number", text) from error
    if not 0 <= number <= MOST_PEOPLE:
        raise UnusableCell("out_of_range", text)
    return number


def score(text: str) -> int:
    number = count(text)
    if number > 100:
        raise UnusableCell("out_of_range", text)
    return number


def flag(text: str) -> bool:
    word = text.lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise UnusableCell("not_a_flag", text)


def moment(text: str) -> datetime:
    """A moment; without an offset it is in UTC, without a time it is the beginning of the day."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        try:
            instant = datetime.combine(parse_date(text), time())
        except Unusable as error:
            raise UnusableCell("unknown_moment", text) from error
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def country(text: str) -> str:
    code = countries().get(text.lower())
    if code is None:
        raise UnusableCell("unknown_country", text)
    return code


@lru_cache(maxsize=4096)
def region(text: str) -> str:
    """The code of a state or province of the United States or Canada; any other text as it is."""
    known = regions_by_name().get(text.lower())
    return known[3:] if known else text


@lru_cache(maxsize=16_384)
def postal_code(text: str) -> str:
    """Without what spreadsheets and fixed forms add: "10010.0", "60616-"."""
    return text.removesuffix(".0").rstrip("- ")


def lifecycle(text: str) -> str:
    word = fold(text)
    for status in Lifecycle:
        if word == fold(status.value):
            return status.value
    raise UnusableCell("unknown_word", text)


def priority(text: str) -> str:
    word = text.lower()
    if word not in PRIORITIES:
        raise UnusableCell("unknown_word", text)
    return word


Reader = Callable[[str], Any]
READERS: dict[str, Reader] = {
    "value": money, "revenue": money, "employees": count, "lead_score": score, "bid_on": parse_date,
    "starts_on": parse_date, "event_on": parse_date, "consent_on": parse_date, "call_suppressed": flag,
    "do_not_call": flag, "do_not_email": flag, "do_not_text": flag, "consent_given": flag,
    "next_call_eligible_at": moment, "country": country, "region": region, "postal_code": postal_code,
    "lifecycle_status": lifecycle, "priority": priority,
}  # fmt: skip
