import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crm.services.normalization.phones import Phone, UnusablePhone, find_phone, is_withheld, parse_phone
from crm.tests.real_inputs import json_of, rows_of


def reason(raw, **options):
    with pytest.raises(UnusablePhone) as refusal:
        parse_phone(raw, **options)
    return refusal.value.reason


def by_the_rule(raw, region="US"):
    """What the rule alone says, without anything of ours."""
    try:
        parsed = phonenumbers.parse(raw.strip(), region or None)
    except phonenumbers.NumberParseException:
        return None
    valid = phonenumbers.is_valid_number(parsed)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) if valid else None


def ours(raw, region="US"):
    try:
        return parse_phone(raw, region=region).e164
    except UnusablePhone:
        return None


@pytest.mark.parametrize(
    "raw",
    [
        "(512) 555-0134",
        "512.555.0134",
        "+1 512 555 0134",
        "1-512-555-0134",
        " 15125550134",
        "5125550134.0",
        "'+1 512-555-0134",
        '="5125550134"',
        "tel:+1-512-555-0134",
        "sip:+15125550134@192.0.2.4:5060;transport=udp",
        '"CARL SAMPLE" <sip:5125550134@pbx.example.com>',
        "sip:%2B15125550134@pbx.example.com",
        "(512)555-0134 x",
    ],
)
def test_every_notation_of_a_number_has_one_form(raw):
    assert parse_phone(raw) == Phone("+15125550134", "", "mobile_or_landline")


def test_an_extension_is_kept_apart():
    assert parse_phone("(512) 555-0134 ext. 203") == Phone("+15125550134", "203", "mobile_or_landline")
    assert parse_phone("+44 20 7946 0134 x456").extension == "456"


def test_a_number_without_country_code_belongs_to_its_region():
    assert parse_phone("020 7946 0134", region="GB") == parse_phone("020 7946 0134", region="gb")
    assert parse_phone("+44 20 7946 0134", region="").e164 == "+442079460134"
    assert reason("020 7946 0134", region="") == "impossible"


def test_vanity_letters_are_digits():
    assert parse_phone("512-JKL-0134") == Phone("+15125550134", "", "mobile_or_landline")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("", "empty"),
        (" ' ", "empty"),
        ("N/A", "empty"),
        ("1.21255E+10", "excel_mangled"),
        ("1,21255e+10", "excel_mangled"),
        ("5.12555013E9", "excel_mangled"),  # the rule sees (512) 555-0139 in it
        ("########", "excel_mangled"),
        ("#NAME?", "excel_mangled"),
        ("0000000000", "placeholder"),
        ("1234567890", "placeholder"),
        ("5555555555", "placeholder"),
        ("(555) 123-4567", "placeholder"),
        ("9999999999", "placeholder"),
        ("111-111-1111", "placeholder"),
        ("8888888888", "placeholder"),  # formally valid: toll free
        ("+1 888 888 8888 ext. 8", "placeholder"),
        ("+1 (000) 000-0000", "placeholder"),
        ("anonymous", "withheld"),
        ("sip:anonymous@anonymous.invalid", "withheld"),
        ("+266696687", "withheld"),
        ("911", "too_short"),
        ("72345", "too_short"),
        ("512555013.0", "too_short"),  # a float of nine digits, in which the rule sees ten
        ("555-0134", "no_area_code"),
        ("() 555-0134", "no_area_code"),
        ("5(225) 555-01345", "too_long"),
        ("5" * 300, "too_long"),
        ("512-555-0134/512-555-0135", "several_numbers"),
        ("5125550134; 5125550135", "several_numbers"),  # of which the library makes an extension
        ("512.555.0134 DEBRIS BOX ONLY", "extra_text"),
        ("(205)555-0110 Email: x@example.com Prequalification Expiry:", "extra_text"),
        ("(512)\n555-0134", "extra_text"),
        ("Mary had a lamb", "unparsable"),
        ("+999 123 4567", "impossible"),
        ("(887) 555-0134", "not_valid"),
    ],
)
def test_an_unusable_number_says_why(raw, expected):
    assert reason(raw) == expected


@given(st.sampled_from(sorted(UnusablePhone.advice)))
def test_every_reason_has_advice_that_does_not_repeat_the_number(code):
    error = UnusablePhone(code, "(512) 555-0177")

    assert len(str(error)) > 30
    assert "0177" not in str(error)


