"""What holds for every parser alike."""

import copy
import pickle
import time
from dataclasses import FrozenInstanceError, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.services.normalization import amounts, companies, dates, emails, names, phones, titles
from crm.services.normalization.refusals import Unusable
from crm.services.normalization.text import one_line, says_nothing
from crm.tests.real_inputs import json_of

PARSERS = {
    "phone": phones.parse_phone,
    "phone in a text": phones.find_phone,
    "withheld": phones.is_withheld,
    "email": emails.parse_email,
    "email in a text": emails.find_email,
    "key of a name": names.match_key,
    "person": names.parse_person,
    "person or company": names.is_company,
    "person and company": names.split_person_and_company,
    "title": titles.parse_title,
    "company": companies.parse_company,
    "domain": companies.domain_of,
    "date": dates.parse_date,
    "amount": amounts.parse_amount,
    "one line": one_line,
}
REFUSALS = [phones.UnusablePhone, emails.UnusableEmail, dates.UnusableDate, amounts.UnusableAmount]

HUNDRED_KILOBYTES = 100_000
PIECES = (
    *(
        "a",
        "A",
        "0",
        "1",
        " ",
        "\t",
        "\n",
        ".",
        ",",
        "-",
        "'",
        '"',
        "@",
        "<",
        ">",
        "(",
        ")",
        "&",
        "#",
        "\0",
        "\u0130",
        "\u200b",
    ),
    *(
        "a@",
        "@a.",
        "a@b.c ",
        "a.@b.",
        "1.1",
        "1,1",
        "1 1",
        "1-1",
        "(1)",
        "5125550134 ",
        "+1",
        "x1",
        "ext ",
        "a b ",
        "A. ",
        "a-",
    ),
    *(
        "Mr. ",
        "de la ",
        " & ",
        " and ",
        "Jr., ",
        "née ",
        "Inc. ",
        "L L C ",
        "the ",
        "http://",
        "a:b@",
        "//",
        "sip:",
        "<sip:",
        "o'",
    ),
    *(
        "1/1/",
        "Jan-",
        "T1:1",
        "$1",
        "1k",
        "e+1",
        "\ud800",
        "\u0301",
        "ﷺ",
        "株",
        "\U0001d49c",
        "vice president ",
        "co-founder ",
    ),
)


def outcome(parser, raw):
    try:
        return parser(raw)
    except Unusable as refusal:
        return str(refusal)


@given(st.sampled_from(sorted(PARSERS)), st.text(max_size=300))
def test_a_parser_raises_nothing_but_its_own_refusal(name, raw):
    outcome(PARSERS[name], raw)


@given(st.sampled_from(sorted(PARSERS)), st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_a_parser_raises_nothing_but_its_own_refusal_on_what_is_meant_to_break_it(name, raw):
    outcome(PARSERS[name], raw)


@pytest.mark.parametrize("name", PARSERS)
def test_naughty_strings_never_crash_a_parser(name):
    for text in json_of("fuzz/blns_half.json"):
        outcome(PARSERS[name], text)


@pytest.mark.parametrize("name", PARSERS)
def test_a_hundred_kilobytes_of_malice_take_no_longer_than_reading_them(name):
    """Quadratic work on them would take minutes; the bound leaves room for a busy machine."""
    for piece in PIECES:
        for around in ("{}", "a{}", "{}!", "1{}@", "Carl {} Sample"):
            text = around.format((piece * (HUNDRED_KILOBYTES // len(piece)))[:HUNDRED_KILOBYTES])
            before = time.process_time()
            outcome(PARSERS[name], text)
            assert time.process_time() - before < 2, (piece, around)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_survives_the_way_between_processes(refusal):
    for reason in refusal.advice:
        error = pickle.loads(pickle.dumps(refusal(reason, "raw")))
        assert (error.reason, error.raw, str(error)) == (reason, "raw", refusal.advice[reason])


@pytest.mark.parametrize("refusal", REFUSALS)
def test_every_refusal_ends_by_saying_what_to_do(refusal):
    assert issubclass(refusal, ValueError)
    for reason, advice in refusal.advice.items():
        assert reason.isidentifier()
        assert reason.islower()
        assert advice.endswith(".")
        assert advice.count(". ") >= 1, reason


@given(st.text())
def test_one_line_is_one_line_and_its_own(raw):
    line = one_line(raw)

    assert one_line(line) == line
    assert "\n" not in line
    assert line == line.strip()
    line.encode()  # no lone surrogates


def test_values_are_immutable_and_copies_are_equal():
    for value in (
        phones.parse_phone("5125550134"),
        names.parse_person("Carl Sample"),
        titles.parse_title("CEO"),
        companies.parse_company("Ace LLC"),
    ):
        assert copy.deepcopy(value) == value
        assert hash(value) == hash(copy.deepcopy(value))
        with pytest.raises(FrozenInstanceError):
            setattr(value, fields(value)[0].name, "changed")


def test_fillers_say_nothing():
    assert says_nothing("")
    assert says_nothing("N/A")
    assert not says_nothing("Nana")
