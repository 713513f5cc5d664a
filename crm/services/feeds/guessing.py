"""A map for a file that none is for: from what its columns are called, and from what stands in them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from crm.services.feeds.likeness import likeness
from crm.services.feeds.maps import FeedMap, Match, PartyMap, Place
from crm.services.feeds.vocabulary import (
    COMPANY,
    EMAILS,
    PARTY,
    PHONES,
    PROFILES,
    PROJECT,
    PROJECT_ENDINGS,
    ROLE_WORDS,
    ROLES,
    SHARED,
)
from crm.services.files.names import fold

VERSION = "guess-3"
TOLD = 40  # columns
ALL_CHANNELS = ("do_not_call", "do_not_email", "do_not_text")
FILLERS = ("fax", "count", "status", "source", "type", "extension", "verified", "confidence")  # "Email Status"


class Meaning(NamedTuple):
    group: str  # project, field, company, phone, email, profile
    word: str  # the field, or the label


PROJECT_ID = Meaning("project", "project_id")


def _lookup(group: str, words: Mapping[str, str]) -> dict[str, Meaning]:
    return {name: Meaning(group, word) for word, names in words.items() for name in names.split()}


OF_PROJECT = _lookup("project", PROJECT) | _lookup("project", SHARED)
OF_PARTY = (
    _lookup("field", SHARED) | _lookup("field", PARTY) | _lookup("company", COMPANY) | _lookup("phone", PHONES)
) | (_lookup("email", EMAILS) | _lookup("profile", PROFILES))


@dataclass
class Draft:
    """A party in the making: its columns by meaning, in the order of the file."""

    role: str = ""
    columns: dict[Meaning, list[str]] = field(default_factory=dict)

    def add(self, meaning: Meaning, column: str) -> None:
        self.columns.setdefault(meaning, []).append(column)

    def has(self, *groups: str) -> bool:
        return any(meaning.group in groups for meaning in self.columns)

    @property
    def named(self) -> bool:
        return self.has_person or Meaning("company", "name") in self.columns

    @property
    def has_person(self) -> bool:
        return any(meaning.group == "field" and "name" in meaning.word for meaning in self.columns)

    def places(self, group: str) -> dict[str, tuple[Place, ...]]:
        return {
            meaning.word: tuple(Place(((fold(column),),)) for column in columns)
            for meaning, columns in self.columns.items()
            if meaning.group == group
        }

    def labelled(self, group: str) -> tuple[Place, ...]:
        found = [
            (meaning.word, column)
            for meaning, columns in self.columns.items()
            for column in columns
            if meaning.group == group
        ]
        return tuple(Place(((fold(column),),), label=label) for label, column in found)

    def finished(self, *, in_project: bool) -> PartyMap:
        fields = _all_channels(self.places("field"))
        if in_project:
            fields.setdefault("role", (Place(text=self.role or "contact"),))
        in_parts = fields.keys() & {"first_name", "last_name"}
        return PartyMap(
            names="parts" if in_parts else "person" if Meaning("company", "name") in self.columns else "either",
            fields=fields,
            company=self.places("company"),
            phones=self.labelled("phone"),
            emails=self.labelled("email"),
            profiles=self.labelled("profile"),
        )


def _all_channels(fields: dict[str, tuple[Place, ...]]) -> dict[str, tuple[Place, ...]]:
    """A column "Opt Out" that names no channel means all of them."""
    places = fields.pop("do_not_contact", ())
    return fields | {name: (*fields.get(name, ()), *places) for name in ALL_CHANNELS if places}


def guess_map(columns: Sequence[str], sample: Sequence[Sequence[str]], *, header: bool) -> FeedMap | None:
    """Make a map out of the names of the columns and the cells of some rows; None where no key can be found.

    A key is a project id, a contact id, a phone or an e-mail address. The same columns give the same map and version.
    """
    project = Draft()
    drafts = _by_name(columns, project) if header else {"": Draft()}
    _by_value(columns, sample, drafts, project, header=header)
    in_project = PROJECT_ID in project.columns
    parties = _joined([draft for draft in drafts.values() if draft.columns], in_project=in_project)
    known = [
        draft for draft in parties if draft.has("phone", "email") or Meaning("field", "contact_id") in draft.columns
    ]
    if not in_project and not known:
        return None
    maps = tuple(draft.finished(in_project=in_project) for draft in parties)
    places = project.places("project") if in_project else None
    return FeedMap(
        id="guessed",
        version=f"{VERSION}-{digest(repr((maps, places)))}",
        source=f"guessed-{digest(repr(sorted(map(fold, columns))))}",
        title="A file that no feed map is for",
        match=Match(),
        project=places,
        parties=maps,
        remarks=(_told(project, parties, columns),),
        common=True,
    )


def _by_name(columns: Sequence[str], project: Draft) -> dict[str, Draft]:
    """Sort the columns by what they are called: into the project, and into one party for each role in a name."""
    drafts: dict[str, Draft] = {"": Draft()}
    ids = _project_ids([fold(column) for column in columns])
    in_project = bool(ids)
    for column in columns:
        name = fold(column)
        if name in ids:
            project.add(PROJECT_ID, column)
        elif in_project and name in OF_PROJECT:
            project.add(OF_PROJECT[name], column)
        elif name in OF_PARTY:
            drafts[""].add(OF_PARTY[name], column)
        else:
            role, meaning = _with_role(name, in_project=in_project)
            if meaning:
                drafts.setdefault(role, Draft(ROLE_WORDS.get(role, role))).add(meaning, column)
    return drafts


def _project_ids(names: Sequence[str]) -> list[str]:
    """The columns that number projects: those with a usual name, else the first that ends like one."""
    exact = [name for name in names if OF_PROJECT.get(name) == PROJECT_ID]
    return exact or [name for name in names if name.endswith(PROJECT_ENDINGS)][:1]


def _with_role(name: str, *, in_project: bool) -> tuple[str, Meaning | None]:
    """ "ownerphone" is the phone of the owner. A bare "owner" is one only in a project: elsewhere it is a colleague."""
    for role in ROLES:
        if name.startswith(role):
            rest = name.removeprefix(role)
            if not rest and in_project:
                return role, Meaning("field", "name")
            return role, OF_PARTY.get(rest) or OF_PARTY.get(rest.removeprefix("s"))  # contractor's
    return "", None


def _by_value(
    columns: Sequence[str], sample: Sequence[Sequence[str]], drafts: dict[str, Draft], project: Draft, *, header: bool
) -> None:
    """Find phones, e-mails and, where there is no header, names in the columns whose names say nothing."""
    taken = {name for draft in (*drafts.values(), project) for names in draft.columns.values() for name in names}
    for at, column in enumerate(columns):
        if column in taken or any(word in fold(column) for word in FILLERS):
            continue
        like = likeness([row[at] for row in sample])
        if like in {"phone", "email"} or (like == "digits" and not header):
            drafts[""].add(Meaning("email" if like == "email" else "phone", "work"), column)
        elif like == "name" and not header and not drafts[""].named:
            drafts[""].add(Meaning("field", "name"), column)


def _joined(drafts: list[Draft], *, in_project: bool) -> list[Draft]:
    """A number without a name is that of the only one with a name and no number; so is a company, in a plain list."""
    if len(drafts) < 2 or drafts[0].role or (drafts[0].named if in_project else drafts[0].has_person):
        return drafts
    nameless, *others = drafts
    waiting = [draft for draft in others if draft.named and not draft.has("phone", "email")]
    if len(waiting) != 1 or not nameless.has("phone", "email"):
        return drafts
    for meaning, columns in nameless.columns.items():
        waiting[0].columns.setdefault(meaning, []).extend(columns)
    return others


def _told(project: Draft, parties: Sequence[Draft], columns: Sequence[str]) -> str:
    pairs = [
        (column, meaning)
        for draft in (project, *parties)
        for meaning, found in draft.columns.items()
        for column in found
    ]
    read = ", ".join(f"{column} is {_said(meaning)}" for column, meaning in pairs[:TOLD])
    rest = [column for column in columns if column not in {column for column, _ in pairs}]
    kept = f" Kept as they are, as attributes: {', '.join(rest[:TOLD])}." if rest else ""
    return f"No feed map is for this file; it was read as its columns suggest: {read}.{kept}"


def _said(meaning: Meaning) -> str:
    if meaning.group in {"phone", "email"}:
        return f"a {meaning.group} ({meaning.word})"
    return f"the {meaning.group if meaning.group != 'field' else 'contact'}'s {meaning.word.replace('_', ' ')}"


def digest(text: str) -> str:
    """Return a few characters that tell one map from another."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