def test_a_number_in_a_cell_of_several_facts_can_be_looked_for():
    bled = "(205)555-0110 Email: x@example.com Prequalification Expiry: Dec-31-2021 Work Classes:"

    assert find_phone(bled).e164 == "+12055550110"
    assert find_phone("(512)\n555-0134").e164 == "+15125550134"
    assert find_phone("no number here, only 12, 888-888-8888 and 2014-12-31") is None
    assert find_phone("555-0134; " * 99 + "512 555 0135").e164 == "+15125550135"
    assert find_phone("555-0134; " * 100 + "512 555 0135") is None, "there was enough to read"


def test_restricted_spelled_without_plus_is_a_number_of_austin():
    assert is_withheld("+7378742833")
    assert not is_withheld("7378742833")
    assert parse_phone("7378742833").e164 == "+17378742833"


@given(st.text(alphabet="0123456789+-() .x/,;abEe'\n", max_size=30))
@example("5125550134 ")
@example("2012-01-02 08")
def test_a_number_is_valid_exactly_by_the_rule(raw):
    """Apart from floats, figures in scientific notation and withheld numbers, which have tests of their own."""
    understood = raw.strip().lstrip("'").strip()
    if "e" in understood.lower() or understood.endswith("0") or is_withheld(understood):
        return

    assert ours(raw) == by_the_rule(raw)


@given(st.integers(min_value=2_000_000_000, max_value=9_999_999_999))
def test_ten_digits_are_valid_exactly_by_the_rule_and_as_a_float_too(number):
    assert ours(str(number)) == by_the_rule(str(number)) == ours(f"{number}.0")


@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)), st.integers(10**5, 10**11))
def test_what_was_read_reads_back_as_itself(region, number):
    read = ours(str(number), region)

    assert read is None or parse_phone(read).e164 == read


def test_a_line_type_is_known_of_every_valid_number_and_of_no_other():
    """The library's validity is read off its line type, at half the price."""
    for row in rows_of("phones/example_numbers_all_regions.csv"):
        assert ours(row["raw"], row["region"]) == by_the_rule(row["raw"], row["region"]), row


def test_google_s_own_assertions_hold_wherever_the_library_agrees_with_them():
    agreeing = [
        row
        for row in rows_of("phones/libphonenumber_parse_asserts.csv")
        if row["expected_e164_google_test"] == row["prod_e164"]
    ]

    for row in agreeing:
        if row["prod_status"] == "valid":
            phone = parse_phone(row["raw"], region=row["region"])
            assert (phone.e164, phone.extension) == (row["prod_e164"], row["expected_extension"]), row
        else:
            assert reason(row["raw"], region=row["region"]), row
    assert len(agreeing) == json_of("phones/EXPECTED.json")["production_library_agrees"]


def test_google_s_matcher_strings_are_read_as_its_library_reads_them():
    for row in rows_of("phones/libphonenumber_matcher_strings.csv"):
        expected = row["prod_e164"] if row["prod_status"] == "valid" else None
        assert ours(row["text"], row["region"]) == expected, row


def test_the_numbers_of_real_permits_are_read_and_floats_besides():
    rows = rows_of("phones/real_us_raw_strings.csv")

    for row in rows:
        if row["status"] == "valid":
            assert ours(row["raw"]) == row["expected_e164"], row
        elif not row["raw"].endswith(".0"):
            assert ours(row["raw"]) is None, row
    assert sum(row["status"] == "valid" for row in rows) == json_of("phones/EXPECTED.json")["real_us_valid"]


def test_the_floats_of_new_york_are_224_numbers():
    rows = rows_of("permits/nyc_dob_leads_float_phones.csv")
    phones = [next(value for name, value in row.items() if "phone" in name) for row in rows]

    assert len({ours(phone) for phone in phones} - {None}) == 224


def test_example_numbers_round_trip():
    rows = rows_of("phones/example_numbers_all_regions.csv")
    tripped = [row for row in rows if row["roundtrips"] == "yes"]

    for row in tripped:
        assert ours(row["raw"], row["region"]) == row["expected_e164"] == ours(row["expected_e164"]), row
    assert len(tripped) == json_of("phones/EXPECTED.json")["roundtrips"]


def test_withheld_callers_match_nobody():
    for row in rows_of("phones/inbound_caller_ids.csv"):
        assert is_withheld(row["from"]) == (row["expected_class"] == "withheld"), row
        read = ours(row["from"])
        assert (read or "")[-10:] == row["match_digits_last10"], row
