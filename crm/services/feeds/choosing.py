"""Which map reads a file: by the names in its header, by the shape of its rows, or else by guessing."""

from collections.abc import Sequence
from dataclasses import replace

from config.kernel.errors import DomainError
from crm.services.feeds.fitting import by_header
from crm.services.feeds.guessing import guess_map
from crm.services.feeds.likeness import likeness
from crm.services.feeds.maps import FeedMap, PartyMap, Place, library
from crm.services.feeds.posted_rows import POSTED, holds_records, is_posted
from crm.services.feeds.reading import columns_of
from crm.services.feeds.supplementing import supplemented
from crm.services.files.names import fold
from crm.services.files.rows import ABOUT
from crm.services.files.tables import Table

ALIKE = 0.95  # share of the sample's rows that must have the shape of a file without a header
SHOWN = 60  # columns


class UnknownFeed(DomainError):
    """Nothing in the file says who or what its rows are about."""

    code = "unknown_feed"


class NoSuchMap(DomainError):
    code = "no_such_feed_map"


def choose_feed(table: Table, *, feed_id: str = "") -> FeedMap:
    """Find the map for a table: the one asked for, the one made for such files, or a guess.

    Columns that were swapped (addresses where phones should be) are read as what they hold, and a remark says so.

    :raises NoSuchMap: there is no map of this id.
    :raises UnknownFeed: no map fits, and nothing can be guessed; the message lists the columns and what to do.
    """
    if feed_id:
        return mended(feed_named(feed_id), table)
    kept = [at for at, name in enumerate(table.columns) if name not in ABOUT]  # rows refused before may be mended ones
    columns, sample = [table.columns[at] for at in kept], [[row[at] for at in kept] for row in table.sample]
    if table.header is not None and is_posted(columns, sample):
        return POSTED
    found = by_header(columns) if table.header is not None else _by_shape(sample, len(columns))
    if found and found.common:
        found = supplemented(found, columns, sample)
    found = found or guess_map(columns, sample, header=table.header is not None)
    if found is None and holds_records(columns, sample):
        return POSTED
    if found is None:
        raise UnknownFeed(_what_to_do(table))
    return mended(found, table)


def feed_named(feed_id: str) -> FeedMap:
    """The map of this id. :raises NoSuchMap: there is none."""
    known_maps = {**library(), POSTED.id: POSTED}
    try:
        return known_maps[feed_id]
    except KeyError:
        known = ", ".join(known_maps)
        raise NoSuchMap(f"There is no feed map {feed_id!r}. There are: {known}.") from None


def _by_shape(sample: Sequence[Sequence[str]], width: int) -> FeedMap | None:
    shaped = [feed for feed in library().values() if width in feed.match.width and _has_shape(feed, sample)]
    return max(shaped, key=lambda feed: len(feed.match.shape), default=None)


def _has_shape(feed: FeedMap, sample: Sequence[Sequence[str]]) -> bool:
    shape = feed.match.shape
    alike = sum(all(pattern.fullmatch(row[at].strip()) for at, pattern in shape.items()) for row in sample)
    return bool(sample) and alike >= ALIKE * len(sample)


def mended(feed: FeedMap, table: Table) -> FeedMap:
    """The map with phones and e-mails put where the file holds them, if most of their cells are swapped."""
    columns = columns_of(table, feed)
    at = {fold(name): position for position, name in reversed(list(enumerate(columns)))}
    remarks: list[str] = []
    parties = tuple(_party_mended(party, at, columns, table.sample, remarks) for party in feed.parties)
    if not remarks:
        return feed
    version = f"{feed.version}-swapped"
    return replace(feed, version=version, parties=parties, remarks=(*feed.remarks, *remarks))


def _party_mended(
    party: PartyMap, at: dict[str, int], columns: Sequence[str], sample: Sequence[Sequence[str]], remarks: list[str]
) -> PartyMap:
    def holds(place: Place, wanted: str) -> bool:
        position = next((at[name] for part in place.parts for name in part if name in at), None)
        if position is None or len(place.parts) != 1 or likeness([row[position] for row in sample]) != wanted:
            return False
        remarks.append(f"Column {columns[position]} holds {SWAPPED[wanted]}; it was read as such.")
        return True

    to_emails = [place for place in party.phones if holds(place, "email")]
    to_phones = [place for place in party.emails if holds(place, "phone") or holds(place, "digits")]
    return replace(
        party,
        phones=(*(place for place in party.phones if place not in to_emails), *to_phones),
        emails=(*(place for place in party.emails if place not in to_phones), *to_emails),
    )


SWAPPED = {"email": "e-mail addresses, not phone numbers", "phone": "phone numbers, not e-mail addresses"}
SWAPPED["digits"] = SWAPPED["phone"]


def _what_to_do(table: Table) -> str:
    seen = ", ".join(repr(name) for name in table.columns[:SHOWN])
    more = f" and {len(table.columns) - SHOWN} more" if len(table.columns) > SHOWN else ""
    without = "" if table.header is not None else " The file has no header; give it one."
    return (
        f"Nothing in {table.name} says who or what its rows are about. Columns seen: {seen}{more}.{without} "
        "Rename at least one to what it holds: project_id, contact_id, phone or email; names, companies and addresses "
        "are understood besides. Or write a feed map for such files, or name one with --feed."
    )
