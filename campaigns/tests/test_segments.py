from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.segments import GSM, UCS2, Length, measure


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Length(GSM, 0, 0)),
        ("a" * 160, Length(GSM, 160, 1)),
        ("a" * 161, Length(GSM, 161, 2)),
        ("a" * 306, Length(GSM, 306, 2)),
        ("a" * 307, Length(GSM, 307, 3)),
        ("é" * 160, Length(GSM, 160, 1)),
        ("€" * 80, Length(GSM, 160, 1)),
        ("€" * 81, Length(GSM, 162, 2)),
        # 152 units, then two that belong together: they do not fit into the last one of a part
        ("a" * 152 + "€" + "a" * 152, Length(GSM, 306, 3)),
        ("й" * 70, Length(UCS2, 70, 1, ("й",))),
        ("й" * 71, Length(UCS2, 71, 2, ("й",))),
        ("😀" * 35, Length(UCS2, 70, 1, ("😀",))),
        # 67 is odd: an emoji is never cut in two
        ("😀" * 67, Length(UCS2, 134, 3, ("😀",))),
        ("it\u2019s", Length(UCS2, 4, 1, ("\u2019",))),
    ],
)
def test_how_many_segments_a_text_takes(text: str, expected: Length) -> None:
    assert measure(text) == expected


CHARACTERS = st.characters(exclude_categories=("Cs",)) | st.sampled_from("a€[^😀é\u2019")


@given(st.text(CHARACTERS, max_size=400))
def test_the_parts_hold_every_character_whole(text: str) -> None:
    """Cut the text up as a carrier does, and count."""
    found = measure(text)
    single, part = (160, 153) if found.encoding == GSM else (70, 67)
    sizes = deque(_octets(character, found.encoding) for character in text)
    assert found.units == sum(sizes)
    if sum(sizes) <= single:
        assert found.segments == bool(text)
        return
    parts = 0
    while sizes:
        parts, room = parts + 1, part
        while sizes and sizes[0] <= room:
            room -= sizes.popleft()
    assert found.segments == parts


def _octets(character: str, encoding: str) -> int:
    if encoding == UCS2:
        return len(character.encode("utf-16-be")) // 2
    return 2 if character in "\f^{}\\[~]|€" else 1
