"""Why a walk is over: a code of ours, such as opted_out, or what somebody wrote, in quotation marks, which no code has.

So nobody is told of a walk what never happened on it, whatever words somebody chose.
"""

from typing import Final

LONGEST: Final = 200


def written(words: str) -> str:
    """Return what somebody wrote as a reason that is never taken for a code; "" of nothing."""
    said = words.strip()[: LONGEST - 2]
    return f"“{said}”" if said else ""
