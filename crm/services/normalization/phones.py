"""Telephone numbers: one E.164 form for every notation, or the reason why there is none.

A number is valid exactly when ``phonenumbers.parse(raw.strip(), region)`` is. Beyond that rule two notations are
understood because real sources write them: floats ("5125550134.0") and SIP addresses with or without a caller's name.
And four are refused although the rule may see a number in them, because the digits are not the number: scientific
notation, floats that lost digits, the figures by which carriers spell that a caller withheld the number, and two
numbers with a semicolon between them, the second of which would be an extension.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType, ValidationResult

from crm.services.normalization.refusals import Unusable
from crm.services.normalization.text import one_line, says_nothing

MAX_LENGTH: Final = 250  # characters; the library reads no further either
WHOLE: Final = 10  # digits, from which on an extension may be a number
MAX_SEARCHED: Final = 2_000  # characters of free text in which a number is looked for
MAX_TRIES: Final = 100  # things in it that look like numbers and are none
CACHED: Final = 65_536  # distinct notations, some 20 MB

LINE_TYPES: Final = MappingProxyType(
    {
        PhoneNumberType.FIXED_LINE: "landline",
        PhoneNumberType.MOBILE: "mobile",
        PhoneNumberType.FIXED_LINE_OR_MOBILE: "mobile_or_landline",
        PhoneNumberType.VOIP: "voip",
        PhoneNumberType.TOLL_FREE: "toll_free",
        PhoneNumberType.PREMIUM_RATE: "premium",
        PhoneNumberType.UNKNOWN: "unknown",
    }
)

_UNPARSED: Final = MappingProxyType(
    {
        NumberParseException.INVALID_COUNTRY_CODE: "impossible",
        NumberParseException.TOO_SHORT_AFTER_IDD: "too_short",
        NumberParseException.TOO_SHORT_NSN: "too_short",
        NumberParseException.TOO_LONG: "too_long",
    }
)
_UNREACHED: Final = MappingProxyType(
    {
        ValidationResult.IS_POSSIBLE: "not_valid",
        ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "no_area_code",
        ValidationResult.TOO_SHORT: "too_short",
        ValidationResult.TOO_LONG: "too_long",
    }
)

# ANONYMOUS, RESTRICTED, BLOCKED, UNAVAILABLE, UNKNOWN and PRIVATE on a keypad: what carriers give as the number of a
# caller who withholds it (https://www.twilio.com/docs/voice/twiml). RESTRICTED without its plus is a number of Austin.
_SPELLED: Final = frozenset({"266696687", "7378742833", "2562533", "86282452253", "8656696", "7748483"})
_SPELLED_BARE: Final = _SPELLED - {"7378742833"}
_WITHHELD_WORDS: Final = frozenset(
    {"anonymous", "blocked", "caller id blocked", "hidden", "no caller id", "no number", "not available", "out of area"}
    | {"private", "private caller", "private number", "restricted", "unavailable", "undisclosed", "unidentified"}
    | {"unknown", "unknown caller", "unknown number", "withheld"}
)

# North America in its usual notations: nine of ten numbers. Whether an area code and exchange exist, and what kind of
# line they are, the library is asked once for each; a test proves that it agrees about whole numbers.
_PLAIN: Final = re.compile(r"(\+?1[ .-]?)?(?:\(([2-9]\d\d)\) ?|([2-9]\d\d)[ .-]?)([2-9]\d\d)[ .-]?(\d{4})", re.ASCII)
_PLAIN_REGIONS: Final = frozenset({"US", "CA"})  # a number without its country code is one of these
_BARBADOS: Final = "246"  # the one plan that tells lines apart by the digit behind the exchange

_NAME_ADDRESS: Final = re.compile(r'(?:"[^"]*"|[^<"]*)\s*<\s*((?:sips?|tel):[^>]*)>', re.IGNORECASE)
_SIP: Final = re.compile(r"sips?:([^@;?>]*)", re.IGNORECASE)
_FLOAT: Final = re.compile(r"(\+?\d{4,15})\.0+")
_SCIENTIFIC: Final = re.compile(r"[+-]?\d+(?:[.,]\d*)?\s*e\s*[+-]?\s*\d{1,3}", re.IGNORECASE)
_SHEET_ERROR: Final = re.compile(r"#+|#(?:name|ref|value|num|null|n/a|div/0)[?!]?", re.IGNORECASE)
_COUNTED: Final = ("01234567890123456789", "98765432109876543210", "12312312341231231234")
# Ten times one digit. 888-888-8888 is a valid toll-free number, and what people type who have none.
_REPEATED: Final = re.compile(r"\+1(\d)\1{9}")


class UnusablePhone(Unusable):
    advice = MappingProxyType(
        {
            "empty": "There is no number. Add one, or leave the field out.",
            "excel_mangled": "A spreadsheet turned the number into something like 1.21255E+10 or #####, and digits are "
            "lost. Format the column as text in the original file and export it again.",
            "placeholder": "This is a filler that nobody answers. Leave the field empty until the number is known.",
            "withheld": "The caller withheld the number. There is nothing to call back or to match.",
            "too_short": "The number has too few digits. Look it up and add what is missing, area code included.",
            "no_area_code": "The area code is missing. Write the whole number, for example 512 555 0134.",
            "too_long": "The number has too many digits. Keep one number; write an extension as 512 555 0134 x12.",
            "several_numbers": "There is more than one number here. Keep one, and give the others fields of their own.",
            "extra_text": "There is other text beside the number. Keep the number and move the rest to another field.",
            "unparsable": "This is not a telephone number. Write one like 512 555 0134 or +44 20 7946 0134.",
            "impossible": "No country has numbers like this. Check the country code behind the plus, count the digits.",
            "not_valid": "No such number is handed out. Check the area code for swapped digits, and write numbers "
            "from abroad with + and the country code.",
        }
    )


@dataclass(frozen=True, slots=True)
class Phone:
    """A number that can be dialed: E.164, the digits of its extension or "", and the kind of line."""

    e164: str
    extension: str
    line_type: str


def parse_phone(raw: str, *, region: str = "US") -> Phone:
    """Read one telephone number; without a country code it belongs to ``region`` (ISO 3166, "" for none).

    The E.164 form of the result reads back as itself. Outcomes are cached by notation, good and bad alike.

    :raises UnusablePhone: ``raw`` is not one valid number; its ``reason`` is a key of ``UnusablePhone.advice``.
    """
    text = raw.strip()
    outcome = _plain(text, region.upper()) or (_read(text, region.upper()) if len(text) <= MAX_LENGTH else "too_long")
    if isinstance(outcome, str):
        raise UnusablePhone(outcome, raw)
    return outcome


def find_phone(text: str, *, region: str = "US") -> Phone | None:
    """Return the first valid number in a cell that holds other text too, or None.

    For sources known to run fields together ("(205)555-0110 Email: x@example.com"). Elsewhere a note beside a number
    may restrict its use ("DEBRIS BOX ONLY"), so ``parse_phone`` refuses it. Reads the first 2,000 characters, up to
    the hundredth thing that looks like a number and is none.
    """
    searched = one_line(text[:MAX_SEARCHED])
    matches = phonenumbers.PhoneNumberMatcher(searched, region.upper() or None, max_tries=MAX_TRIES)
    found = (_phone(match.number) for match in matches)
    return next((phone for phone in found if not _REPEATED.fullmatch(phone.e164)), None)


def is_withheld(raw: str) -> bool:
    """Say whether a caller's number is one of the ways to say "withheld": such callers match nobody."""
    text = _unwrapped(raw.strip()[:MAX_LENGTH])
    return not text.strip("0") or _says_withheld(text) or text in _SPELLED_BARE


