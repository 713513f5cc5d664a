"""Which moments are kept: others are fillers (0001, 9999) and slips of the finger, and no calendar shows them in every
zone."""

from datetime import date
from typing import Final

from config.kernel.errors import DomainError

YEARS: Final = range(1800, 2200)
OUT_OF_RANGE: Final = "The year is not one from 1800 to 2199. Check it, or leave the field empty."


class YearOutOfRange(DomainError):
    """A day or a moment is not within the years that are kept; ``details`` name the fields."""

    code = "year_out_of_range"


def is_kept(moment: date) -> bool:
    """Whether a day or a moment is of a year that is kept, as its own zone counts years."""
    return moment.year in YEARS


def require_kept(**moments: date | None) -> None:
    """Let pass what is kept, and what is not said. Every service that writes a moment it was told asks this.

    :raises YearOutOfRange: ``details`` name those of ``moments`` that are not.
    """
    strange = [name for name, moment in moments.items() if moment is not None and not is_kept(moment)]
    if strange:
        words = ", ".join(name.replace("_", " ") for name in strange)
        raise YearOutOfRange(f"{words.capitalize()}: {OUT_OF_RANGE}", details=dict.fromkeys(strange, OUT_OF_RANGE))
