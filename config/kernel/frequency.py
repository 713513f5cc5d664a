"""Which words of a search are in so many rows that a trigram index had better not be asked for them.

Asked for two words, the index looks up the frequent one again for every row that has the rare one. It is faster to
find the rare word's rows and look whether they have the other. How frequent a word is, PostgreSQL's own statistics
tell: their histogram is a sample of a hundred rows. Where there are none, nothing is known and the index is asked.
"""

from collections.abc import Sequence

from django.db import connection, models

from config.kernel import clock

FREQUENT = 0.25
KEPT = 600  # seconds until the sample is read again

_SAMPLE = """
    SELECT histogram_bounds::text::text[] FROM pg_stats
    WHERE schemaname = ANY(current_schemas(false)) AND tablename = %s AND attname = %s"""
_samples: dict[tuple[str, str, str], tuple[float, list[str]]] = {}


def told_apart(model: type[models.Model], column: str, words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return (words to find rows by, words to look for in the rows found), each in the order given.

    The second has words that are in a quarter of the rows or more, if the first keeps any that is rarer.
    """
    if len(words) < 2:
        return list(words), []
    sample = _sample(model._meta.db_table, column)
    often = [word for word in words if sample and sum(word in row for row in sample) >= FREQUENT * len(sample)]
    rare = [word for word in words if word not in often]
    return (rare, often) if rare else (list(words), [])


def _sample(table: str, column: str) -> list[str]:
    key = (connection.settings_dict["NAME"], table, column)
    until, sample = _samples.get(key, (0.0, []))
    if clock.monotonic() >= until:
        with connection.cursor() as cursor:
            cursor.execute(_SAMPLE, [table, column])
            found = cursor.fetchone()
        sample = (found and found[0]) or []
        _samples[key] = clock.monotonic() + KEPT, sample
    return sample
