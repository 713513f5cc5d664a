import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.rendering import TAGS, render, unknown_tags

VALUES = {"contact.first_name": "Ada", "contact.name": "Ada Byron", "contact.attributes.Shoe size": "38"}


@pytest.mark.parametrize(
    ("text", "expected", "missing"),
    [
        ("Hi {{contact.first_name|there}}!", "Hi Ada!", ()),
        ("Hi {{ contact.first_name | there }}!", "Hi Ada!", ()),
        ("Hi {{contact.last_name|there}}!", "Hi there!", ()),
        ("Hi {{contact.last_name}}!", "Hi !", ("contact.last_name",)),
        ("Hi {{contact.last_name|}}!", "Hi !", ()),
        ("{{contact.last_name}}{{company.name}}{{contact.last_name}}", "", ("contact.last_name", "company.name")),
        ("{{contact.attributes.Shoe size}}", "38", ()),
        ("{{contact.__class__}}", "", ("contact.__class__",)),
        ("no tag, {one} brace", "no tag, {one} brace", ()),
    ],
)
def test_a_tag_is_its_value_or_the_words_behind_the_bar(text: str, expected: str, missing: tuple[str, ...]) -> None:
    found = render(text, VALUES)
    assert (found.text, found.missing) == (expected, missing)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi {{contact.first_name}}", []),
        ("{{contact.attributes.Anything at all}}", []),
        ("{{contact.attributes.}}", ["contact.attributes."]),
        ("{{contact.shoe}} {{contact.shoe|x}}", ["contact.shoe"]),
        ("{{contact.name.upper}} {{settings.SECRET_KEY}}", ["contact.name.upper", "settings.SECRET_KEY"]),
        ("{{}}", ["{{}}"]),
        ("{{contact.name", ["{{"]),
        ("contact.name}}", ["}}"]),
        ("{{ {{contact.name}} }}", ["{{", "}}"]),
        ("{% include 'x' %}", []),
    ],
)
def test_what_a_text_asks_for_in_vain_is_named(text: str, expected: list[str]) -> None:
    assert unknown_tags(text) == expected


def test_a_value_that_looks_like_a_tag_is_text() -> None:
    values = {"contact.first_name": "{{contact.phone}}", "contact.phone": "+15125550100"}
    assert render("{{contact.first_name}}", values).text == "{{contact.phone}}"


def test_what_is_no_tag_is_said_to_nobody_even_where_somebody_knows_it() -> None:
    """A source may call an attribute "", and whoever renders may know more than texts may ask for."""
    known = {"settings.SECRET_KEY": "secret", "contact.attributes.": "44"}
    found = render("{{settings.SECRET_KEY}}{{contact.attributes.}}", known)
    assert (found.text, found.missing) == ("", ("settings.SECRET_KEY", "contact.attributes."))


def test_a_value_in_html_is_text() -> None:
    assert render("<b>{{contact.name}}</b>", {"contact.name": "<script>&'\""}, html=True).text == (
        "<b>&lt;script&gt;&amp;&#x27;&quot;</b>"
    )
    assert render("{{contact.name|<i>}}", {}, html=True).text == "&lt;i&gt;"


def test_a_value_that_is_a_book_is_cut_and_one_of_control_characters_is_none() -> None:
    assert len(render("{{contact.name}}", {"contact.name": "x" * 5_000_000}).text) == 500
    assert render("{{contact.name|friend}}", {"contact.name": "\0\x1b\ud800\r"}).text == "friend"


@given(st.text(), st.dictionaries(st.sampled_from(sorted(TAGS)), st.text()))
def test_nothing_but_values_is_put_into_a_text(text: str, values: dict[str, str]) -> None:
    found = render(text, values).text
    if "{{" not in text:
        assert found == text
    assert not any(name in found for name in TAGS if name not in text and not any(name in v for v in values.values()))


@given(
    st.lists(st.sampled_from(sorted(TAGS)), min_size=1), st.dictionaries(st.sampled_from(sorted(TAGS)), st.just("v"))
)
def test_missing_are_exactly_the_tags_without_a_value(names: list[str], values: dict[str, str]) -> None:
    text = " ".join("{{" + name + "}}" for name in names)
    assert render(text, values).missing == tuple(name for name in dict.fromkeys(names) if name not in values)
