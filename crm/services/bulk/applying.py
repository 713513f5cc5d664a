"""The second pass over a chunk: what each row changes, in the order of the file, and how it is counted."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import orjson

from crm.choices import ConsentKind, PointKind, ReviewKind
from crm.services.bulk import columns
from crm.services.bulk.book import Book, NameSaid, NewPlace, NewPoint, PlaceOfPoint, Review
from crm.services.bulk.columns import Columns
from crm.services.bulk.namesakes import Namesakes
from crm.services.bulk.places import PlaceKey, key_of, place_said_before
from crm.services.bulk.preparing import PairSaid, PointSaid, ProjectSaid
from crm.services.bulk.resolving import Known, PartyMention, Resolved, ThingMention
from crm.services.bulk.states import KnownPoint, NewPair, Pair, Somebody, Thing
from crm.services.bulk.wording import reword, said_before
from crm.services.matching import PointKey
from crm.services.ownership import decide

UPDATED: Final = 1
CREATED: Final = 2

NAMES: Final = frozenset({"name", "first_name", "last_name"})
OF_THE_PERSON: Final = frozenset({"title", "seniority", "department", "profiles", "time_zone", "lead_score"}) | {
    *("preferred_channel", "conversion_probability", "owner_id"),
}
CONSENT: Final = frozenset({"consent_given", "consent_at"})
PLACE: Final = frozenset({"country", "region", "postal_code", "time_zone"})
PLURAL: Final = {"project": "projects", "company": "companies", "contact": "contacts"}
REACH: Final = frozenset({"do_not_call", "do_not_email", "do_not_text", "call_suppressed", "next_call_eligible_at"})


class Applier:
    """Works through what the first pass found, in order, and writes it into a ``Book``."""

    def __init__(
        self,
        *,
        known: Known,
        pairs: dict[tuple[str, str], Pair],
        points: Mapping[PlaceOfPoint, KnownPoint],
        places: set[PlaceKey],
        owners: Mapping[str, str],
        namesakes: Namesakes,
        new_id: Callable[[], str],
        at: str,
    ) -> None:
        self._known, self._pairs, self._points, self._namesakes = known, pairs, points, namesakes
        self._places, self._owners = places, owners  # ids by e-mail address
        self._new_id, self._at = new_id, at
        self._new_lines: Mapping[PointKey, Any] = {}
        self.book = Book(at)

    def apply(self, found: Resolved) -> Book:
        self._new_lines = found.new_lines
        for swallowed in found.swallowed.values():
            self._review(Review(ReviewKind.DELETED_LINE, contact=swallowed.person.id, value=swallowed.said.name))
        for mention in found.projects:
            self._thing(mention, "project")
        for mention in found.companies:
            self._thing(mention, "company")
        for party in found.parties:
            if party.news:
                self._person(party)
            if party.project is not None:
                self._pair(party, party.project)
        return self.book

    def _thing(self, mention: ThingMention, kind: str) -> None:
        owner = mention.said.owner if isinstance(mention.said, ProjectSaid) else ""
        if mention.first:
            mention.thing.owner_id = self._owners.get(owner)
            (self.book.projects if kind == "project" else self.book.companies).append(mention.thing)
            self._count(mention.row, f"{PLURAL[kind]}.created", CREATED)
            return
        said = mention.said.said
        if said is None or (mention.thing.columns is None and mention.thing.said is mention.said):
            return
        read = columns.of_project if kind == "project" else columns.of_company
        before = None if mention.before is None else read(orjson.loads(mention.before))
        now = read(orjson.loads(said.raw))
        self._own(owner, mention.before, before, now)
        self._write(mention.row, kind, mention.thing, before, now)

    def _own(self, owner: str, said_before: str | None, before: Columns | None, now: Columns) -> None:
        """Add the owner to the columns, as an id; one whom nobody knows says nothing."""
        if owner not in self._owners:
            return
        now["owner_id"] = self._owners[owner]
        if before is not None and said_before and orjson.loads(said_before).get("owner") == owner:
            before["owner_id"] = now["owner_id"]

    def _write(
        self, row: int, kind: str, thing: Thing, before: Columns | None, now: Columns, closed: Iterable[str] = ()
    ) -> Columns:
        """Let a record write what it may into a row that exists, and return what it wrote."""
        decision = decide(row=thing.now(), edited=thing.edited, before=before, now=now, closed=frozenset(closed))
        for column, value in decision.kept.items():
            if column == "owner_id":
                column, value = "owner", next(email for email, id_ in self._owners.items() if id_ == value)
            review = Review(ReviewKind.KEPT_EDIT, field=column, value=str(value))
            self._review(review._replace(**{kind: thing.id}))
        if changes := decision.changes:
            if kind == "company" and "name" in changes:
                changes["name_key"] = columns.company_key(changes["name"])
            thing.now().update(changes)
            self._changed(row, kind, thing)
            if not thing.born and not REACH.isdisjoint(changes):
                self.book.reach_changed[kind].add(thing.id)
        return decision.changes

    def _changed(self, row: int, kind: str, thing: Thing) -> None:
        if not thing.born:
            self.book.changed[kind][thing.id] = thing
        self._count(row, f"{PLURAL[kind]}.updated", UPDATED)

    def _person(self, mention: PartyMention) -> None:
        person, said = mention.person, mention.said
        if mention.first:
            self._birth(mention)
        elif person.columns is not None or person.said is None or person.said.raw != said.raw:
            self._news(mention)
        self._lines(mention)
        self._further_places(mention)

    def _birth(self, mention: PartyMention) -> None:
        person = mention.person
        self.book.contacts.append(person)
        self._count(mention.row, "contacts.created", CREATED)
        person.company_id = mention.company.id if mention.company else None
        person.owner_id = self._owners.get(mention.said.owner)
        if mention.said.consents:
            said_at = person.now()["consent_at"]
            person.now()["consent_at"] = said_at or self._at
            self.book.consents.append((person.id, ConsentKind.GIVEN, said_at))

    def _news(self, mention: PartyMention) -> None:
        """Let a record of somebody known write what it may; a second name never overwrites the first."""
        person, company = mention.person, mention.company.id if mention.company else None
        now = {**columns.party_said(mention.said.raw), **({"company_id": company} if company else {})}
        before = None if mention.before is None else dict(columns.party_said(mention.before))
        if before is not None and columns.company_said(mention.before or "") == columns.company_said(mention.said.raw):
            before["company_id"] = company
        self._own(mention.said.owner, mention.before, before, now)
        renames = self._renames(mention, before)
        second = not renames and mention.said.name_key not in ("", person.name_key())
        self._count_names(mention, before, second=second)
        closed = CONSENT | (OF_THE_PERSON if second else frozenset()) | (frozenset() if renames else NAMES)
        listed_as = now.get("attributes", {}).get(columns.LISTED_AS)
        if listed_as:
            now["attributes"] = {key: text for key, text in now["attributes"].items() if key != columns.LISTED_AS}
        changes = self._write(mention.row, "contact", person, before, now, closed)
        if not NAMES.isdisjoint(changes):
            self._name(person, listed_as)
        if not PLACE.isdisjoint(changes):
            self.book.moved.add(person.id)
        if not second:
            self._consent(mention, before, now)

    def _renames(self, mention: PartyMention, before: Columns | None) -> bool:
        """Whether the record may write the name: nobody has one yet, or it is this very person's own record."""
        if not mention.person.name_key():
            return True
        return before is not None and mention.by in ("contact_id", "name")

    def _name(self, person: Somebody, listed_as: str | None) -> None:
        attributes = {key: text for key, text in person.now()["attributes"].items() if key != columns.LISTED_AS}
        person.now()["attributes"] = {**attributes, **({columns.LISTED_AS: listed_as} if listed_as else {})}
        self._namesakes.renamed[person.id] = person

    def _count_names(self, mention: PartyMention, before: Columns | None, *, second: bool) -> None:
        """Keep how many source records call somebody by another name than their first."""
        person, said = mention.person, mention.said
        was = columns.name_key(before) if before is not None else ""
        if said.name_key and was not in ("", person.name_key(), said.name_key):  # a blank takes nothing back
            self._name_said(person, was, "", -1)
        if not second:
            return
        name = str(orjson.loads(said.raw).get("name_as_listed") or said.name)
        name += next((f" (ext. {point.extension})" for point in said.points if point.extension), "")
        self._review(Review(ReviewKind.SECOND_NAME, contact=person.id, value=name))
        if was != said.name_key:
            self._name_said(person, said.name_key, name, +1)
            self._count(mention.row, "other_names.counted", UPDATED)
        else:  # it may have been their first name when this record said it before
            self._name_said(person, said.name_key, name, 0, least=1)

    def _name_said(self, person: Somebody, key: str, name: str, times: int, *, least: int = 0) -> None:
        known, more, floor = self.book.other_names.get((person.id, key), NameSaid())
        self.book.other_names[person.id, key] = NameSaid(known or name[:200], more + times, max(floor + times, least))

    def _consent(self, mention: PartyMention, before: Columns | None, now: Columns) -> None:
        """Consent is taken from a source only if nobody ever asked them; its withdrawal is always taken."""
        person, says = mention.person, now.get("consent_given")
        if says is None or (before is not None and before.get("consent_given") == says):
            return
        row = person.now()
        if says and not person.asked and not row["consent_given"] and "consent_given" not in person.edited:
            row.update(consent_given=True, consent_at=now.get("consent_at") or self._at)
            self.book.consents.append((person.id, ConsentKind.GIVEN, now.get("consent_at")))
        elif not says and row["consent_given"]:
            row.update(consent_given=False, consent_at=None)
            self.book.consents.append((person.id, ConsentKind.WITHDRAWN, None))
        else:
            return
        person.asked = True
        self._changed(mention.row, "contact", person)

    def _lines(self, mention: PartyMention) -> None:
        """Give the person the points they do not have yet, and list those that are somebody else's."""
        lines, person = mention.lines, mention.person
        for line, owner, two_people in lines.others:
            kind = ReviewKind.SHARED_LINE if two_people else ReviewKind.TWO_OWNERS
            self._review(Review(kind, contact=person.id, other=owner.id, value=line[1]))
        wanted = {*lines.unknown, *lines.own, *lines.shared}
        for point in mention.said.points if wanted else ():
            if (key := point[:2]) in wanted:
                self._point(mention, key, point)

    def _point(self, mention: PartyMention, key: PointKey, point: PointSaid) -> None:
        person, endpoint = mention.person, self._known.people.lines[key].id
        place, before = (person.id, endpoint), said_before(mention.before, key)
        if (known := self._points.get(place)) or place in self.book.points:
            if mention.said.name_key in ("", person.name_key()) and reword(self.book, place, known, point, before):
                self._count(mention.row, "points.updated", UPDATED)
            return
        if before and key in mention.lines.own:
            return
        newborn = key in self._new_lines and key not in self.book.endpoints
        if newborn:
            self.book.endpoints[key] = point
            self._count(mention.row, "endpoints.created", CREATED)
        if not (newborn and mention.first):
            person.shares = True
            if point.kind == "phone":
                self.book.endpoints_moved.add(endpoint)
        if is_primary := key[0] not in person.primaries:
            person.primaries[key[0]] = key[1]
        self.book.points[place] = NewPoint(self._new_id(), person, endpoint, point, is_primary)
        self._count(mention.row, "points.created", CREATED)

    def _further_places(self, mention: PartyMention) -> None:
        """Give the person the addresses and pages they lack; one that somebody removed is not brought back."""
        for place in mention.said.places:
            key = key_of(mention.person.id, place)
            if key in self._places or place_said_before(mention.before, place):
                continue
            self._places.add(key)
            self.book.places.append(NewPlace(self._new_id(), mention.person, place))
            self._count(mention.row, "points.created", CREATED)
            if place.kind == PointKind.ADDRESS and not mention.first:
                self.book.moved.add(mention.person.id)

    def _pair(self, mention: PartyMention, project: Thing) -> None:
        person, roles = mention.person, mention.said.roles
        pair = self._pairs.get((project.id, person.id))
        if pair is not None:
            self._roles(mention.row, pair, roles)
            self._close(mention.row, pair, mention.said.pair)
            return
        listed_name = mention.said.listed_key if mention.first and mention.by == "name" else None
        said = mention.said.pair
        priority = mention.said.priority if person.columns is None else person.columns["priority"]
        pair = NewPair(
            self._new_id(), list(dict.fromkeys(roles)), said.suppressed, said.reason,
            project, person, listed_name, said.priority or priority, said.is_primary,
        )  # fmt: skip
        self._pairs[project.id, person.id] = pair
        self.book.pairs.append(pair)
        self._count(mention.row, "pairs.created", CREATED)
        self.book.counts["roles.created"] += len(pair.roles)
        for other in self._namesakes.meet(project.id, person, listed_name):
            self._review(Review(ReviewKind.SAME_NAME, contact=person.id, other=other, project=project.id))

    def _roles(self, row: int, pair: Pair, roles: Iterable[str]) -> None:
        missing = [role for role in roles if role not in pair.roles]
        if missing:
            pair.roles.extend(missing)
            if not isinstance(pair, NewPair):
                self.book.grown[pair.id] = pair
            self.book.counts["roles.created"] += len(missing)
            self._count(row, "pairs.updated", UPDATED)

    def _close(self, row: int, pair: Pair, said: PairSaid) -> None:
        """A source may close a pair that exists, never open it; who is primary and first is left to people."""
        if not said.suppressed or pair.suppressed:
            return
        pair.suppressed, pair.reason = True, said.reason
        if not isinstance(pair, NewPair):
            self.book.grown[pair.id] = pair
            self.book.closed.add(pair.id)
        self._count(row, "pairs.updated", UPDATED)

    def _review(self, review: Review) -> None:
        self.book.reviews[review] = None

    def _count(self, row: int, what: str, outcome: int) -> None:
        self.book.counts[what] += 1
        self.book.outcomes[row] = self.book.outcomes.get(row, 0) | outcome
