"""What is wrong with one cell, and what to tell whoever sent it."""

import re
from typing import Final, NamedTuple

from config.kernel.moments import OUT_OF_RANGE
from crm.services.normalization.refusals import Unusable

_NESTED: Final = re.compile(r'\s*(\{\s*"|\[\s*["{\[])')


class UnusableCell(Unusable):
    """A flag, whole number, moment or word that is none."""

    advice = {
        "not_a_flag": "This is neither yes nor no. Write yes, no, true, false, 1 or 0.",
        "taken_as_yes": "This is neither yes nor no. It was taken as a yes, so that nobody is approached who may have "
        "asked not to be. Write yes or no.",
        "not_a_whole_number": "This is not a whole number. Write one like 1200.",
        "not_a_share": "This is no probability. Write one from 0 to 1, or from 0% to 100%.",
        "out_of_range": "The number is too large or too small for this field.",
        "year_out_of_range": OUT_OF_RANGE,
        "unknown_word": "This is not one of the words for this field.",
        "unknown_country": "This is no country. Write its ISO code or English name.",
        "no_page": "This is no address of a page: it begins with something else than http or https.",
        "unknown_moment": "This is no moment in time. Write it as 2014-12-31T17:00:00Z.",
        "ambiguous_date": "Other days in this column are written in the other order, so this may be another day: of "
        "01/02/2014 the first was read as the month. Write it as 2014-01-02.",
        "too_long": "The text is too long and was cut; all of it is among the attributes.",
        "email_in_phone_column": "This e-mail address stands in a column of phone numbers. It was taken as an address.",
        "phone_in_email_column": "This phone number stands in a column of e-mail addresses. It was taken as a number.",
        "other_text": "Other text stands beside the number or address, which was cut out of it.",
        "nested": "This is a list or an object, not one value. Give each value a column or a field of its own.",
        "too_long_id": "An id can have at most 100 characters. This is another column, or two of them run together.",
        "no_key": "Nobody can be recognized by this alone: there is no id, no usable phone or e-mail, and no name.",
    }


def is_nested(text: str) -> bool:
    """Whether this was a list or an object of JSON: the digits in it are those of several values."""
    return bool(_NESTED.match(text))


def whole(text: str) -> str:
    """``text`` itself. :raises UnusableCell: it was a list or an object."""
    if is_nested(text):
        raise UnusableCell("nested", text)
    return text


class Trouble(NamedTuple):
    """What is wrong with one cell, before it is known in which row."""

    column: str
    code: str
    reason: str
    value: str

    @classmethod
    def about(cls, column: str, error: Unusable) -> "Trouble":
        return cls(column, error.reason, str(error), error.raw)