def _plain(text: str, region: str) -> Phone | None:
    """Return a number of North America in a usual notation, None for all that needs a second look."""
    plain = _PLAIN.fullmatch(text)
    if plain is None or not (region in _PLAIN_REGIONS or text.startswith("+")):
        return None
    _, bracketed, area, exchange, line = plain.groups()
    number = f"{bracketed or area}{exchange}{line}"
    if _REPEATED.fullmatch(f"+1{number}"):
        return None
    line_type = _line_type(number[: 7 if number.startswith(_BARBADOS) else 6])
    return Phone(f"+1{number}", "", line_type) if line_type != "unknown" else None


@lru_cache(maxsize=CACHED)
def _line_type(prefix: str) -> str:
    """The kind of all lines that begin with these digits; ``unknown`` where there are none."""
    return _phone(phonenumbers.parse(f"+1{prefix:0<10}")).line_type


@lru_cache(maxsize=CACHED)
def _read(text: str, region: str) -> Phone | str:
    """Return the number, or the reason why there is none: a cache keeps values, it does not keep exceptions."""
    number = _unwrapped(text)
    if _says_withheld(number):
        return "withheld"
    if says_nothing(number):
        return "empty"
    if _SCIENTIFIC.fullmatch(number) or _SHEET_ERROR.fullmatch(number):
        return "excel_mangled"
    try:
        parsed = phonenumbers.parse(number, region or None)
    except NumberParseException as error:
        return _why_not(number, region, _UNPARSED.get(error.error_type, "unparsable"))
    phone = _phone(parsed)
    if _REPEATED.fullmatch(phone.e164):
        return "placeholder"
    if phone.line_type != "unknown":  # the library knows a line type of every valid number and of no other
        return "several_numbers" if _is_whole(phone.extension, region) else phone
    return _why_not(number, region, _UNREACHED.get(phonenumbers.is_possible_number_with_reason(parsed), "impossible"))


