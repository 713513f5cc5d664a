"""Names of columns: which are the same to a reader, and how those that are get told apart."""

import re
from collections.abc import Sequence
from functools import lru_cache


@lru_cache(maxsize=10_000)
def fold(name: str) -> str:
    """A column's name without what differs from year to year: case, blanks, punctuation, the shape of apostrophes."""
    return re.sub(r"[\W_]+", "", name.casefold())


def same(name: str) -> str:
    """What two names have in common that mean one column; a name of signs alone is like no other."""
    return fold(name) or name


def told_apart(names: Sequence[str]) -> list[str]:
    """Return each name once: of "phone", "Phone" and "phone" the second is "Phone (2)", the third "phone (3)"."""
    if len(set(map(same, names))) == len(names):
        return list(names)
    given = {same(name) for name in names}
    taken: set[str] = set()
    apart = []
    for plain in names:
        name, copy = plain, 1
        while same(name) in taken or (copy > 1 and same(name) in given):
            copy += 1
            name = f"{plain} ({copy})"
        taken.add(same(name))
        apart.append(name)
    return apart


def remarks_on(columns: Sequence[str]) -> list[str]:
    """Say which columns bear a name that another has, as a sentence."""
    twice = [name for name in columns if re.search(r" \(\d+\)$", name)]
    return [f"Columns that bear a name another column has: {', '.join(twice[:10])}."] if twice else []
