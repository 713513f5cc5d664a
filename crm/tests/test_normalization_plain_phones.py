"""Numbers in the usual notations of North America are not given to the library one by one; it must agree about all."""

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.testing import examples
from crm.services.normalization.phones import LINE_TYPES, Phone, UnusablePhone, parse_phone

NOTATIONS = ["({}) {}-{}", "({}){}-{}", "{}-{}-{}", "{}.{}.{}", "{} {} {}", "{}{}{}"]
NOTATIONS += ["1{}{}{}", "1 ({}) {}-{}", "1-{}-{}-{}"]
ABROAD = ["+1{}{}{}", "+1 {} {} {}", "+1 ({}) {}-{}", "+1-{}-{}-{}"]

areas = st.integers(200, 999)
lines = st.integers(0, 9999).map("{:04}".format)
here = {"notation": st.sampled_from(NOTATIONS + ABROAD), "region": st.sampled_from(["US", "CA"])}
abroad = {"notation": st.sampled_from(ABROAD), "region": st.sampled_from(["GB", "DE", ""])}


def by_the_library(raw: str, region: str) -> Phone | None:
    parsed = phonenumbers.parse(raw, region or None)
    if not phonenumbers.is_valid_number(parsed) or len(set(str(parsed.national_number))) == 1:
        return None  # ten times one digit is a filler, whatever the library says
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return Phone(e164, "", LINE_TYPES.get(phonenumbers.number_type(parsed), "other"))


def ours(raw: str, region: str) -> Phone | None:
    try:
        return parse_phone(raw, region=region)
    except UnusablePhone:
        return None


@given(
    area=areas,
    exchange=areas,
    line=lines,
    notation=st.sampled_from(NOTATIONS + ABROAD),
    region=st.sampled_from(["US", "CA"]),
)
@examples(400)
@example(area=246, exchange=528, line="9123", notation="({}) {}-{}", region="US")  # Barbados, mobile up to 528-x
@example(area=246, exchange=521, line="1123", notation="({}) {}-{}", region="US")
@example(area=800, exchange=555, line="0134", notation="{}-{}-{}", region="CA")
@example(area=888, exchange=888, line="8888", notation="({}) {}-{}", region="US")
@example(area=900, exchange=555, line="0134", notation="{}-{}-{}", region="US")
@example(area=555, exchange=555, line="0134", notation="{}-{}-{}", region="US")
def test_a_plain_number_is_what_the_library_says(area, exchange, line, notation, region):
    raw = notation.format(area, exchange, line)

    assert ours(raw, region) == by_the_library(raw, region)


@given(
    area=areas, exchange=areas, line=lines, notation=st.sampled_from(ABROAD), region=st.sampled_from(["GB", "DE", ""])
)
def test_elsewhere_the_country_code_is_needed(area, exchange, line, notation, region):
    raw = notation.format(area, exchange, line)

    assert ours(raw, region) == by_the_library(raw, region)


@pytest.mark.parametrize("region", ["GB", "DE"])
def test_ten_digits_abroad_are_no_american_number(region):
    assert ours("5125550134", region) == by_the_library("5125550134", region)


def test_no_plan_tells_lines_apart_beyond_the_digits_that_are_asked_for():
    """Area code and exchange, in Barbados one digit more: exhaustively for one exchange, at random elsewhere above."""
    for thousand in range(10):
        kinds = {ours(f"+1246528{thousand}{rest:03}", "US") is not None for rest in range(0, 1000, 37)}
        assert len(kinds) == 1
