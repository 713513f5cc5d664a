"""One cell as the value of one field: numbers, days, flags, places. What cannot be read says why."""

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from crm.choices import Channel, Lifecycle, Priority
from crm.services.feeds.flags import consent, flag, refusal
from crm.services.feeds.moments import day, moment
from crm.services.feeds.stated_zones import time_zone
from crm.services.feeds.troubles import UnusableCell
from crm.services.files.names import fold
from crm.services.normalization.amounts import parse_amount
from crm.services.normalization.emails import parse_email
from crm.services.normalization.pages import is_page
from crm.services.normalization.refusals import Unusable
from crm.services.normalization.regions import regions_by_name
from crm.services.normalization.zones import countries

CENT = Decimal("0.01")
MOST_MONEY = Decimal(10) ** 14
MOST_PEOPLE = 2**31 - 1
CHANNELS = {channel.value: channel.value for channel in Channel} | {
    **dict.fromkeys(("phone", "telephone", "phonecall", "mobile"), Channel.CALL.value),
    **dict.fromkeys(("text", "textmessage", "mobilesms"), Channel.SMS.value),
    **dict.fromkeys(("mail", "emailaddress"), Channel.EMAIL.value),
}
PRIORITIES = {priority.name.lower() for priority in Priority}

# The longest that the database keeps. Only names that identify are refused when they are longer, the rest is cut.
LONGEST = {
    "project_id": 100, "contact_id": 100, "external_id": 100, "name": 200, "listed_name": 200, "first_name": 100,
    "last_name": 100, "title": 200, "seniority": 40, "department": 80, "kind": 120, "status": 80, "stage": 80,
    "description": 20_000, "street": 200, "city": 120, "region": 80, "postal_code": 20, "country": 2, "time_zone": 64,
    "suppressed_reason": 200, "source_url": 500, "domain": 253, "website": 500, "industry": 120, "value_as_given": 500,
    "label": 40, "extension": 20, "suppress_reason": 200, "owner": 254,
}  # fmt: skip
PROJECT_NAME = 300


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


def share(text: str) -> float:
    """A probability from 0 to 1, or in percent; four decimals."""
    percent = text.endswith("%")
    try:
        number = float(parse_amount(text.rstrip("% "))) / (100 if percent else 1)
    except Unusable as error:
        raise UnusableCell("not_a_share", text) from error
    if not 0 <= number <= 1:
        raise UnusableCell("not_a_share", text)
    return round(number, 4)


def channel(text: str) -> str:
    word = CHANNELS.get(fold(text))
    if word is None:
        raise UnusableCell("unknown_word", text)
    return word


def page(text: str) -> str:
    """The address of a page; nothing that a browser would run instead of opening it."""
    if not is_page(text):
        raise UnusableCell("no_page", text)
    return text


Reader = Callable[[str], Any]
READERS: dict[str, Reader] = {
    "value": money, "revenue": money, "employees": count, "lead_score": score, "bid_on": day, "starts_on": day,
    "event_on": day, "consent_on": day, "call_suppressed": refusal, "do_not_call": refusal, "do_not_email": refusal,
    "do_not_text": refusal, "consent_given": consent, "next_call_eligible_at": moment, "country": country,
    "region": region, "postal_code": postal_code, "lifecycle_status": lifecycle, "priority": priority,
    "time_zone": time_zone, "preferred_channel": channel, "conversion_probability": share, "owner": parse_email,
    "suppress_for_project": refusal, "is_primary": flag, "pair_priority": priority, "website": page,
}  # fmt: skip
FLAGS = frozenset({consent, refusal, flag})
