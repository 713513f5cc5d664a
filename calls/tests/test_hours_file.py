from collections import defaultdict
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.rules.hours import STRICT, HoursTable, UnreadableHours
from calls.rules.law import CHANNELS
from calls.rules.windows import parse_window, window_text
from calls.services.hours import load_rows
from calls.tests.wall_clocks import ROWS, row


def test_the_shipped_rows_are_all_read_and_say_where_they_come_from():
    assert len(ROWS) == len({each.rule_id for each in ROWS}) == 28
    assert all(each.source and each.confidence and each.verified_on == date(2026, 11, 20) for each in ROWS)
    assert all(each.expires_on == date(2027, 5, 19) for each in ROWS)
    assert {each.rule_id for each in ROWS if each.confidence == "UNVERIFIED"} == {"PA-SB992", "WY-HOURS", "ME-AUTO"}
    by_channel = defaultdict(set)
    for each in ROWS:
        for channel in each.channels:
            by_channel[channel].add(each.jurisdiction)
    assert set(by_channel) == CHANNELS
    assert all(STRICT in places for places in by_channel.values())


GOOD = """
[[hours]]
rule_id = "TX-HOURS"
jurisdiction = "US-TX"
channels = ["call"]
windows = ["08:00-20:00", "08:00-20:00", "08:00-20:00", "08:00-20:00", "08:00-20:00", "", ""]
source = "made up"
verified_on = 2026-11-20
"""


def test_a_table_of_the_file_is_one_row():
    (found,) = load_rows(GOOD)

    assert found == row("US-TX", saturday="", sunday="", rule_id="TX-HOURS", expires_on=date(2027, 5, 19))
    assert HoursTable([found]).version == HoursTable(load_rows(GOOD)).version


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("[[hours]]", "[[hours]", "no TOML"),
        ("[[hours]]", "[hours]", "tables headed"),
        ("[[hours]]", "x = 1\n[[hours]]", "tables headed"),
        ('rule_id = "TX-HOURS"\n', "", "rule_id: Give it."),
        ("source", "sauce", "sauce: There is no such field."),
        ('source = "made up"', 'source = ""', "source: Say where"),
        ('source = "made up"', "source = 1", "source: Write a text."),
        ('["call"]', '["voice"]', "channels: Name one or more of auto_call"),
        ('["call"]', "[]", "channels: Name one or more of auto_call"),
        ('["call"]', '"call"', "channels: Write a list of texts."),
        ('"08:00-20:00", ', '"20:00-08:00", ', "ends before it begins"),
        ('"08:00-20:00", ', '"8-20", ', "is no window"),
        ('"08:00-20:00", ', '"08:00-24:30", ', "ends before it begins, or after 24:00"),
        ('"", ""]', '""]', "windows: Give seven"),
        ("verified_on = 2026-11-20", 'verified_on = "yesterday"', "verified_on: Write a date"),
        ("verified_on = 2026-11-20", "verified_on = 2026-11-20T10:00:00", "verified_on: Write a date"),
        ("verified_on = 2026-11-20", "verified_on = 2026-11-20\nexpires_on = 2026-11-20", "later than verified_on"),
        ("verified_on", 'holidays = "ban US-XX"\nverified_on', "holidays: Write"),
        ("verified_on", 'holidays = "never US-LA"\nverified_on', "holidays: Write"),
        ("verified_on", 'holidays = "ban"\nverified_on', "holidays: Write"),
        ('jurisdiction = "US-TX"', 'jurisdiction = ""', "jurisdiction: Name a country or a state"),
        ("verified_on", 'severity = "block it"\nverified_on', "severity: Choose"),
        ("verified_on", 'closed_on = ["2026-12-24"]\nverified_on', "closed_on: Write a list of dates."),
    ],
)
def test_a_file_with_a_mistake_is_refused_whole_and_told_what_to_mend(before, after, said):
    text = GOOD.replace(before, after, 1)
    assert text != GOOD

    with pytest.raises(UnreadableHours) as refusal:
        load_rows(text)

    assert said in str(refusal.value)
    assert refusal.value.code == "unreadable_hours"


def test_every_mistake_of_a_file_is_told_at_once():
    with pytest.raises(UnreadableHours, match=r"Table 2: TX-HOURS.*Table 3.*TX-HOURS is there twice"):
        load_rows(GOOD + GOOD.replace("call", "fax") + GOOD.replace("20:00", "2000") + GOOD)


@given(opens=st.integers(0, 1439), length=st.integers(1, 1440))
def test_a_window_reads_back_as_it_is_written(opens, length):
    window = (opens, min(opens + length, 1440))

    assert parse_window(window_text(window)) == window
    assert parse_window(window_text(None)) is None
