from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.testing import NOON, examples
from crm.choices import ReviewKind
from crm.models import Contact, ContactPoint, Endpoint, OtherName, Project, ProjectContact, ReviewItem
from crm.services import intake, primaries, profiles, quality
from crm.services.feeds.records import Party, Record, Refused
from crm.tests.dumps import dump, undone, versions
from crm.tests.oracle import Known, Oracle
from crm.tests.streams import streams

pytestmark = pytest.mark.django_db
MANY = 50_000


def take(
    records: list[Record | Refused],
    *,
    chunk_rows: int = MANY,
    key: str = "file",
    source: str = "test",
    at: datetime = NOON,
    **how: Any,
) -> intake.Account:
    run = intake.begin_run(content_hash=key, feed="test", feed_version="1", source=source, **how)
    return intake.take_in(records=records, run=run, at=NOON, chunk_rows=chunk_rows)


class OwnNames(Oracle):
    """Whoever is known by an id is renamed by the source that gave the name, as any field is (DESIGN 7)."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, tuple[int, str]] = {}

    def _learn_name(self, known: Known, party: Party) -> None:
        before = self._said.get(party.contact_id)
        self._said[party.contact_id] = known.number, party.name or (before[1] if before else "")
        ours = party.contact_id and before and before[0] == known.number
        if ours and party.name and party.name != before[1]:
            known.name = party.name_as_listed
        else:
            super()._learn_name(known, party)


@given(records=streams(), size=st.sampled_from([1, 2, 3, 5, 7, MANY]))
@examples(25)
def test_however_a_file_is_cut_the_database_holds_what_the_streaming_oracle_says_and_holds_it_once(records, size):
    """One stream for all of it: to take it in, and to undo it, is most of the work."""
    oracle = OwnNames()
    for item in records:
        oracle.take(item)

    with undone():
        account = take(records, chunk_rows=size)
        assert told_by_database() == told_by(oracle)
        assert account.refused == oracle.refused
        every_row_is_counted_once(records, account)
        what_other_services_keep_is_as_they_would_have_made_it()
        taking_it_in_again_writes_nothing(records, account, size)
        pieces = dump()
    with undone():
        counted = take(records)
        assert dump() == pieces
    assert counted.as_dict() | {"run": ""} == account.as_dict() | {"run": ""}


def every_row_is_counted_once(records, account):
    assert account.rows == account.created + account.updated + account.unchanged + account.refused == len(records)
    assert account.entities.get("contacts", {}).get("created", 0) == Contact.objects.count()
    assert account.entities.get("pairs", {}).get("created", 0) == ProjectContact.objects.count()
    assert account.warnings == sum(len(item.warnings) for item in records if isinstance(item, Record))


def what_other_services_keep_is_as_they_would_have_made_it():
    """Copies of numbers, hours and scores."""
    from calls.services import hints

    contacts = list(Contact.objects.values_list("pk", flat=True))
    assert primaries.copy_primaries(contact_ids=contacts) == []
    assert profiles.refresh_profiles(endpoint_ids=Endpoint.objects.values_list("pk", flat=True)) == []
    assert quality.refresh(contact_ids=contacts) == 0
    assert hints.refresh(at=NOON, pair_ids=ProjectContact.objects.values_list("pk", flat=True)) == 0


def taking_it_in_again_writes_nothing(records, once, size):
    written = versions()
    again = take(records, chunk_rows=size, again=True)
    assert versions() == written, "a second pass writes no row at all"
    assert (again.created, again.updated, again.unchanged) == (0, 0, len(records) - once.refused)
    assert again.entities == {}
    assert again.reviews == {}


def told_by(oracle: Oracle) -> dict[str, Any]:
    people = oracle.contacts.values()
    return {
        "ids": [known.contact_id for known in people],
        "projects": oracle.projects,
        "owners": dict(oracle.owners),
        "points": {(known.number, *endpoint) for known in people for endpoint in known.endpoints},
        "pairs": dict(oracle.pairs),
        "listed": {key: number for key, number in oracle.by_name.items() if key[0]},
        "other names": {(known.number, name) for known in people for name in known.other_names},
        "reviews": {review for review in oracle.reviews if review[0] in ("two_owners", "shared_line", "second_name")},
    }


def told_by_database() -> dict[str, Any]:
    """By columns rather than rows: whole years of a city are compared."""
    ids = list(Contact.objects.order_by("pk").values_list("pk", "contact_id"))
    number = {key: at for at, (key, _) in enumerate(ids, start=1)}
    points = ContactPoint.objects.exclude(endpoint=None)
    pairs = list(ProjectContact.objects.values_list("project__project_id", "contact", "roles", "listed_name"))
    reviews = ReviewItem.objects.filter(kind__in=["two_owners", "shared_line", "second_name"])
    return {
        "ids": [contact_id or "" for _, contact_id in ids],
        "projects": set(Project.objects.values_list("project_id", flat=True)),
        "owners": {
            (kind, value): number[owner]
            for kind, value, owner in Endpoint.objects.values_list("kind", "value", "owner")
        },
        "points": {
            (number[contact], kind, value)
            for contact, kind, value in points.values_list("contact", "endpoint__kind", "endpoint__value")
        },
        "pairs": {(project, number[contact]): set(roles) for project, contact, roles, _ in pairs},
        "listed": {(project, listed): number[contact] for project, contact, _, listed in pairs if listed},
        "other names": {(number[who], name) for who, name in OtherName.objects.values_list("contact", "name_key")},
        "reviews": {_review(item, number) for item in reviews},
    }


def _review(item: ReviewItem, number: dict[Any, int]) -> tuple[str, int, int, str]:
    one, other = number[item.contact_id], number[item.other_id or item.contact_id]
    value = item.value
    if item.kind == ReviewKind.SECOND_NAME:
        value = value.lower().partition(" (ext.")[0]  # the oracle knows no extensions
    return item.kind, min(one, other), max(one, other), value
