"""Which map a header asks for: one whose necessary columns are there, or nearly all where the rest leaves no doubt."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import replace

from crm.services.feeds.maps import FeedMap, PartyMap, Place, library
from crm.services.files.names import fold

MANY = 8  # columns of a map, which no other kind of file has by chance
NAMES = ("name", "first_name", "last_name")


def by_header(columns: Sequence[str]) -> FeedMap | None:
    """Of the maps that fit, or nearly do, the one that knows most of the columns.

    Another year of a feed may lack a column by which others know it. What is missing then is told by a remark.
    """
    names = set(map(fold, columns))
    fitting = [feed for feed in library().values() if feed.match.columns and _fits(feed, names)]
    best = max(fitting, key=lambda feed: (len(names & feed.known), len(feed.match.columns)), default=None)
    missing = _missing(best, names) if best else []
    if best is None or not missing:
        return best
    told = ", ".join(" or ".join(alternatives) for alternatives in missing)
    remark = f"It was read as {best.title}, though it lacks what other such files have: {told}."
    return replace(best, remarks=(*best.remarks, remark))


def _fits(feed: FeedMap, names: Set[str]) -> bool:
    if feed.match.exact and not names <= feed.known | set(feed.ignore):
        return False
    missing = _missing(feed, names)
    return not missing or _nearly(feed, names, missing)


def _missing(feed: FeedMap, names: Set[str]) -> list[tuple[str, ...]]:
    return [alternatives for alternatives in feed.match.columns if names.isdisjoint(alternatives)]


def _nearly(feed: FeedMap, names: Set[str], missing: Sequence[tuple[str, ...]]) -> bool:
    """Whether most is there, and all by which projects and people would be known again."""
    if feed.common or feed.match.exact or len(missing) > len(feed.match.columns) // 3:
        return False
    if len(feed.known.intersection(names)) < MANY:
        return False
    known_projects = feed.project is None or _has(feed.project["project_id"], names)
    return known_projects and all(_is_known(party, names) for party in feed.parties)


def _is_known(party: PartyMap, names: Set[str]) -> bool:
    """Whether the file has the id of the party, if others have one, and a name; or nothing of it at all."""
    if not any(_has(places, names) for _, places in party.everything()):
        return True
    named = [place for field in NAMES for place in party.fields.get(field, ())] + [*party.company.get("name", ())]
    ids = party.fields.get("contact_id")
    return _has(named, names) and (ids is None or _has(ids, names))


def _has(places: Iterable[Place], names: Set[str]) -> bool:
    return any(name in names for place in places for part in place.parts for name in part)
