from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.services.normalization.dates import UnusableDate, parse_date
from crm.tests.real_inputs import json_of, rows_of

LAST_OF_2014 = date(2014, 12, 31)


@pytest.mark.parametrize(
    "raw",
    [
        "2014-12-31",
        "2014-12-31T23:59:59.999Z",
        "2014-12-31 23:59:59+02:00",
        "2014/12/31",
        "20141231",
        "12/31/2014",
        "12/31/2014 11:37:16 PM",
        "12/31/2014 12:00 a.m.",
        "12-31-14",
        "31/12/2014",
        "31.12.2014",
        "Dec-31-2014",
        "31-Dec-2014",
        "December 31, 2014",
        "31st December 2014",
        "Wed, 31 Dec 2014 10:00:00 GMT",
        " '2014-12-31 ",
        "1419984000",
        "1419984000000",
        "1419984000.0",
    ],
)
def test_every_notation_of_a_day_is_that_day(raw):
    assert parse_date(raw) == LAST_OF_2014


def test_an_ambiguous_day_follows_the_source():
    assert parse_date("01/02/2014") == date(2014, 1, 2)
    assert parse_date("01/02/2014", dayfirst=True) == date(2014, 2, 1)
    assert parse_date("01.02.2014") == date(2014, 2, 1)


def test_day_numbers_of_spreadsheets_are_read_only_if_asked():
    assert parse_date("41640", excel=True) == date(2014, 1, 1)
    assert parse_date("41640.75", excel=True) == date(2014, 1, 1)
    with pytest.raises(UnusableDate, match="day number"):
        parse_date("41640")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "empty"),
        ("N/A", "empty"),
        ("0000-00-00", "empty"),
        ("41640", "excel_serial"),
        ("#####", "excel_mangled"),
        ("1.69475E+12", "excel_mangled"),
        ("02/30/2014", "no_such_day"),
        ("13/13/2014", "no_such_day"),
        ("12/31/9999", "out_of_range"),
        ("0001-01-01", "out_of_range"),
        ("9999999999999", "out_of_range"),
        ("soon", "unknown_format"),
        ("31 Foo 2014", "unknown_format"),
        ("12/31", "unknown_format"),
        ("201412", "unknown_format"),
        ("2014-12-31 and more", "unknown_format"),
        ("9" * 100, "unknown_format"),
    ],
)
def test_an_unusable_date_says_why(raw, reason):
    with pytest.raises(UnusableDate) as refusal:
        parse_date(raw)

    assert refusal.value.reason == reason
    assert len(str(refusal.value)) > 30


@given(st.dates(date(1800, 1, 1), date(2199, 12, 31)))
def test_every_notation_of_every_day_reads_back(day):
    for notation in ("%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y", "%B %d, %Y", "%d-%b-%Y", "%m/%d/%Y %I:%M:%S %p"):
        written = day.strftime(notation) if day.year >= 1000 else day.isoformat()
        assert parse_date(written) == day
    assert parse_date(day.strftime("%d/%m/%Y"), dayfirst=True) == day


@given(st.integers(61, 109_574))
def test_a_spreadsheet_counts_days(serial):
    assert parse_date(str(serial), excel=True) - parse_date("61", excel=True) == timedelta(days=serial - 61)


@given(st.text(alphabet="0123456789/-. :TZAPMjanfebdec,#'", max_size=25) | st.text(max_size=30))
def test_anything_else_is_refused_with_a_reason(raw):
    try:
        day = parse_date(raw)
    except UnusableDate as refusal:
        assert refusal.reason in UnusableDate.advice  # noqa: PT017 - either outcome is fine, and this one has a law
    else:
        assert parse_date(day.isoformat()) == day


def test_the_dates_of_real_permits_are_all_read():
    austin = {row["date_issued"] for row in rows_of("permits/austin_permits_2014_q1.csv.gz")}
    nashville = {row["Date_Entered"] for row in rows_of("permits/nashville_permits_epoch_ms_first4000.csv.gz")}
    francisco = {row["DateTimeEntered"] for row in rows_of("permits/sf_temp_occupancy_permits_companyphone.csv")}
    maryland = {row["certification_date"] for row in json_of("permits/maryland_mbe_directory.json")}

    assert {parse_date(raw).year for raw in austin if raw} <= {2013, 2014}
    assert {parse_date(raw).year for raw in nashville if raw} <= {*range(2020, 2026)}
    assert all(parse_date(raw) for raw in francisco | maryland if raw)