def _is_whole(extension: str, region: str) -> bool:
    """Whether what the library takes for an extension is another number: it does, behind a semicolon."""
    return len(extension) >= WHOLE and isinstance(_plain(extension, region) or _read(extension, region), Phone)


def _phone(parsed: PhoneNumber) -> Phone:
    e164 = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    extension = phonenumbers.normalize_digits_only(parsed.extension) if parsed.extension else ""
    return Phone(e164, extension, LINE_TYPES.get(phonenumbers.number_type(parsed), "other"))


def _unwrapped(text: str) -> str:
    """Take off what programs put around a number: a spreadsheet's apostrophe, a SIP address, a float's fraction."""
    text = text.lstrip("'\u2018\u2019`").lstrip()
    if "<" in text and (address := _NAME_ADDRESS.match(text)):
        text = address[1]
    if text[:3].lower() == "sip" and (uri := _SIP.match(text)):
        text = unquote(uri[1])
    if text.endswith("0") and (whole := _FLOAT.fullmatch(text)):
        text = whole[1]
    return text.strip()


def _says_withheld(number: str) -> bool:
    return number.lower() in _WITHHELD_WORDS or (number[:1] == "+" and number[1:] in _SPELLED)


def _why_not(number: str, region: str, otherwise: str) -> str:
    """Name the cause a person can do something about, where the library only says that it is no number."""
    digits = "".join(character for character in number if character.isdigit())
    if digits and _is_filler(digits.removeprefix("1") if len(digits) == 11 else digits):
        return "placeholder"
    if number in _SPELLED_BARE:
        return "withheld"
    if otherwise in {"too_long", "unparsable"} and len(digits) >= 7:
        found = sum(1 for _ in phonenumbers.PhoneNumberMatcher(one_line(number), region or None))
        if found > 1:
            return "several_numbers"
        # "5(225) 555-0134" holds a number too, but its digits are shifted: only words are clearly something else
        if found and any(character.isalpha() or character in "\r\n" for character in number):
            return "extra_text"
    return otherwise


def _is_filler(digits: str) -> bool:
    if not digits.strip("0"):
        return True
    repeated = len(digits) >= 5 and len(set(digits)) == 1
    counted = len(digits) >= 7 and any(digits in run for run in _COUNTED)
    return repeated or counted or (len(digits) == 10 and digits.startswith("555"))  # 555 is no area code
