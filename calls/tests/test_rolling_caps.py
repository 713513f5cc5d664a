"""Caps look back from every moment, across midnight and where the clock changes (trust D10, DESIGN 14)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.rules import caps
from calls.rules.policies import DAY, WEEK, Policy

(CAP,) = (rule for rule in caps.RULES if rule.code == "day_cap")
# The Americas fall back on the first Sunday of November 2026, and spring forward on 14 March 2027.
CHANGES = [datetime(2026, 11, 1, 6, tzinfo=UTC), datetime(2027, 3, 14, 8, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)]
LIMIT = 3
NOW = CHANGES[0]


def blocked(touches, at):
    told = [one for one in sorted(touches, reverse=True) if one > at - WEEK]
    return CAP.blocks({"policy.day_cap": LIMIT, "touches.contact": told}, at)


@pytest.mark.parametrize("wrong", [{"policy.day_cap": None}, {"touches.contact": NOW}, {"policy.day_cap": "3"}])
def test_facts_of_another_kind_break_the_rule_and_so_close_the_gate(wrong):
    with pytest.raises(TypeError):
        CAP.blocks({"policy.day_cap": LIMIT, "touches.contact": [NOW], **wrong}, NOW)


@pytest.mark.parametrize("wrong", [{"policy.day_cap": None}, {"policy.week_cap": "9"}, {"policy.cooldown": "1"}])
def test_a_policy_that_is_none_is_no_policy(wrong):
    policy = Policy(DAY, "pair", 3, 9)
    assert Policy.from_facts(policy.facts()) == policy
    with pytest.raises(KeyError):
        Policy.from_facts(policy.facts() | wrong)


@pytest.mark.parametrize("change", CHANGES)
def test_three_before_midnight_keep_the_next_day_closed(change):
    evening = change.replace(hour=23)
    touches = [evening + timedelta(minutes=20 * number) for number in range(LIMIT)]
    for hours in range(1, 24):  # a calendar's day would be over in between
        assert blocked(touches, touches[-1] + timedelta(hours=hours))
    assert not blocked(touches, touches[0] + DAY)


EDGE = 25 * 60  # minutes; an hour less is what a day would be without its slack
AGES = st.one_of(st.integers(0, 3 * 1440), st.integers(EDGE - 70, EDGE + 10))


@given(change=st.sampled_from(CHANGES), after=st.integers(0, 2 * 1440), ages=st.lists(AGES, min_size=2, max_size=6))
def test_it_is_open_exactly_while_fewer_than_the_cap_lie_within_the_last_day(change, after, ages):
    at = change + timedelta(minutes=after)
    touches = [at - timedelta(minutes=age) for age in ages]
    within = [age for age in ages if age < EDGE]

    block = blocked(touches, at)

    assert bool(block) is (len(within) >= LIMIT)
    if block:
        assert not blocked(touches, block.until)
        assert blocked(touches, block.until - timedelta(seconds=1))
