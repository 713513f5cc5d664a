import string

import pytest
from email_validator import validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from crm.services.normalization import emails
from crm.services.normalization.emails import UnusableEmail, find_email, parse_email
from crm.tests.real_inputs import json_of, rows_of

VALID = {"ISEMAIL_VALID_CATEGORY", "ISEMAIL_DNSWARN"}  # syntax is fine; whether the domain exists is asked of nobody
SYMBOLS = str.maketrans("␍␊␀", "\r\n\0")  # the diagnoses write control characters as pictures
ADDRESS_LIKE = st.text(
    alphabet=string.ascii_letters + string.digits + "@@..--_+' <>\"\u00e9\u0130\u00df\n", max_size=40
)


def read(raw):
    try:
        return parse_email(raw)
    except UnusableEmail:
        return None


def reason(raw):
    with pytest.raises(UnusableEmail) as refusal:
        parse_email(raw)
    return refusal.value.reason


@pytest.mark.parametrize(
    "raw",
    [
        "carl.sample@example.com",
        "  Carl.SAMPLE@Example.COM\r\n",
        "mailto:carl.sample@example.com?subject=Hello",
        "Carl Sample <carl.sample@example.com>",
        "<mailto:carl.sample@example.com>",
        "carl.sample@example.com.",
        "carl.sample@example.com;",
        "'carl.sample@example.com",
        "carl.sample@example.com\u200b",
    ],
)
def test_every_notation_of_an_address_has_one_form(raw):
    assert parse_email(raw) == "carl.sample@example.com"


def test_an_international_domain_has_one_form_however_it_is_written():
    forms = {
        parse_email(raw) for raw in ("joe@BÜCHER.example", "joe@xn--bcher-kva.example", "Joe@bu\u0308cher.example")
    }

    assert forms == {"joe@bücher.example"}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("", "empty"),
        ("n/a", "empty"),
        ("carl.sample", "no_at_sign"),
        ("a@example.com; b@example.com", "several_addresses"),
        ("a@example.com,b@example.com", "several_addresses"),
        ("a@example.com\nBcc: b@example.com", "line_break"),
        ("a\r@example.com", "line_break"),
        ("a\0b@example.com", "control_character"),
        ("x@example.com Prequalification Expiry: Jun-30-2017", "extra_text"),
        ("x@example.com (work)", "extra_text"),
        (f"{'a' * 70}@example.com", "bad_local_part"),
        (f"a@{'b.' * 130}example", "too_long"),
        (f"{'a' * 400}@example.com", "too_long"),
        ('"carl sample"@example.com', "quoted_local_part"),
        ("carl..sample@example.com", "bad_local_part"),
        ("carl@@example.com", "bad_local_part"),
        ("carl@example", "bad_domain"),
        ("carl@host.local", "bad_domain"),
        ("carl@192.0.2.4", "bad_domain"),
    ],
)
def test_an_unusable_address_says_why(raw, expected):
    assert reason(raw) == expected


@given(st.sampled_from(sorted(UnusableEmail.advice)))
def test_every_reason_has_advice_that_does_not_repeat_the_address(code):
    error = UnusableEmail(code, "carl.sample@example.org")

    assert len(str(error)) > 30
    assert "carl" not in str(error)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(205)555-0110 Email: X@Example.com Prequalification Expiry: Dec-31-2021", "x@example.com"),
        ("write to 'carl@example.com'.", "carl@example.com"),
        ("@carl, carl@ and @example.com; then joe@example.org", "joe@example.org"),
        ("see https://example.com/@carl", None),
        ("", None),
    ],
)
def test_an_address_in_a_cell_of_several_facts_can_be_looked_for(text, expected):
    assert find_email(text) == expected


@given(ADDRESS_LIKE | st.text(max_size=40))
@example("a@\u0130.com")
@example("T\u0308ed@example.com")
@example("\u0130@example.com")
@example("a@ex--ample.com")
@example("a@b-.com")
def test_what_was_read_reads_back_as_itself_and_can_be_found(raw):
    address = read(raw)

    if address is not None:
        assert parse_email(address) == address == address.lower()
        assert not set(address) & set("\r\n\0 ")
        if address.isascii() and address[0].isalnum():
            assert find_email(f"Mail: {address}, please") in {address, None}


LOCALS = st.text(alphabet="abz09_+-.", min_size=1, max_size=66)
DOMAINS = st.lists(st.text(alphabet="abx0n-", min_size=1, max_size=65), min_size=1, max_size=5).map(".".join)
ENDINGS = st.sampled_from(
    ["com", "org", "test", "local", "c0m", "c", "example", "onion", "arpa", "museum", "-a", "a" * 64]
)


@given(LOCALS, DOMAINS, ENDINGS)
@example("a", "xn--a", "com")
@example("a", "ab--c", "com")
@example("a" * 64, "b" * 63, "com")
@example("a", ".".join(["b" * 63] * 3 + ["c" * 56]), "com")
@example("a", ".".join(["b" * 63] * 3 + ["c" * 57]), "com")
def test_what_is_accepted_the_short_way_the_library_accepts_unchanged(local, domain, ending):
    address = f"{local}@{domain}.{ending}"
    if emails._plain(address):
        assert validate_email(address, check_deliverability=False, strict=True).normalized == address


def test_the_short_way_is_taken_by_nearly_all_real_addresses():
    rows = json_of("permits/maryland_mbe_directory.json")
    given_ = [row["contact_email_address"] for row in rows if row.get("contact_email_address")]

    assert all(read(address) == address.strip().lower() for address in given_)
    assert sum(bool(emails._plain(address.strip())) for address in given_) > 0.98 * len(given_)


def test_diagnosed_addresses_are_accepted_and_refused_sensibly():
    """Comments, quoted parts and addresses of machines are syntax that no contact list means: refused too."""
    rows = [(row["address"].translate(SYMBOLS), row["category"]) for row in rows_of("fuzz/email_isemail_diagnoses.csv")]
    wrong = {raw for raw, category in rows if category == "ISEMAIL_ERR" and read(raw)}
    missed = {raw for raw, category in rows if category in VALID and not read(raw)}

    # stripping is part of the normal form, and so is dropping the dot behind an address at the end of a sentence
    assert all(raw.strip() != raw or raw.endswith(".") for raw in wrong)
    assert missed == set()


def test_labeled_mailboxes_are_accepted_and_refused_sensibly():
    rows = rows_of("fuzz/email_mailbox_flanker.csv")
    wrong = [row["mailbox"] for row in rows if row["label"] == "invalid" and read(row["mailbox"])]
    missed = [row["mailbox"] for row in rows if row["label"] == "valid" and not read(row["mailbox"])]

    assert all(mailbox.endswith(".") for mailbox in wrong)
    assert all('"' in raw or "(" in raw or raw[-1].isdigit() or "." not in raw.rpartition("@")[2] for raw in missed)


def test_addresses_at_misspelled_domains_are_addresses():
    for row in rows_of("fuzz/email_domain_typos.csv"):
        if row["label"] == "typo":
            assert read(f"x@{row['domain']}") == f"x@{row['domain']}"


def test_georgia_s_directory_has_eight_clean_addresses_and_two_that_bled():
    rows = json_of("permits/georgia_dot_contractor_directory.json")
    clean = [read(row["Email"]) for row in rows if row["Email"]]
    bled = [find_email(row["Phone Number"]) for row in rows if not row["Email"]]

    assert sum(bool(address) for address in clean) == 8
    assert all(bled)


def test_naughty_strings_never_crash():
    for text in json_of("fuzz/blns_half.json"):
        read(text)
        find_email(text)
