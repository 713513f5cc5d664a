"""A map of common words, with what the other columns of a file suggest: no name is lost because it is a near miss."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from crm.services.feeds.guessing import digest, guess_map
from crm.services.feeds.maps import FeedMap, PartyMap, Place
from crm.services.files.names import fold

Places = Mapping[str, tuple[Place, ...]]


def supplemented(feed: FeedMap, columns: Sequence[str], sample: Sequence[Sequence[str]]) -> FeedMap:
    """The map and, of the columns that it does not know, what they suggest; a remark says so.

    Where a place of the map says something, that counts.
    """
    unknown = {fold(name) for name in columns} - feed.known - set(feed.ignore)
    guess = guess_map(columns, sample, header=True) if unknown else None
    if guess is None:
        return feed
    theirs = [party for party in guess.parties if _is_of_no_role(party)]
    own, *others = feed.parties
    for party in theirs:
        own = _party(own, party, unknown)
    more = [_party(PartyMap(names=party.names), party, unknown) for party in guess.parties if party not in theirs]
    parties = (own, *others, *(party for party in more if _says_who(party)))
    project = _beside(feed.project or {}, guess.project or {}, unknown)
    if (parties, project) == (feed.parties, feed.project):
        return feed
    version = f"{feed.version}+{digest(repr((parties, project)))}"
    told = _told(columns, unknown, project, parties)
    return replace(feed, version=version, parties=parties, project=project, remarks=(*feed.remarks, told))


def _is_of_no_role(party: PartyMap) -> bool:
    return all(place.text in ("", "contact") for place in party.fields.get("role", ()))


def _says_who(party: PartyMap) -> bool:
    return any(place.parts for _, places in party.everything() for place in places)


def _party(own: PartyMap, theirs: PartyMap, unknown: set[str]) -> PartyMap:
    role = {name: places for name, places in theirs.fields.items() if name == "role" and not own.fields}
    return replace(
        own,
        fields=_beside({**role, **own.fields}, theirs.fields, unknown),
        company=_beside(own.company, theirs.company, unknown),
        phones=(*own.phones, *_unknown(theirs.phones, unknown)),
        emails=(*own.emails, *_unknown(theirs.emails, unknown)),
        profiles=(*own.profiles, *_unknown(theirs.profiles, unknown)),
    )


def _beside(own: Places, theirs: Places, unknown: set[str]) -> Places:
    both = {name: (*own.get(name, ()), *_unknown(places, unknown)) for name, places in theirs.items()}
    return {**own, **{name: places for name, places in both.items() if places}}


def _unknown(places: Iterable[Place], unknown: set[str]) -> tuple[Place, ...]:
    return tuple(place for place in places if place.parts and unknown.issuperset(*place.parts))


def _told(columns: Sequence[str], unknown: set[str], project: Places, parties: Iterable[PartyMap]) -> str:
    said = [(f"the project's {name}", places) for name, places in project.items()]
    said += [(f"the {_role(party)}'s {name}", places) for party in parties for name, places in party.everything()]
    meanings = {name: word for word, places in said for place in _unknown(places, unknown) for name in place.parts[0]}
    read = ", ".join(f"{column} is {meanings[fold(column)]}" for column in columns if fold(column) in meanings)
    return f"Some columns are not ours and were read as they suggest: {read.replace('_', ' ')}."


def _role(party: PartyMap) -> str:
    return next((place.text for place in party.fields.get("role", ()) if place.text), "contact")
