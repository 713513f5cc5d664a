"""What a column looks like is what four fifths of its cells look like, wherever the others stand."""

import pytest

from crm.services.feeds.likeness import likeness

MAILS = [f"pat{number}@example.com" for number in range(8)]


@pytest.mark.parametrize(
    ("cells", "like"),
    [
        ([*MAILS, "n/a", "none"], "email"),
        (["n/a", "none", *MAILS], "email"),
        ([*MAILS[:7], "n/a", "none", "gone"], ""),
        (["n/a", "none", "gone", *MAILS[:7]], ""),
        (["(512) 555-0134", "512-555-0135", "", " "], "phone"),
        (["5125550134", "5125550135"], "digits"),
        (["Ada Marsh", "Ben Ode", "Cy Pell", "Di Rowe", "42"], "name"),
        (["Ada Marsh"] * 5, ""),
        (["", " "], ""),
    ],
)
def test_four_fifths_decide(cells, like):
    assert likeness(cells) == like
