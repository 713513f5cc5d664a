"""What anybody sees of a text."""

import pytest

from crm.services.normalization.text import shows_nothing


@pytest.mark.parametrize("text", ["", " \t", "\u200b", "\u200d\u2060", "\u2800", "\u3164", "\u0301", "\x00\ud800"])
def test_blanks_joiners_and_fillers_show_nothing(text):
    assert shows_nothing(text)


@pytest.mark.parametrize("text", ["a", " . ", "é", "\U0001fae9", "\U0001f600\u200d", "\ue000", "a\u200b"])
def test_letters_signs_and_what_is_newer_than_our_tables_show_something(text):
    assert not shows_nothing(text)
