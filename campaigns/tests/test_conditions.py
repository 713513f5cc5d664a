from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.conditions import FACTS, OPERATORS, faults, holds

FACTS_OF_ADA = {
    "contact.title": " Owner ",
    "contact.lead_score": 70,
    "contact.consent_given": True,
    "contact.attributes.Tier": "gold",
    "enrollment.status": "",
}


def asks(fact: str, operator: str, *value: Any) -> dict[str, Any]:
    return {"fact": fact, "is": operator, **({"value": value[0]} if value else {})}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (asks("contact.title", "equal", "owner"), True),
        (asks("contact.title", "other", "owner"), False),
        (asks("contact.title", "contains", "WN"), True),
        (asks("contact.title", "among", ["CEO", "Owner"]), True),
        (asks("contact.lead_score", "least", 70), True),
        (asks("contact.lead_score", "most", 69.5), False),
        (asks("contact.consent_given", "equal", True), True),
        (asks("contact.consent_given", "least", 1), False),
        (asks("contact.title", "least", 1), False),
        (asks("contact.attributes.Tier", "equal", "GOLD"), True),
        (asks("enrollment.status", "empty"), True),
        (asks("enrollment.status", "other", "x"), False),  # what is not known is not anything else either
        (asks("last.outcome", "filled"), False),
        (asks("last.outcome", "equal", ""), False),
        ({"all": [asks("contact.title", "filled"), asks("contact.lead_score", "least", 90)]}, False),
        ({"any": [asks("contact.title", "filled"), asks("contact.lead_score", "least", 90)]}, True),
    ],
)
def test_what_a_branch_asks(condition: dict[str, Any], expected: bool) -> None:
    assert faults(condition) == []
    assert holds(condition, FACTS_OF_ADA) is expected


@pytest.mark.parametrize(
    "condition",
    [
        {}, None, [], "x", {"all": []}, {"any": "x"}, {"all": [{}]}, {"all": [asks("contact.title", "filled")], "x": 1},
        asks("contact.shoe", "filled"), asks("contact.attributes.", "filled"), asks("contact.title", "like", "x"),
        asks("contact.title", "equal"), asks("contact.title", "equal", None), asks("contact.title", "among", "x"),
        asks("contact.title", "among", []), asks("contact.lead_score", "least", "70"),
        asks("contact.title", "empty", 1), asks("contact.lead_score", "least", True),
        {**asks("contact.title", "filled"), "not": 1},
        {"all": [{"all": [{"all": [{"all": [{"all": [asks("contact.title", "filled")]}]}]}]}]},
        {"any": [asks("contact.title", "filled")] * 51},
    ],
)  # fmt: skip
def test_a_condition_that_makes_no_sense_is_refused_with_words(condition: Any) -> None:
    assert all(faults(condition))
    assert faults(condition)


PLAIN = st.text(max_size=3) | st.integers() | st.booleans() | st.floats(allow_nan=False)
ANYTHING = st.recursive(
    st.builds(
        asks, st.sampled_from([*FACTS, "contact.attributes.x"]), st.sampled_from(OPERATORS), PLAIN | st.lists(PLAIN)
    ),
    lambda inner: st.builds(lambda name, parts: {name: parts}, st.sampled_from(["all", "any"]), st.lists(inner)),
    max_leaves=6,
)


@given(ANYTHING, st.dictionaries(st.sampled_from(sorted(FACTS)), PLAIN | st.none()))
def test_whatever_has_no_fault_can_be_answered(condition: dict[str, Any], facts: dict[str, Any]) -> None:
    if not faults(condition):
        assert holds(condition, facts) in (True, False)
