"""Amounts of money out of the ways sources write them; the currency is the field's business, not the figure's."""

import re
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from crm.services.normalization.refusals import Unusable
from crm.services.normalization.text import one_line, says_nothing

MAX_LENGTH: Final = 64  # characters
LIMIT: Final = Decimal(10) ** 15  # a quadrillion: beyond that a figure is an identifier
SMALLEST: Final = Decimal("0.000001")
CACHED: Final = 16_384

_CURRENCY: Final = r"(?:US\$|C\$|A\$|[$€£¥]|USD|EUR|GBP|CAD|AUD|MXN)"
_FIGURE: Final = re.compile(
    rf"(?P<open>\()?(?P<sign>[-+])? ?(?:{_CURRENCY} ?)?(?P<inner>[-+])? ?(?P<digits>\d(?:[\d.,' ]*\d)?|\.\d+)\.? ?"
    rf"(?P<scale>k|thousand|m|mm|mn|mio|million|b|bn|billion)?\.?(?: ?{_CURRENCY})?(?P<minus>-)?(?P<close>\))?",
    re.ASCII | re.IGNORECASE,
)
_SCALES: Final = MappingProxyType(
    {scale: Decimal(10) ** 3 for scale in ("k", "thousand")}
    | {scale: Decimal(10) ** 6 for scale in ("m", "mm", "mn", "mio", "million")}
    | {scale: Decimal(10) ** 9 for scale in ("b", "bn", "billion")}
)
_GROUPED: Final = re.compile(r"\d{1,3}(?:([., '])\d{3})(?:\1\d{3})*", re.ASCII)
_SCIENTIFIC: Final = re.compile(r"[-+]?\d+(?:[.,]\d+)?e[-+]?\d+", re.ASCII | re.IGNORECASE)
_RANGE: Final = re.compile(r"\d[^-\u2013\u2014]*(?: to |[-\u2013\u2014])[^-\u2013\u2014]*\d", re.IGNORECASE)


class UnusableAmount(Unusable):
    advice = MappingProxyType(
        {
            "empty": "There is no amount. Add one, or leave the field out.",
            "excel_mangled": "A spreadsheet rounded the figure to something like 1.2E+06 or #####. Format the column "
            "as a number in the original file and export it again.",
            "range": "This is a range. Decide for one figure.",
            "out_of_range": "This is a quadrillion or more, an identifier rather than an amount. Check the column.",
            "not_a_number": "This is not an amount. Write one like 1234.50, $1,234.50 or 1.2M.",
        }
    )


def parse_amount(raw: str) -> Decimal:
    """Read an amount, exact to six decimals; ``str`` of the result reads back as itself.

    Understands "$1,234.50", "1.234,50 €", "1'234", "(1,200)" and "1,200-" as negative, "1.2M", "35k". One comma or dot
    followed by three digits groups thousands if it is a comma ("1,234") and decimals if it is a dot ("1.234").

    :raises UnusableAmount: ``raw`` is not one amount; its ``reason`` is a key of ``UnusableAmount.advice``.
    """
    outcome = _read(raw) if len(raw) <= MAX_LENGTH else "not_a_number"
    if isinstance(outcome, str):
        raise UnusableAmount(outcome, raw)
    return outcome


@lru_cache(maxsize=CACHED)
def _read(raw: str) -> Decimal | str:
    text = one_line(raw).lstrip("'").replace("\u2212", "-")
    if says_nothing(text):
        return "empty"
    if not text.strip("#") or _SCIENTIFIC.fullmatch(text):
        return "excel_mangled"
    figure = _FIGURE.fullmatch(text)
    number = _number(figure["digits"]) if figure and bool(figure["open"]) == bool(figure["close"]) else None
    if figure is None or number is None:
        return "range" if _RANGE.search(text) else "not_a_number"
    return _signed(number * _SCALES.get((figure["scale"] or "").lower(), Decimal(1)), figure)


def _signed(amount: Decimal, figure: re.Match[str]) -> Decimal | str:
    signs = [mark for mark in (figure["sign"], figure["inner"], figure["minus"], figure["open"]) if mark]
    if len(signs) > 1:
        return "not_a_number"
    if amount >= LIMIT:
        return "out_of_range"
    if amount != (rounded := amount.quantize(SMALLEST)):
        amount = rounded
    return -amount if amount and signs in (["-"], ["("]) else amount


def _number(digits: str) -> Decimal | None:
    """Read digits with separators: the one that comes once and last separates decimals, the others group thousands."""
    if grouped := _GROUPED.fullmatch(digits):
        lone_dot = grouped[1] == "." and digits.count(".") == 1
        return Decimal(digits if lone_dot else re.sub(r"\D", "", digits))
    whole, mark, decimals = digits.rpartition(max(".,", key=digits.rfind))
    if not mark:
        return Decimal(decimals) if decimals.isdigit() else None
    if not decimals.isdigit() or not (whole == "" or whole.isdigit() or _GROUPED.fullmatch(whole)):
        return None
    return None if mark in whole else Decimal(f"{re.sub(r'[^0-9]', '', whole) or '0'}.{decimals}")
