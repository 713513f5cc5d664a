"""What workers and the intake write down of their troubles names nobody: only the rows meant for people do."""

import csv
import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from calls.services import news
from config.celery import app
from config.kernel.errors import DomainError
from config.kernel.redaction import brief, redact_quoted
from config.logs import JsonLines
from crm.models import Contact, Endpoint, IntakeRun
from crm.services.bulk.writing import Writer
from crm.tests import ingesting
from crm.tests.factories import ContactFactory

NAME, PHONE, EMAIL = "Dana Whitcomb", "+15125550134", "dana.whitcomb@example.com"
quick_reader = ingesting.quick_reader
CANARIES = ["whitcomb", "dana", "5550134", "555-0134", "555.0134", "555 0134"]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged while the test runs, as it would be written, Celery's own lines too."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    loggers = [logging.getLogger(), logging.getLogger("celery.app.trace")]
    for logger in loggers:
        logger.addHandler(handler)
    yield stream
    for logger in loggers:
        logger.removeHandler(handler)


def found(text: str) -> list[str]:
    return [canary for canary in CANARIES if canary in text.lower()]


def twice() -> None:
    Endpoint.objects.bulk_create([Endpoint(kind="email", value=EMAIL) for _ in range(2)])


def nameless() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO crm_company (name, name_key, city) VALUES ('', 'x', %s)", [NAME])


def no_number() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text::int", [NAME])


def refused() -> None:
    raise DomainError(f"{NAME} was deleted. Restore the contact first.")


def unknown() -> None:
    raise KeyError(NAME)


def unreadable() -> None:
    int(NAME)


TROUBLES: list[Callable[[], None]] = [twice, nameless, no_number, refused, unknown, unreadable]
app.loader.import_default_modules()  # as a worker does when it starts
OURS = sorted(name for name in app.tasks if name.startswith(("crm.", "calls.")))


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda one: one.__name__)
@pytest.mark.django_db
def test_a_task_that_breaks_says_where_and_on_nobody(log, monkeypatch, trouble):
    def broken(**asked: Any) -> int:
        with transaction.atomic():
            trouble()
        return 0

    monkeypatch.setattr(news, "tell_due", broken)
    ended = current_app.tasks["calls.tasks.tell_due_news"].apply()

    written = log.getvalue()
    assert ended.failed()
    assert "tell_due_news" in written
    assert "calls/tasks.py" in written
    assert found(written) == []


@pytest.mark.parametrize("name", OURS)
@pytest.mark.django_db
def test_a_task_that_works_names_nobody(log, name):
    ContactFactory(name=NAME, phone=PHONE, email=EMAIL)

    with suppress(Exception):
        current_app.tasks[name].apply()

    assert found(log.getvalue()) == []


def test_every_task_of_ours_is_known():
    assert len(OURS) >= 7


COLUMNS = ("project_id", "project_name", "contact_name", "role", "phone", "email", "title")
ROWS = [
    ("P-1", "Harbour", NAME, "owner", "512555013", "not an address of dana whitcomb", "Owner"),  # warned of
    ("", "", "", "", PHONE.replace("+1", "00000"), "dana.whitcomb@", NAME),  # refused: nothing says whom it means
    ("P-2", "Pier", NAME, "owner", PHONE, EMAIL, "Owner"),
]


def file_of(folder: Path) -> Path:
    path = folder / "permits.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *ROWS])
    return path


@pytest.mark.usefixtures("quick_reader")
@pytest.mark.django_db(transaction=True)
def test_an_intake_with_refused_rows_names_people_only_in_their_files(log, tmp_path, capsys):
    call_command("ingest", str(file_of(tmp_path)), "--json")
    said = capsys.readouterr()

    account = json.loads(said.out)["files"][0]
    side_files = "".join(path.read_text() for path in tmp_path.iterdir() if path.name != "permits.csv")
    assert account["refused"] == 1
    assert found(side_files)
    assert Contact.objects.filter(name=NAME).exists()
    assert found(log.getvalue() + said.out + said.err) == []
    assert found(json.dumps(list(IntakeRun.objects.values("error", "counts", "file_name")))) == []


@pytest.mark.parametrize("trouble", [twice, nameless, no_number, unknown], ids=lambda one: one.__name__)
@pytest.mark.usefixtures("quick_reader")
@pytest.mark.django_db(transaction=True)
def test_an_intake_that_breaks_keeps_the_reason_without_the_row(log, tmp_path, monkeypatch, trouble):
    def broken(self: Any, *asked: Any, **named: Any) -> None:
        trouble()

    monkeypatch.setattr(Writer, "write", broken)
    with pytest.raises((CommandError, KeyError)) as stopped:
        call_command("ingest", str(file_of(tmp_path)), "--json", stdout=io.StringIO(), stderr=io.StringIO())

    assert isinstance(stopped.value, KeyError) or found(str(stopped.value)) == []
    assert IntakeRun.objects.get().error or log.getvalue()
    assert found(log.getvalue() + IntakeRun.objects.get().error) == []


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ('relation "crm_company" violates "crm_company_has_a_name"', True),
        ('column "name_key" of relation "crm_company"', True),
        ('invalid input syntax for type uuid: "dana"', False),
        ("No such key: 'Dana Whitcomb'", False),
        ('It said "Dana', False),
    ],
)
def test_quoted_values_go_and_names_of_ours_stay(said, kept):
    assert (redact_quoted(said) == said) is kept
    assert found(redact_quoted(said)) == []


def test_a_refusal_is_known_by_its_code():
    assert brief(DomainError(f"{NAME} was deleted.")) == "config.kernel.errors.DomainError: refused"
