from datetime import date, timedelta

import pytest

from calls.rules.holidays import ANYWHERE, CALENDARS, OF_STATES, easter, holiday_on, holidays

ALL_BUT_PENNSYLVANIA = {"US-AL", "US-LA", "US-MS", "US-RI", "US-UT"}
ALL = ALL_BUT_PENNSYLVANIA | {"US-PA"}


@pytest.mark.parametrize(
    ("year", "sunday"),
    [
        (1961, date(1961, 4, 2)),
        (1981, date(1981, 4, 19)),  # one of the rare exceptions of the computus, as is 2049
        (2000, date(2000, 4, 23)),
        (2008, date(2008, 3, 23)),
        (2011, date(2011, 4, 24)),
        (2024, date(2024, 3, 31)),
        (2025, date(2025, 4, 20)),
        (2026, date(2026, 4, 5)),
        (2027, date(2027, 3, 28)),
        (2038, date(2038, 4, 25)),
        (2049, date(2049, 4, 18)),
    ],
)
def test_easter_falls_where_almanacs_have_it(year, sunday):
    assert easter(year) == sunday


@pytest.mark.parametrize(
    ("day", "states"),
    [
        # dates on which a service for call centers told its customers not to call these states
        (date(2015, 7, 3), {"US-AL", "US-LA", "US-UT"}),
        (date(2015, 7, 4), ALL_BUT_PENNSYLVANIA),
        (date(2015, 7, 6), {"US-RI"}),
        (date(2016, 7, 25), {"US-UT"}),
        (date(2018, 2, 13), {"US-LA", "US-AL"}),
        (date(2018, 2, 19), {"US-AL", "US-MS", "US-RI", "US-UT"}),
        (date(2018, 5, 4), {"US-RI"}),
        (date(2018, 6, 4), {"US-AL"}),
        (date(2018, 7, 24), {"US-UT"}),
        (date(2019, 1, 1), ALL_BUT_PENNSYLVANIA),
        (date(2019, 1, 8), {"US-LA"}),
        (date(2019, 1, 21), ALL_BUT_PENNSYLVANIA),
        (date(2020, 12, 1), {"US-AL"}),
        (date(2020, 12, 25), ALL),
        (date(2022, 2, 21), ALL - {"US-LA"}),
        (date(2023, 12, 25), ALL),
    ],
)
def test_dates_that_were_published_as_closed_are_closed(day, states):
    assert {state for state in states if not holiday_on(state, day)} == set()


def test_what_pennsylvania_lists_is_closed_in_2027():
    listed = [
        *((1, 1), (1, 18), (2, 15), (3, 26), (5, 31), (6, 14), (7, 4), (7, 5), (9, 6), (10, 11), (11, 2), (11, 11)),
        *((11, 25), (12, 25)),
    ]

    assert {date(2027, *day) for day in listed} <= set(holidays("US-PA", 2027))


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2021, 12, 31), "New Year's Day (observed)"),  # the first of January 2022 was a Saturday
        (date(2022, 1, 1), "New Year's Day"),
        (date(2023, 1, 2), "New Year's Day (observed)"),  # a Sunday
        (date(2026, 7, 3), "Independence Day (observed)"),
        (date(2026, 7, 4), "Independence Day"),
        (date(2026, 5, 25), "Memorial Day"),
        (date(2027, 5, 31), "Memorial Day"),
        (date(2026, 11, 26), "Thanksgiving Day"),
        (date(2026, 11, 27), ""),
    ],
)
def test_a_federal_holiday_is_kept_on_its_day_and_when_observed(day, name):
    assert holiday_on("US", day) == name


@pytest.mark.parametrize(
    ("year", "observed"),
    [(2024, date(2024, 6, 17)), (2026, date(2026, 6, 15)), (2027, date(2027, 6, 21)), (2022, date(2022, 6, 20))],
)
def test_utah_moves_juneteenth_to_a_monday(year, observed):
    assert holiday_on("US-UT", observed)
    assert holiday_on("US-UT", date(year, 6, 19))


def test_elections_close_louisiana_and_rhode_island_in_even_years_and_pennsylvania_in_all():
    assert {state for state in ALL if holiday_on(state, date(2026, 11, 3))} == {"US-LA", "US-PA", "US-RI"}
    assert {state for state in ALL if holiday_on(state, date(2027, 11, 2))} == {"US-PA"}


def test_every_year_has_its_holidays():
    for year in range(1990, 2101):
        for calendar in CALENDARS:
            days = holidays(calendar, year)
            assert len(days) >= 11
            assert all(day.year == year for day in days)


def test_a_state_has_the_federal_days_and_the_widest_calendar_has_all():
    for year in range(2026, 2040):
        for state in OF_STATES:
            assert set(holidays("US", year)) < set(holidays(state, year)) < set(holidays(ANYWHERE, year))


def test_an_observed_day_is_a_weekday():
    for year in range(2026, 2060):
        for calendar in CALENDARS:
            for day, name in holidays(calendar, year).items():
                if name.endswith("(observed)"):
                    assert day.weekday() < 5
                    assert any(
                        holiday_on(calendar, day + timedelta(days=each)) for each in (-2, -1, 1, 2, 3, 4, -4, -3)
                    )
