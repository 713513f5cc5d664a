from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.services.normalization.amounts import UnusableAmount, parse_amount
from crm.tests.real_inputs import json_of, rows_of


@pytest.mark.parametrize(
    ("raw", "amount"),
    [
        ("$1,234.50", "1234.50"),
        ("1.234,50 €", "1234.50"),
        ("1'234.50", "1234.50"),
        ("1 234,50", "1234.50"),
        ("USD 1,200", "1200"),
        ("500.00 USD", "500.00"),
        ("1,234", "1234"),
        ("1.234", "1.234"),
        ("1.234.567", "1234567"),
        ("12,5", "12.5"),
        ("(1,200)", "-1200"),
        ("1,200-", "-1200"),
        ("-$5", "-5"),
        ("$ -5", "-5"),
        ("\u22125", "-5"),
        ("1.2M", "1200000"),
        ("$3.5 billion", "3500000000"),
        ("35k", "35000"),
        ("0.0", "0"),
        ("-0", "0"),
        (".5", "0.5"),
        ("5.", "5"),
        ("'70000", "70000"),
    ],
)
def test_every_notation_of_an_amount_is_that_amount(raw, amount):
    assert parse_amount(raw) == Decimal(amount)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "empty"),
        ("-", "empty"),
        ("N/A", "empty"),
        ("1.2E+06", "excel_mangled"),
        ("####", "excel_mangled"),
        ("$1,200 - $1,500", "range"),
        ("10 to 20", "range"),
        ("9999999999999999", "out_of_range"),
        ("APPROVED", "not_a_number"),
        ("approx. 500", "not_a_number"),
        ("1,23,456", "not_a_number"),
        ("1,000.5.3", "not_a_number"),
        ("1,000,00", "not_a_number"),
        ("--5", "not_a_number"),
        ("(-5)", "not_a_number"),
        ("(5", "not_a_number"),
        ("50%", "not_a_number"),
        ("Infinity", "not_a_number"),
        ("$", "not_a_number"),
        ("1" * 100, "not_a_number"),
    ],
)
def test_an_unusable_amount_says_why(raw, reason):
    with pytest.raises(UnusableAmount) as refusal:
        parse_amount(raw)

    assert refusal.value.reason == reason
    assert len(str(refusal.value)) > 30


@given(st.decimals(min_value=-(10**14), max_value=10**14, places=2))
def test_an_amount_reads_back_however_it_is_grouped(amount):
    assert parse_amount(str(amount)) == amount
    assert parse_amount(f"{amount:,}") == amount
    assert parse_amount(f"${abs(amount):,}") == abs(amount)


@given(st.text(alphabet="0123456789.,-+()$€ kMbn'", max_size=20) | st.text(max_size=30))
def test_anything_else_is_refused_with_a_reason(raw):
    try:
        amount = parse_amount(raw)
    except UnusableAmount as refusal:
        assert refusal.reason in UnusableAmount.advice  # noqa: PT017 - either outcome is fine, and this one has a law
    else:
        assert parse_amount(str(amount)) == amount


def test_the_amounts_of_real_permits_are_all_read():
    austin = rows_of("permits/austin_permits_2014_q1.csv.gz")
    jobs = rows_of("permits/nycdb_fixture_dobjobs.csv")

    for raw in {row["total_job_valuation"] for row in austin} | {row["Initial Cost"] for row in jobs}:
        if raw.strip():
            assert parse_amount(raw) >= 0, raw


def test_naughty_strings_never_crash():
    for text in json_of("fuzz/blns_half.json"):
        try:
            parse_amount(text)
        except UnusableAmount as refusal:
            assert str(refusal)  # noqa: PT017 - most are refused, "0" is not
