"""Intakes that overlap with each other, with people at work, and with a database that goes away."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection

from config.kernel import faults
from config.testing import NOON
from crm.models import Company, Contact, ContactPoint, Endpoint, IntakeRun, Project, ProjectContact, SourceRecord
from crm.services import changing, intake, points
from crm.services.bulk import taking
from crm.services.feeds.records import CompanyIn, EmailIn, Party, PhoneIn, ProjectIn, Record
from crm.tests.dumps import dump
from crm.tests.factories import UserFactory
from integrations.tests.dying import cut_at, end_all_connections, killed_at

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 60
POINTS = sorted(name for name in faults.REGISTERED if name.startswith("intake."))


def rows(*, turned: bool = False, title: str = "", start: int = 0) -> list[Record]:
    """People in projects, each with a phone, some with an e-mail address or an id, all of two companies."""
    order = list(range(start, start + PEOPLE))
    return [_row(at, number, title) for at, number in enumerate(reversed(order) if turned else order, start=1)]


def _row(at: int, number: int, title: str) -> Record:
    name = f"Person {number}"
    party = Party(
        roles=("owner",),
        contact_id=f"x-{number}" if number % 3 == 0 else "",
        name=name,
        name_as_listed=name,
        listed_key=name.lower(),
        title=title,
        company=CompanyIn(name=f"Company {number % 2}"),
        phones=(PhoneIn("given", f"+1512555{number:04}", "", "mobile", "work"),),
        emails=(EmailIn(f"p{number}@example.com", f"p{number}@example.com"),) if number % 2 else (),
    )
    return Record(at, at + 1, ProjectIn(f"P-{number // 10}", name="Tower"), (party,))


def begin(key: str, source: str = "permits") -> IntakeRun:
    return intake.begin_run(content_hash=key, feed="test", feed_version="1", source=source)


def work(
    key: str, records: list[Record], *, chunk_rows: int = 7, source: str = "permits"
) -> Callable[[], intake.Account]:
    run = begin(key, source)
    return lambda: intake.take_in(records=records, run=run, at=NOON, chunk_rows=chunk_rows)


def assert_nobody_twice(people: int = PEOPLE) -> None:
    assert Contact.objects.count() == people
    assert Endpoint.objects.filter(kind="phone").count() == people
    assert ContactPoint.objects.filter(kind="phone").count() == people
    assert ProjectContact.objects.count() == people
    assert Project.objects.count() == people // 10
    assert Company.objects.count() == 2
    assert not Endpoint.objects.filter(owner=None).exists()


def test_overlapping_intakes_make_nobody_twice_and_never_deadlock(threads):
    works = [
        work("a", rows()),
        work("b", rows(turned=True), chunk_rows=11),
        work("c", rows(), source="another", chunk_rows=13),
        work("d", rows(turned=True), source="another", chunk_rows=5),
    ]

    accounts = threads(*works)

    assert_nobody_twice()
    assert all(account.rows == PEOPLE for account in accounts)
    assert sum(account.entities.get("contacts", {}).get("created", 0) for account in accounts) == PEOPLE
    assert SourceRecord.objects.filter(kind="party").count() == 2 * PEOPLE


def test_overlapping_changes_of_the_same_people_all_arrive(threads):
    work("first", rows(title="Clerk"))()

    threads(
        work("a", rows(title="Owner"), chunk_rows=9),
        work("b", rows(title="Owner", turned=True), chunk_rows=4),
        work("c", rows(start=PEOPLE, title="Boss"), chunk_rows=9),
    )

    assert_nobody_twice(2 * PEOPLE)
    assert set(Contact.objects.order_by("pk")[:PEOPLE].values_list("title", flat=True)) == {"Owner"}


def test_people_at_work_and_an_intake_do_not_stop_each_other(threads):
    work("first", rows(title="Clerk"))()
    boss = UserFactory(admin=True)
    contacts = list(Contact.objects.order_by("-pk"))

    def edit() -> None:
        for person in contacts:
            changing.edit(row=person, changes={"department": "Sales"}, by=boss, at=NOON)

    def add() -> None:
        for number, person in enumerate(contacts):
            points.add_point(contact=person, kind="phone", value=f"+1737555{number:04}", at=NOON)

    threads(edit, add, work("again", rows(title="Owner")), work("turned", rows(title="Owner", turned=True)))

    assert Contact.objects.filter(department="Sales", title="Owner").count() == PEOPLE
    assert ContactPoint.objects.filter(kind="phone").count() == 2 * PEOPLE


def test_whoever_takes_the_same_file_in_at_once_is_told_so(threads):
    both = threading.Barrier(2, timeout=30)
    run = begin("a")

    def take() -> Any:
        mine = IntakeRun.objects.get(pk=run.pk)
        both.wait()
        try:
            return intake.take_in(records=rows(), run=mine, at=NOON, chunk_rows=10)
        except intake.TakenElsewhere as told:
            return told

    outcomes = threads(take, take)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Account", "TakenElsewhere"]
    assert_nobody_twice()
    run.refresh_from_db()
    assert run.counts["rows.in"] == PEOPLE


@pytest.fixture
def strike(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], None]], None]:
    return lambda blow: monkeypatch.setattr(faults, "strike", blow)


def once(point: str, deed: Callable[[], None]) -> Callable[[str], None]:
    """Do ``deed`` the first time that the work passes ``point``."""
    done = []

    def blow(name: str) -> None:
        if name == point and not done:
            done.append(name)
            deed()

    return blow


def in_another_connection(deed: Callable[[], Any]) -> None:
    from config.testing import in_own_connection

    thread = threading.Thread(target=in_own_connection(deed))
    thread.start()
    thread.join(30)


def test_somebody_born_while_a_chunk_is_resolved_is_found_when_it_is_resolved_again(strike):
    def rival() -> None:
        in_another_connection(lambda: work("rival", rows(), source="another", chunk_rows=100)())

    strike(once("intake.before_writing", rival))
    account = work("a", rows(), chunk_rows=100)()

    assert_nobody_twice()
    assert account.created == 0
    assert account.unchanged + account.updated == PEOPLE


def test_a_change_between_reading_and_writing_is_never_overwritten(strike):
    work("first", rows(title="Clerk"), source="permits")()
    boss = UserFactory(admin=True)
    person = Contact.objects.first()

    def rival() -> None:
        in_another_connection(lambda: changing.edit(row=person, changes={"title": "Boss"}, by=boss, at=NOON))

    strike(once("intake.before_writing", rival))
    work("a", rows(title="Owner"), chunk_rows=100)()

    person.refresh_from_db()
    assert person.title == "Boss"
    assert Contact.objects.filter(title="Owner").count() == PEOPLE - 1
    assert person.review_items.get().value == "Owner"


def test_a_line_that_gets_another_owner_meanwhile_is_looked_at_again(strike):
    work("first", rows())()
    line = Endpoint.objects.filter(kind="phone").order_by("value").first()
    heir = Contact.objects.exclude(pk=line.owner_id).first()

    def inherit() -> None:
        in_another_connection(lambda: Endpoint.objects.filter(pk=line.pk).update(owner=heir))

    strike(once("intake.before_writing", inherit))
    said = Party(phones=(PhoneIn("given", line.value, "", "mobile", "work"),), city="Austin")
    work("a", [Record(1, 2, None, (said,))])()

    heir.refresh_from_db()
    assert heir.city == "Austin"
    assert Endpoint.objects.get(pk=line.pk).owner == heir


def undisturbed() -> Any:
    """Return what an intake leaves that nothing befalls, and leave nothing of it."""
    work("undisturbed", rows())()
    expected = dump()
    for model in (ProjectContact, ContactPoint, SourceRecord, Endpoint, Contact, Company, Project, IntakeRun):
        model.objects.all().delete()
    return expected


def assert_goes_on(expected: Any) -> None:
    """The run that ended in its fourth chunk goes on behind the third, and ends as an undisturbed one."""
    run = begin("a")
    assert (run.state, run.rows_done) == ("running", 21)
    account = intake.take_in(records=rows(), run=run, at=NOON, chunk_rows=7)

    assert account.rows == PEOPLE
    assert dump() == expected


@pytest.mark.parametrize("point", POINTS)
def test_a_chunk_that_fails_leaves_nothing_and_the_run_goes_on_behind_the_last_one(strike, point):
    expected = undisturbed()
    blows = []

    def blow(name: str) -> None:
        if name == point:
            blows.append(name)
            if len(blows) == 4:
                raise RuntimeError("struck")

    strike(blow)
    with pytest.raises(RuntimeError, match="struck"):
        work("a", rows())()

    assert_goes_on(expected)


@pytest.mark.parametrize("point", POINTS)
def test_an_intake_that_is_killed_goes_on_behind_its_last_chunk(point):
    expected = undisturbed()

    assert killed_at(point, work("a", rows()), number=4)

    assert_goes_on(expected)


@pytest.mark.parametrize("point", POINTS)
def test_a_connection_that_is_lost_is_made_again_and_nothing_is_taken_twice(point, monkeypatch):
    monkeypatch.setattr(taking, "WAITS", (0, 0, 0))
    accounts = []

    assert cut_at(point, lambda: accounts.append(work("a", rows(), chunk_rows=30)()))

    (account,) = accounts
    assert account.rows == account.created == PEOPLE
    assert_nobody_twice()


def test_an_intake_that_nobody_waits_for_fails_at_once(strike, monkeypatch):
    strike(once("intake.before_commit", end_all_connections))

    with pytest.raises(OperationalError):
        intake.take_in_posted(source="api", records=[{"contacts": [{"phone": "512 555 0134"}]}], by=None, at=NOON)

    connection.close()
    assert not Contact.objects.exists()


def test_posted_records_and_files_overlap_like_any_two_intakes(threads):
    posted = [
        {"project": {"project_id": f"P-{number // 10}"}, "contacts": [{"phone": f"+1512555{number:04}", "name": "A"}]}
        for number in range(PEOPLE)
    ]

    def post() -> intake.Account:
        return intake.take_in_posted(source="api", records=posted, by=None, at=NOON)

    threads(work("a", rows(turned=True)), post, post)

    assert Endpoint.objects.filter(kind="phone").count() == PEOPLE
    assert ProjectContact.objects.count() == PEOPLE
