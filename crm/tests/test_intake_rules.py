"""What an intake does to rows that exist, one rule at a time."""

import dataclasses
import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from config.testing import NOON
from crm.choices import ConsentKind, PointState, ReviewKind
from crm.models import (
    AuditEvent,
    Company,
    Consent,
    Contact,
    ContactPoint,
    Endpoint,
    OtherName,
    Project,
    ProjectContact,
    ReviewItem,
    SourceRecord,
)
from crm.services import changing, consenting, deleting, intake, points
from crm.services.feeds.records import CompanyIn, Doubt, EmailIn, Party, PhoneIn, PlaceIn, ProjectIn, Record, Refused
from crm.services.normalization.names import match_key
from crm.signals import ReachabilityChanged, reachability_changed
from crm.tests.factories import (
    ContactAliasFactory,
    ContactFactory,
    ProjectContactFactory,
    ProjectFactory,
    SuppressionFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

PHONE, OTHER_PHONE = "+15125550134", "+15125550135"


def somebody(name: str = "", *, phone: str = "", email: str = "", **said: Any) -> Party:
    return Party(
        name=name,
        name_as_listed=said.pop("name_as_listed", name),
        listed_key=match_key(name),
        phones=(PhoneIn(phone, phone, "", "mobile_or_landline", "work"),) if phone else (),
        emails=(EmailIn(email, email),) if email else (),
        **said,
    )


def take(*rows: Any, source: str = "permits", **how: Any) -> intake.Account:
    """Take rows in, each a record, or (project, party, ...), or a party."""
    take.runs += 1
    records = [_record(number, row) for number, row in enumerate(rows, start=1)]
    run = intake.begin_run(content_hash=str(take.runs), feed="test", feed_version="1", source=source)
    return intake.take_in(records=records, run=run, at=NOON, **how)


take.runs = 0


def _record(number: int, row: Any) -> Record | Refused:
    if isinstance(row, Record | Refused):
        return row
    project, *parties = row if isinstance(row, tuple) else (None, row)
    return Record(number, number + 1, ProjectIn(project) if isinstance(project, str) else project, tuple(parties))


# Whom a record finds


def test_a_contact_without_an_id_adopts_the_one_a_record_brings():
    known = ContactFactory(phone=PHONE)

    account = take(somebody("Ada Example", phone=PHONE, contact_id="x-1"))

    assert Contact.objects.get().contact_id == "x-1"
    assert (account.updated, account.created) == (1, 0)
    assert Contact.objects.get().pk == known.pk


def test_an_alias_finds_its_contact_and_the_id_stays():
    known = ContactFactory(contact_id="x-1")
    ContactAliasFactory(contact=known, value="old-1")

    take(somebody("Ada Example", contact_id="old-1", phone=PHONE))

    known.refresh_from_db()
    assert (known.contact_id, known.primary_phone) == ("x-1", PHONE)
    assert Contact.objects.count() == 1


def test_a_second_person_on_a_line_is_new_and_the_owner_stays():
    owner = ContactFactory(phone=PHONE, contact_id="x-1")

    take(somebody("Bo Sample", phone=PHONE, contact_id="x-2"))

    new = Contact.objects.get(contact_id="x-2")
    line = Endpoint.objects.get(value=PHONE)
    assert line.owner == owner
    assert set(line.points.values_list("contact", flat=True)) == {owner.pk, new.pk}
    assert new.primary_phone == PHONE
    item = ReviewItem.objects.get()
    assert (item.kind, item.contact, item.other, item.value) == (ReviewKind.SHARED_LINE, new, owner, PHONE)


def test_where_phone_and_email_belong_to_two_people_the_phone_decides():
    by_phone, by_email = ContactFactory(phone=PHONE), ContactFactory(email="ada@example.com")

    take(somebody(phone=PHONE, email="ada@example.com"))

    assert not by_phone.points.filter(kind="email").exists()
    item = ReviewItem.objects.get()
    assert (item.kind, item.contact, item.other) == (ReviewKind.TWO_OWNERS, by_phone, by_email)


def test_an_unknown_phone_is_added_to_whom_the_email_finds():
    known = ContactFactory(email="ada@example.com", phone=OTHER_PHONE)

    account = take(somebody(phone=PHONE, email="ada@example.com"))

    assert {point.endpoint.value for point in known.points.filter(kind="phone")} == {PHONE, OTHER_PHONE}
    known.refresh_from_db()
    assert known.primary_phone == OTHER_PHONE, "the first number stays first"
    assert account.entities["points"] == {"created": 1}


def test_somebody_deleted_is_found_and_stays_deleted():
    gone = ContactFactory(phone=PHONE)
    deleting.delete(row=gone, by=UserFactory(admin=True), at=NOON)

    take(somebody("Ada Example", phone=PHONE, title="Owner"))

    gone.refresh_from_db()
    assert gone.deleted_at == NOON
    assert Contact.objects.count() == 1


def test_somebody_new_on_the_line_of_somebody_deleted_is_refused_and_listed():
    gone = ContactFactory(name="Ada Example", phone=PHONE)
    deleting.delete(row=gone, by=UserFactory(admin=True), at=NOON)

    account = take(
        ("P-1", somebody("Cy Three", phone=PHONE), somebody("Bo Sample")), somebody("Dee Four", email="d@x.io")
    )

    assert (account.created, account.updated, account.refused) == (1, 0, 1)
    assert account.reviews == {"deleted_line": 1}
    item = ReviewItem.objects.get()
    assert (item.kind, item.contact, item.value) == (ReviewKind.DELETED_LINE, gone, "Cy Three")
    assert set(Contact.objects.values_list("name", flat=True)) == {"Ada Example", "Dee Four"}
    assert not Project.objects.exists()


def test_the_refusal_says_what_to_do_about_the_deleted_one():
    gone = ContactFactory(name="Ada Example", phone=PHONE)
    deleting.delete(row=gone, by=None, at=NOON)

    posted = [{"contacts": [{"name": name, "phone": PHONE}]} for name in ("Cy Three", "Ada Example")]
    results = intake.take_in_posted(source="api", records=posted, by=None, at=NOON).results

    assert [(result.outcome, result.code) for result in results] == [
        ("refused", "line_of_somebody_deleted"),
        ("unchanged", ""),
    ]
    assert "restore that contact" in results[0].reason


def test_what_was_said_before_the_deletion_is_no_news_after_it():
    take(somebody("Ada Example", phone=PHONE), somebody("Cy Three", phone=PHONE))
    deleting.delete(row=Contact.objects.get(), by=None, at=NOON)

    account = take(somebody("Ada Example", phone=PHONE), somebody("Cy Three", phone=PHONE))

    assert (account.refused, account.created) == (1, 0)
    assert Contact.objects.count() == 1


def test_whoever_shares_a_line_with_somebody_deleted_is_meant_by_it():
    gone = ContactFactory(name="Ada Example", phone=PHONE, contact_id="x-1")
    take(somebody("Bo Sample", phone=PHONE, contact_id="x-2"))
    deleting.delete(row=gone, by=None, at=NOON)

    account = take(somebody("Bo Sample", phone=PHONE, title="Clerk"))

    assert (account.updated, account.refused) == (1, 0)
    assert Contact.objects.get(contact_id="x-2").title == "Clerk"
    assert Endpoint.objects.get().owner.contact_id == "x-2"


def test_a_line_on_which_a_stranger_answered_is_not_given_back():
    person = ContactFactory(phone=PHONE, contact_id="x-1")
    points.mark_wrong_person(point=person.points.get(), at=NOON)

    take(somebody("Ada Example", phone=PHONE, contact_id="x-1", title="Owner"))

    assert person.points.get().state == PointState.WRONG_PERSON
    assert Endpoint.objects.get().owner is None
    take(somebody("Bo Sample", phone=PHONE))
    assert Endpoint.objects.get().owner.name == "Bo Sample"


def test_a_name_finds_within_its_project_only_whoever_was_created_by_it():
    take(("P-1", somebody("Ada Example")), ("P-2", somebody("Ada Example")), ("P-1", somebody("ada  EXAMPLE".title())))

    assert Contact.objects.count() == 2
    assert set(ProjectContact.objects.values_list("listed_name", flat=True)) == {"ada example"}


def test_a_listed_name_survives_an_edit_of_the_name():
    take(("P-1", somebody("Ada Example")))
    person = Contact.objects.get()
    changing.edit(row=person, changes={"name": "Ada B. Example"}, by=UserFactory(admin=True), at=NOON)

    take(("P-1", somebody("Ada Example")))

    assert Contact.objects.get().name == "Ada B. Example"


@pytest.mark.parametrize("turned", [False, True])
def test_equal_names_with_and_without_a_number_are_listed_and_not_joined(turned):
    rows = [("P-1", somebody("Ada Example")), ("P-1", somebody("Ada Example", phone=PHONE))]
    for row in reversed(rows) if turned else rows:
        take(row)

    assert Contact.objects.count() == 2
    item = ReviewItem.objects.get()
    assert (item.kind, item.project.project_id) == (ReviewKind.SAME_NAME, "P-1")


@pytest.mark.parametrize("renamed", [False, True])
@pytest.mark.parametrize("chunk_rows", [1, 9])
def test_a_name_said_elsewhere_meets_its_equal_in_a_project_too(chunk_rows, renamed):
    elsewhere = [somebody("Bea Sample" if renamed else "Ada Example", contact_id="x")]
    elsewhere += [somebody("Ada Example", contact_id="x", title="Owner")] if renamed else []

    take(("P-1", somebody("Ada Example")), *elsewhere, ("P-1", somebody(contact_id="x")), chunk_rows=chunk_rows)

    item = ReviewItem.objects.get()
    assert (item.kind, item.project.project_id) == (ReviewKind.SAME_NAME, "P-1")


def test_whoever_shares_a_switchboard_keeps_their_extension_beside_their_name():
    for name, extension in (("Ada Example", "12"), ("Bo Sample", "13")):
        line = PhoneIn(f"{PHONE} x{extension}", PHONE, extension, "mobile_or_landline", "work")
        take(dataclasses.replace(somebody(name), phones=(line,)))

    assert ContactPoint.objects.get().extension == "12"
    assert OtherName.objects.get().name == "Bo Sample (ext. 13)"
    assert ReviewItem.objects.get().value == "Bo Sample (ext. 13)"


def test_outside_a_project_a_name_belongs_to_the_source_that_said_it():
    take(somebody("Ada Example", title="Clerk"))
    take(somebody("Ada Example", title="Owner"))
    take(somebody("Ada Example"), source="another")

    assert [person.title for person in Contact.objects.order_by("pk")] == ["Owner", ""]


# What a record may write


def test_the_same_words_again_touch_nothing():
    take(("P-1", somebody("Ada Example", phone=PHONE, title="Clerk")))
    Contact.objects.update(title="")

    account = take(("P-1", somebody("Ada Example", phone=PHONE, title="Clerk")))

    assert (account.unchanged, account.entities) == (1, {})
    assert Contact.objects.get().title == ""


def test_another_source_fills_blanks_and_changes_nothing():
    take(("P-1", somebody("Ada Example", phone=PHONE, title="Clerk")))

    account = take(("P-1", somebody("Ada Example", phone=PHONE, title="Owner", city="Austin")), source="another")

    person = Contact.objects.get()
    assert (person.title, person.city) == ("Clerk", "Austin")
    assert account.updated == 1


def test_a_changed_record_writes_only_what_changed():
    take(somebody("Ada Example", phone=PHONE, contact_id="x-1", title="Clerk", city="Austin"))
    Contact.objects.update(city="Waco")

    take(somebody("Ada Example", phone=PHONE, contact_id="x-1", title="Owner", city="Austin"))

    person = Contact.objects.get()
    assert (person.title, person.city) == ("Owner", "Waco")


def test_an_edit_is_kept_and_listed_once():
    take(somebody("Ada Example", contact_id="x-1", title="Clerk"))
    changing.edit(row=Contact.objects.get(), changes={"title": "Boss"}, by=UserFactory(admin=True), at=NOON)

    for _ in range(2):
        take(somebody("Ada Example", contact_id="x-1", title="Owner"))
        take(somebody("Ada Example", contact_id="x-1", title="Clerk"))

    assert Contact.objects.get().title == "Boss"
    listed = ReviewItem.objects.filter(kind=ReviewKind.KEPT_EDIT)
    assert sorted(listed.values_list("field", "value")) == [("title", "Clerk"), ("title", "Owner")]


def test_a_text_of_any_length_is_listed_against_an_edit():
    long = "".join(random.Random(1).choices("0123456789abcdef", k=20_000))  # packs to no less than half of it
    take((ProjectIn("P-1", description="Short"),))
    changing.edit(row=Project.objects.get(), changes={"description": "Mine"}, by=UserFactory(admin=True), at=NOON)

    for offered in (long, "Short", long):
        take((ProjectIn("P-1", description=offered),))

    assert Project.objects.get().description == "Mine"
    assert sorted(map(len, ReviewItem.objects.values_list("value", flat=True))) == [5, 20_000]


def test_an_edited_company_of_a_contact_is_kept():
    take(somebody("Ada Example", contact_id="x-1", company=CompanyIn(name="Example Plumbing")))
    ours = Company.objects.create(name="Ours", name_key="ours")
    changing.edit(row=Contact.objects.get(), changes={"company": ours}, by=UserFactory(admin=True), at=NOON)

    take(somebody("Ada Example", contact_id="x-1", company=CompanyIn(name="Sample Builders")))

    assert Contact.objects.get().company == ours


def test_a_person_is_renamed_by_the_source_that_knows_their_id():
    take(somebody("Ada Example", contact_id="x-1", first_name="Ada", last_name="Example"))

    take(somebody("Ada Sample", contact_id="x-1", first_name="Ada", last_name="Sample"))

    person = Contact.objects.get()
    assert (person.name, person.last_name) == ("Ada Sample", "Sample")
    assert not OtherName.objects.exists()


def test_a_name_that_was_theirs_once_and_is_taken_back_is_no_other_name():
    take(somebody(contact_id="x-1", phone=PHONE), somebody("Bob", phone=PHONE))
    take(somebody("Cid", contact_id="x-1", phone=PHONE))

    take(somebody(phone=PHONE, title="Clerk"))

    assert Contact.objects.get().name == "Cid"
    assert not OtherName.objects.exists(), "Bob was their name when it was said, and a blank says nothing of it"


@pytest.mark.parametrize("chunk_rows", [1, 100])
def test_other_names_are_counted_alike_in_chunks_of_any_size(chunk_rows):
    take(
        *(somebody(contact_id="x-1", phone=PHONE), ("P-1", somebody("Bob", phone=PHONE))),
        *(somebody("Cid", contact_id="x-1", phone=PHONE), ("P-1", somebody("Dan", phone=PHONE))),
        ("P-2", somebody("Bob", phone=PHONE)),
        chunk_rows=chunk_rows,
    )

    assert set(OtherName.objects.values_list("name_key", "times")) == {("bob", 1), ("dan", 1)}


@pytest.mark.parametrize("chunk_rows", [1, 5])
def test_a_first_name_that_was_replaced_is_another_name_when_it_is_said_again(chunk_rows):
    take(
        *(("P-1", somebody("Bob", phone=PHONE)), somebody(contact_id="x-1", phone=PHONE)),
        *(somebody("Cid", contact_id="x-1", phone=PHONE), ("P-1", somebody("BOB", phone=PHONE))),
        chunk_rows=chunk_rows,
    )

    assert Contact.objects.get().name == "Cid"
    assert set(OtherName.objects.values_list("name_key", "times")) == {("bob", 1)}
    assert ReviewItem.objects.get().value == "BOB"


def test_a_second_name_on_a_line_is_kept_counted_and_listed():
    take(("P-1", somebody("Ada Example", phone=PHONE)))
    take(("P-2", somebody("Bo Sample", phone=PHONE, title="Owner")), ("P-3", somebody("Bo Sample", phone=PHONE)))

    person = Contact.objects.get()
    assert (person.name, person.title) == ("Ada Example", ""), "Bo's title is not Ada's"
    assert list(OtherName.objects.values_list("name", "times")) == [("Bo Sample", 2)]
    assert ReviewItem.objects.get().kind == ReviewKind.SECOND_NAME


def test_a_name_is_counted_for_the_records_that_say_it_now():
    take(("P-1", somebody("Ada Example", phone=PHONE)), ("P-2", somebody("Bo Sample", phone=PHONE)))

    take(("P-2", somebody("Cid Sample", phone=PHONE)))

    assert dict(OtherName.objects.values_list("name", "times")) == {"Bo Sample": 0, "Cid Sample": 1}


def test_the_name_as_it_was_listed_tells_a_second_name():
    listed = {"name_as_listed": "Ada Example, Example Plumbing"}
    take(("P-1", somebody("Ada Example", phone=PHONE, **listed)))
    take(("P-2", somebody("Ada Example", phone=PHONE, **listed)))
    assert not OtherName.objects.exists()

    take(("P-3", somebody("Ada Example", phone=PHONE, name_as_listed="Ada Example, Sample Builders")))

    assert OtherName.objects.get().name == "Ada Example, Sample Builders"


def test_a_number_that_somebody_removed_is_not_brought_back_by_the_same_source():
    said = {"phone": PHONE, "contact_id": "x-1"}
    take(somebody("Ada Example", **said))
    points.remove_point(point=ContactPoint.objects.get(), at=NOON)
    Endpoint.objects.update(owner=Contact.objects.get())

    take(somebody("Ada Example", title="Owner", **said))

    assert not ContactPoint.objects.exists()


def test_roles_are_added_and_never_taken_away():
    take(("P-1", somebody("Ada Example", phone=PHONE, roles=("owner",))))
    account = take(("P-1", somebody("Ada Example", phone=PHONE, roles=("builder", "owner"))))

    assert ProjectContact.objects.get().roles == ["owner", "builder"]
    assert account.entities["pairs"] == {"updated": 1}
    assert account.entities["roles"] == {"created": 1}


def test_whoever_has_an_id_is_put_into_each_project_they_are_named_in():
    ada = somebody("Ada Example", contact_id="x-1")
    take(("P-1", ada))

    account = take(("P-1", ada), ("P-2", ada))

    assert ProjectContact.objects.count() == 2
    assert (account.unchanged, account.created) == (1, 1)


# Flags, consent and hours


def test_a_source_forbids_contact_and_never_allows_it():
    take(somebody("Ada Example", contact_id="x-1", do_not_call=True))
    take(somebody("Ada Example", contact_id="x-1", do_not_call=False))

    assert Contact.objects.get().do_not_call is True


def test_suppressions_outlive_every_import():
    line = SuppressionFactory(endpoint__value=PHONE).endpoint

    take(somebody("Ada Example", phone=PHONE, consent_given=True, do_not_call=False))

    line.refresh_from_db()
    assert line.suppressed_at
    assert line.suppressions.standing().count() == 1


def test_consent_in_a_file_counts_for_somebody_new():
    take(somebody("Ada Example", phone=PHONE, consent_given=True, consent_on=date(2026, 1, 2)))
    take(somebody("Bo Sample", phone=OTHER_PHONE, consent_given=True))

    ada, bo = Contact.objects.order_by("pk")
    assert (ada.consent_given, ada.consent_at.date()) == (True, date(2026, 1, 2))
    assert bo.consent_at == NOON
    assert ada.consents.get().kind == ConsentKind.GIVEN


def test_consent_that_was_withdrawn_is_not_given_again_by_a_file():
    person = ContactFactory(phone=PHONE)
    consenting.give(contact=person, source="form", at=NOON - timedelta(days=2))
    consenting.withdraw(contact=person, source="call", at=NOON - timedelta(days=1))

    take(somebody(phone=PHONE, consent_given=True))

    person.refresh_from_db()
    assert person.consent_given is False
    assert Consent.objects.count() == 2


def test_consent_of_a_second_person_on_the_line_is_not_that_of_the_first():
    take(("P-1", somebody("Ada Example", phone=PHONE)), ("P-2", somebody("Bo Sample", phone=PHONE, consent_given=True)))

    assert Contact.objects.get().consent_given is False


def test_a_source_can_take_consent_back():
    take(somebody("Ada Example", contact_id="x-1", consent_given=True))
    take(somebody("Ada Example", contact_id="x-1", consent_given=False))

    person = Contact.objects.get()
    assert (person.consent_given, person.consent_at) == (False, None)
    assert [row.kind for row in person.consents.order_by("pk")] == [ConsentKind.GIVEN, ConsentKind.WITHDRAWN]


def test_a_project_is_suppressed_by_a_source_and_not_set_free():
    take((ProjectIn("P-1", call_suppressed=True, suppressed_reason="asked"),))
    take((ProjectIn("P-1", call_suppressed=False),))

    project = Project.objects.get()
    assert (project.call_suppressed, project.call_suppressed_reason) == (True, "asked")


def test_a_new_address_moves_the_hours_of_the_line():
    take(somebody("Ada Example", phone=PHONE))
    before = Endpoint.objects.get().hours_profile.key

    take(somebody("Ada Example", phone=PHONE, region="CA", country="US", postal_code="90001"))

    after = Endpoint.objects.get().hours_profile.key
    assert "America/Los_Angeles US-CA" in after
    assert before in after


# Companies


def test_spellings_of_a_company_are_one_company_with_its_first_name():
    take(
        somebody("Ada Example", phone=PHONE, company=CompanyIn(name="Example Plumbing, Inc.")),
        somebody("Bo Sample", phone=OTHER_PHONE, company=CompanyIn(name="EXAMPLE PLUMBING")),
    )

    assert Company.objects.get().name == "Example Plumbing, Inc."
    assert Company.objects.get().contacts.count() == 2


def test_a_company_known_by_its_name_takes_the_id_that_comes_later():
    take(somebody("Ada Example", phone=PHONE, company=CompanyIn(name="Example Plumbing")))

    company = CompanyIn(external_id="c-1", name="Example Plumbing", employees=12, revenue=Decimal("1000000.00"))
    take(somebody("Ada Example", phone=PHONE, company=company))
    take(somebody("Ada Example", phone=PHONE, company=CompanyIn(external_id="c-1", name="Example Pipes")))

    known = Company.objects.get()
    assert (known.external_id, known.employees, known.annual_revenue) == ("c-1", 12, Decimal(1000000))
    assert (known.name, known.name_key) == ("Example Pipes", "example pipes")


# Accounts, audit and news


def test_a_row_is_created_if_anything_was_and_updated_if_anything_else_happened():
    take(("P-1", somebody("Ada Example", phone=PHONE)))

    account = take(
        ("P-1", somebody("Ada Example", phone=PHONE)),
        ("P-1", somebody("Ada Example", phone=PHONE, title="Clerk")),
        ("P-1", somebody("Ada Example", phone=PHONE, title="Owner"), somebody("Bo Sample", phone=OTHER_PHONE)),
        Refused(4, 5, {"Name": "?"}, "no_key", "Nobody is named."),
    )

    assert (account.unchanged, account.updated, account.created, account.refused) == (1, 1, 1, 1)


def test_what_is_born_in_bulk_is_its_own_proof_and_what_changes_is_audited():
    take(("P-1", somebody("Ada Example", contact_id="x-1", phone=PHONE, title="Clerk")))
    assert not AuditEvent.objects.filter(entity__startswith="crm.").exists()

    take(("P-1", somebody("Ada Example", contact_id="x-1", phone=PHONE, title="Owner")))

    event = AuditEvent.objects.get(entity="crm.contact")
    assert (event.operation, event.service, event.old, event.new) == (
        "update",
        "intake",
        {"title": "Clerk"},
        {"title": "Owner"},
    )


def test_who_may_be_called_differently_now_is_told():
    heard: list[ReachabilityChanged] = []

    def hear(event: ReachabilityChanged, **kwargs: Any) -> None:
        heard.append(event)

    take(("P-1", somebody("Ada Example", phone=PHONE)))
    reachability_changed.connect(hear)
    try:
        take(("P-2", somebody("Ada Example", phone=PHONE)))
        take(somebody(phone=PHONE, do_not_call=True), source="another")
    finally:
        reachability_changed.disconnect(hear)

    assert [len(event.pair_ids) for event in heard] == [1, 0]
    assert heard[1].contact_ids == (Contact.objects.get().pk,)


# Bad input


def test_texts_that_the_database_cannot_keep_are_cleaned_and_nothing_else_is_lost():
    evil = "a\0b \ud800 \\N \t \n \r {\"x\"} 'q'"
    project = ProjectIn("P-1", name="Tower", description=evil, attributes={"note": evil, "\0key": "v"})

    account = take((project, somebody("Ada Example", phone=PHONE, attributes={"raw": evil})))

    assert (account.created, account.refused) == (1, 0)
    kept = evil.replace("\0", "").replace("\ud800", "")
    assert Project.objects.get().description == kept
    assert Project.objects.get().attributes == {"note": kept, "key": "v"}
    assert Contact.objects.get().attributes["raw"] == kept


def test_a_row_that_the_database_refuses_is_refused_alone():
    account = take(
        ("P-1", somebody("Ada Example", phone=PHONE)),
        ("P-2", somebody("Bo Sample", phone=OTHER_PHONE, lead_score=101)),
        ("P-3", somebody("Cid Example", email="cid@example.com")),
    )

    assert (account.created, account.refused) == (2, 1)
    assert set(Project.objects.values_list("project_id", flat=True)) == {"P-1", "P-3"}


def test_a_row_at_which_our_code_stumbles_is_refused_alone():
    account = take(("P-1",), (ProjectIn("P-2", attributes={"x": object()}),), ("P-3",))  # type: ignore[dict-item]

    assert (account.created, account.refused) == (2, 1)


def test_a_row_too_large_for_an_index_is_refused_alone():
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX ON crm_project (description)")
    long = "".join(random.Random(1).choices("0123456789abcdef", k=20_000))

    account = take(("P-1",), (ProjectIn("P-2", description=long),), ("P-3",))

    assert (account.created, account.refused) == (2, 1)
    assert set(Project.objects.values_list("project_id", flat=True)) == {"P-1", "P-3"}


def test_keys_of_any_length_are_told_apart():
    long = "x" * 600
    take(("P-1", somebody(long[:200], phone=PHONE, roles=(long, long[:-1] + "y"))))
    take(*(somebody("Ada Example", contact_id="x-1"),))

    assert SourceRecord.objects.count() == 3


def test_warnings_are_counted_whether_or_not_the_row_changes_anything():
    doubt = Doubt(1, 2, "Phone", "too_short", "Too short.", "555")
    record = Record(1, 2, ProjectIn("P-1"), (), (doubt, doubt))

    assert take(record).warnings == 2


def test_what_a_project_says_is_kept_in_its_columns():
    project = ProjectIn(
        "P-1",
        name="Tower",
        value=Decimal("125000.50"),
        country="US",
        bid_on=date(2026, 1, 2),
        starts_on=date(2026, 3, 4),
        source_url="https://example.com/p/1",
        next_call_eligible_at=NOON,
        attributes={"units": "12"},
    )

    take((project,))

    row = Project.objects.get()
    assert (row.value, row.bid_on, row.starts_on, row.event_on) == (
        Decimal("125000.50"),
        date(2026, 1, 2),
        date(2026, 3, 4),
        None,
    )
    assert row.attributes == {"units": "12", "source_url": "https://example.com/p/1"}
    assert (row.next_call_eligible_at, row.source, row.country) == (NOON, "permits", "US")


def test_a_pair_that_was_there_keeps_what_people_said_about_it():
    pair = ProjectContactFactory(
        project=ProjectFactory(project_id="P-1"), contact=ContactFactory(phone=PHONE), roles=[]
    )
    pair.suppress_for_project = True
    pair.save()

    take(("P-1", somebody("Ada Example", phone=PHONE, roles=("owner",))))

    pair.refresh_from_db()
    assert (pair.roles, pair.suppress_for_project) == (["owner"], True)


# Owners, parts in a project, and further ways to reach somebody


def test_owners_are_users_by_their_address_and_an_unknown_one_is_told():
    pat = UserFactory(email="pat@example.com")
    UserFactory(email="gone@example.com", is_active=False)

    account = take(
        (ProjectIn("P-1", owner="pat@example.com"), somebody("Ada Example", phone=PHONE, owner="pat@example.com")),
        (ProjectIn("P-2", owner="gone@example.com"), somebody("Bo Sample", phone=OTHER_PHONE, owner="no@example.com")),
    )

    assert (account.created, account.warnings) == (2, 2)
    assert Project.objects.get(project_id="P-1").owner == Contact.objects.get(name="Ada Example").owner == pat
    assert not Contact.objects.filter(name="Bo Sample").exclude(owner=None).exists()
    assert Project.objects.get(project_id="P-2").owner is None


def test_a_source_changes_the_owner_that_it_gave_and_no_other():
    pat, sam, eve = (UserFactory(email=f"{name}@example.com") for name in ("pat", "sam", "eve"))
    for owner in ("pat@example.com", "sam@example.com"):
        take(
            (
                ProjectIn("P-1", owner=owner),
                somebody("Ada Example", contact_id="x-1", owner=owner),
                somebody("Bo Sample", contact_id="x-2", owner=owner),
            )
        )
        changing.edit(
            row=Contact.objects.get(contact_id="x-2"), changes={"owner": eve}, by=UserFactory(admin=True), at=NOON
        )

    assert Contact.objects.get(contact_id="x-1").owner == Project.objects.get().owner == sam
    assert Contact.objects.get(contact_id="x-2").owner == eve
    kept = ReviewItem.objects.get(kind=ReviewKind.KEPT_EDIT)
    assert (kept.field, kept.value) == ("owner", "sam@example.com")
    assert pat.contacts.count() == 0


def test_whoever_does_not_see_everything_gives_nothing_to_somebody_else():
    UserFactory(email="sam@example.com")
    pat = UserFactory(email="pat@example.com", bdr=True)
    posted = [{"contacts": [{"phone": PHONE, "owner": email}]} for email in ("sam@example.com", "PAT@example.com")]

    [sams, own] = intake.take_in_posted(source="api", records=posted, by=pat, at=NOON).results

    assert [warning["code"] for warning in sams.warnings] == ["owner_not_yours_to_choose"]
    assert own.warnings == ()
    assert Contact.objects.get().owner == pat


def test_a_part_in_a_project_is_born_as_it_is_said():
    ada = somebody(
        "Ada Example", phone=PHONE, suppress_for_project=True, suppress_reason="Ask the architect", is_primary=True,
        pair_priority="urgent", priority="low",
    )  # fmt: skip
    take(("P-1", ada), ("P-2", somebody("Ada Example", phone=PHONE)))

    said, plain = ProjectContact.objects.order_by("project__project_id")
    assert (said.suppress_for_project, said.suppress_reason) == (True, "Ask the architect")
    assert (said.is_primary, said.priority, said.callable_from) == (True, 4, None)
    assert (plain.suppress_for_project, plain.is_primary, plain.priority) == (False, False, 1)
    assert plain.callable_from is not None


@pytest.mark.parametrize("contact_id", ["", "x-1"])
def test_a_part_that_exists_is_closed_by_a_source_and_never_opened(contact_id):
    def ada(**said: Any) -> Party:
        return somebody("Ada Example", phone=PHONE, contact_id=contact_id, roles=("owner",), **said)

    take(("P-1", ada(suppress_for_project=False, pair_priority="high")))
    told = []
    receiver = lambda event, **kwargs: told.extend(event.pair_ids)  # noqa: E731
    reachability_changed.connect(receiver)
    account = take(("P-1", ada(suppress_for_project=True, suppress_reason="Signed elsewhere", pair_priority="low")))
    reachability_changed.disconnect(receiver)
    take(("P-1", ada(suppress_for_project=False)))

    pair = ProjectContact.objects.get()
    assert (pair.suppress_for_project, pair.suppress_reason, pair.priority) == (True, "Signed elsewhere", 3)
    assert (account.updated, told) == (1, [pair.pk])


def test_points_say_since_when_they_are_verified():
    seen = NOON - timedelta(days=30)
    phones = (PhoneIn(PHONE, PHONE, verified=seen), PhoneIn(OTHER_PHONE, OTHER_PHONE, verified=True))

    take(Party(name="Ada Example", phones=phones, emails=(EmailIn("a@example.com", "a@example.com"),)))

    assert dict(ContactPoint.objects.values_list("endpoint__value", "verified_at")) == {
        PHONE: seen,
        OTHER_PHONE: NOON,
        "a@example.com": None,
    }


def test_further_addresses_and_pages_are_points_of_their_own_once():
    mailing = PlaceIn("address", "", "mailing", "1 Main St", "Reno", "NV", "89501", "US")
    page = PlaceIn("social", "https://example.com/ada", "facebook", verified=NOON)
    plain = somebody("Ada Example", phone=PHONE)
    take(plain)

    account = take(dataclasses.replace(plain, places=(mailing, page, mailing)))
    take(dataclasses.replace(plain, places=(page, mailing), title="Owner"), source="another")

    assert account.entities["points"] == {"created": 2}
    address, social = ContactPoint.objects.filter(endpoint=None).order_by("kind")
    assert (address.label, address.street, address.region, address.country) == ("mailing", "1 Main St", "NV", "US")
    assert (social.value_given, social.label, social.verified_at) == ("https://example.com/ada", "facebook", NOON)
    assert "US-NV" in Endpoint.objects.get().hours_profile.key


def test_an_address_of_somebody_new_decides_the_hours_of_their_line():
    mailing = PlaceIn("address", "", "mailing", "1 Main St", "Reno", "NV", "89501", "US")

    take(("P-1", somebody("Ada Example", phone=PHONE, places=(mailing,))))

    line, pair = Endpoint.objects.get(), ProjectContact.objects.get()
    assert "US-NV" in line.hours_profile.key
    assert pair.hours_profile == line.hours_profile


def test_a_page_that_somebody_removed_is_not_brought_back_by_the_same_source():
    page = PlaceIn("social", "https://example.com/ada", "facebook")
    take(somebody("Ada Example", phone=PHONE, places=(page,)))
    ContactPoint.objects.filter(kind="social").delete()

    take(somebody("Ada Example", phone=PHONE, places=(page,), title="Owner"))

    assert not ContactPoint.objects.filter(kind="social").exists()


def test_everything_that_can_be_posted_about_a_contact_is_kept():
    owner = UserFactory(email="pat@example.com")
    contact = {
        "name": "Ada Example",
        "phones": [{"value": PHONE, "verified": "2026-01-02T09:00:00Z"}, {"value": OTHER_PHONE, "primary": True}],
        "emails": [{"value": "ada@example.com", "verified": True, "label": "work"}],
        "addresses": [{"street": "1 Main St", "city": "Reno", "region": "Nevada", "country": "US", "label": "mailing"}],
        "socials": ["https://example.com/ada", {"value": "https://example.com/a", "label": "x", "verified": True}],
        "preferred_channel": "text", "conversion_probability": "35%", "owner": "pat@example.com", "is_primary": True,
        "suppress_for_project": True, "suppress_reason": "Ask first", "pair_priority": "high",
    }  # fmt: skip
    record = {"project": {"project_id": "P-1", "owner": "pat@example.com"}, "contacts": [contact]}

    [result] = intake.take_in_posted(source="api", records=[record], by=None, at=NOON).results

    assert (result.outcome, result.reason) == ("created", "")
    person, pair = Contact.objects.get(), ProjectContact.objects.get()
    assert (person.preferred_channel, person.conversion_probability, person.owner) == ("sms", 0.35, owner)
    assert (person.primary_phone, pair.is_primary, pair.suppress_reason) == (OTHER_PHONE, True, "Ask first")
    assert ContactPoint.objects.filter(kind="social").count() == 2
    assert ContactPoint.objects.get(kind="address").region == "NV"
    assert ContactPoint.objects.get(endpoint__value=PHONE).verified_at.isoformat() == "2026-01-02T09:00:00+00:00"


def test_an_intake_leaves_no_temporary_tables_behind():
    take(("P-1", somebody("Ada Example", phone=PHONE)))
    take(("P-1", somebody("Bo Sample", phone=PHONE, title="Owner", roles=("owner",))))

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'intake%%' AND relpersistence = 't'")
        assert cursor.fetchone() == (0,)
