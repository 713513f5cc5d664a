"""The command as people run it: on files, the same one again, with every option, and what it tells them."""

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from crm.management.progress import Progress
from crm.models import Contact, IntakeRun
from crm.tests import ingesting
from crm.tests.dumps import versions
from crm.tests.ingesting import COLUMNS, write

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_reader")]
quick_reader = ingesting.quick_reader


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(
        tmp_path / "leads.csv",
        [
            ("P-1", "Tower", "Ada Example", "owner", "(512) 555-0134", "", "Owner"),
            ("P-1", "Tower", "Bo Sample", "builder", "5125550135.0", "bo@example.com", ""),
            ("P-2", "Bridge", "Cid Example", "owner", "1.21255E+10", "", ""),
            ("", "", "", "", "12", "", "Clerk"),
        ],
    )


@pytest.fixture
def ingest(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    def run(*arguments: object) -> dict[str, Any]:
        capsys.readouterr()
        try:
            call_command("ingest", "--json", *map(str, arguments))
        finally:
            run.told = capsys.readouterr()
        return json.loads(run.told.out)

    return run


def test_a_file_is_taken_in_without_any_option_and_accounted_for(ingest, file):
    account = ingest(file)

    assert {name: account[name] for name in ("rows", "created", "updated", "unchanged", "refused", "warnings")} == {
        "rows": 4,
        "created": 3,
        "updated": 0,
        "unchanged": 0,
        "refused": 1,
        "warnings": 1,
    }
    assert account["entities"]["contacts"] == {"created": 3}
    assert account["files"][0]["feed"] == "clearline"
    assert set(Contact.objects.values_list("name", "primary_phone")) == {
        ("Ada Example", "+15125550134"),
        ("Bo Sample", "+15125550135"),
        ("Cid Example", ""),
    }


def test_refused_rows_keep_their_columns_and_say_where_and_why(ingest, file):
    ingest(file)

    refused = read(file.parent / "leads.csv.refused.csv")
    assert [list(row) for row in refused] == [[*COLUMNS, "_row", "_line", "_field", "_code", "_reason"]]
    assert (refused[0]["phone"], refused[0]["title"], refused[0]["_row"], refused[0]["_line"]) == (
        "12",
        "Clerk",
        "4",
        "5",
    )
    assert (refused[0]["_code"], refused[0]["_field"]) == ("no_key", "phone")
    assert "no usable id, phone or e-mail" in refused[0]["_reason"]
    warnings = read(file.parent / "leads.csv.warnings.csv")
    assert [(row["row"], row["field"], row["code"]) for row in warnings] == [("3", "phone", "excel_mangled")]


def test_refused_rows_that_were_mended_are_taken_in_by_the_same_map(ingest, file):
    ingest(file)
    mended = file.with_name("mended.csv")
    mended.write_text((file.parent / "leads.csv.refused.csv").read_text().replace(",12,", ",512 555 0139,"))

    account = ingest(mended)

    assert (account["rows"], account["created"], account["files"][0]["feed"]) == (1, 1, "clearline")
    assert Contact.objects.get(primary_phone="+15125550139").attributes == {}


def test_a_row_with_a_huge_cell_keeps_the_cells_behind_it(ingest, tmp_path):
    huge = write(tmp_path / "huge.csv", [("P-1", "T" * 2_000_000, "Ada Example", "owner", "512 555 0134", "", "Clerk")])

    assert ingest(huge)["refused"] == 1

    [refused] = read(tmp_path / "huge.csv.refused.csv")
    assert (refused["project_id"], refused["contact_name"], refused["phone"]) == ("P-1", "Ada Example", "512 555 0134")
    assert (len(refused["project_name"]), refused["_code"]) == (2_000, "cell_too_long")


def test_a_row_with_too_many_cells_keeps_them_all(ingest, file):
    with file.open("a") as rows:
        rows.write("P-9,Tower,Dee,owner,512 555 0139,,Clerk,one,two\n")

    ingest(file)

    refused = read(file.parent / "leads.csv.refused.csv")[-1]
    assert (refused["project_id"], refused["phone"], refused["_code"]) == ("P-9", "512 555 0139", "long_row")
    assert refused["_reason"].endswith("Further cells: column 8: one; column 9: two")


def test_rows_that_the_database_refuses_keep_their_cells(ingest, file):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE crm_contact ADD CONSTRAINT no_bo CHECK (name <> 'Bo Sample')")
    try:
        account = ingest(file, "--chunk", "2")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE crm_contact DROP CONSTRAINT no_bo")

    assert (account["created"], account["refused"]) == (2, 2)
    refused = read(file.parent / "leads.csv.refused.csv")
    assert [(row["contact_name"], row["phone"], row["_code"]) for row in refused] == [
        ("Bo Sample", "5125550135.0", "database_refused"),
        ("", "12", "no_key"),
    ]


def test_a_database_that_gives_up_is_told_in_words_and_the_same_command_goes_on(ingest, file):
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.name = 'Cid Example' THEN "
            "RAISE EXCEPTION 'could not extend file for \"%\"', NEW.name USING ERRCODE = '53100'; "
            "END IF; RETURN NEW; END $$;"
            "CREATE TRIGGER full_disk BEFORE INSERT ON crm_contact FOR EACH ROW EXECUTE FUNCTION full_disk()"
        )
    other = write(file.parent / "others.csv", [("P-3", "Mill", "Dee Example", "owner", "", "dee@example.com", "")])
    try:
        with pytest.raises(CommandError, match=r"leads.csv: the database .*command goes on") as stopped:
            ingest(file, other, "--chunk", "2")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER full_disk ON crm_contact; DROP FUNCTION full_disk()")

    assert "Cid" not in str(stopped.value)
    assert set(Contact.objects.values_list("name", flat=True)) == {"Ada Example", "Bo Sample", "Dee Example"}
    assert ingest(file)["rows"] == 4
    assert Contact.objects.count() == 4


def test_the_file_that_is_taken_in_is_never_lost_to_its_refused_rows(ingest, file, tmp_path):
    before, link = file.read_bytes(), tmp_path / "link.csv"
    link.symlink_to(file)

    for there in (file, link):
        with pytest.raises(CommandError, match="is the file that is taken in"):
            ingest(file, "--refused", there)

    assert file.read_bytes() == before


def test_a_file_that_the_run_did_not_write_is_left_alone(ingest, file, tmp_path):
    mine = tmp_path / "mine.csv"
    mine.write_text("precious")
    default = tmp_path / "leads.csv.refused.csv"
    default.write_text("mended by hand")

    with pytest.raises(CommandError, match="is there already, and this run has not written it"):
        ingest(file, "--refused", mine)
    account = ingest(file)

    assert (mine.read_text(), default.read_text()) == ("precious", "mended by hand")
    assert account["files"][0]["refused_file"] == str(tmp_path / "leads.csv.refused.2.csv")
    assert [row["_code"] for row in read(tmp_path / "leads.csv.refused.2.csv")] == ["no_key"]


def test_taking_a_file_in_again_leaves_the_refused_rows_of_the_first_time(ingest, file):
    ingest(file)
    first = file.parent / "leads.csv.refused.csv"
    first.write_text("mended by hand")

    again = ingest(file, "--again")

    assert first.read_text() == "mended by hand"
    assert again["files"][0]["refused_file"] == str(file.parent / "leads.csv.refused.2.csv")


def test_refused_rows_go_into_a_directory_that_is_there(ingest, file, tmp_path):
    with pytest.raises(CommandError, match="is no directory"):
        ingest(file, "--refused", tmp_path / "nowhere" / "refused.csv")


@pytest.mark.parametrize("how", [(), ("--dry-run",)])
def test_a_file_may_be_called_anything(ingest, file, how):
    odd = file.rename(os.fsdecode(os.fsencode(file.parent) + b"/caf\xe9.csv"))

    account = ingest(odd, *how)

    assert account["rows"] == 4
    if not how:
        assert IntakeRun.objects.get().file_name == "caf\ufffd.csv"
        assert read(Path(account["files"][0]["refused_file"]))


def test_side_files_go_to_the_working_directory_where_the_file_lies_out_of_reach(ingest, file, tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != file.parent)

    account = ingest(file)

    assert account["files"][0]["refused_file"] == str(here / "leads.csv.refused.csv")
    assert (here / "leads.csv.refused.csv").exists()
    assert not (file.parent / "leads.csv.refused.csv").exists()


def test_the_same_file_again_is_answered_at_once_and_once_more_changes_nothing(ingest, file):
    ingest(file)
    written = versions()

    again = ingest(file)
    once_more = ingest(file, "--again")

    assert (again["created"], again["updated"], again["unchanged"], again["refused"]) == (0, 0, 3, 1)
    assert again["files"][0]["again"] is True
    assert (once_more["created"], once_more["updated"], once_more["unchanged"], once_more["refused"]) == (0, 0, 3, 1)
    assert versions() == written


def test_a_dry_run_reads_everything_and_writes_nothing(ingest, file):
    account = ingest(file, "--dry-run")

    assert (account["rows"], account["refused"], account["warnings"]) == (4, 1, 1)
    assert not IntakeRun.objects.exists()
    assert not Contact.objects.exists()
    assert list(file.parent.iterdir()) == [file]
    assert "project_id: project.project_id" in ingest.told.err


def test_another_source_of_the_same_file_is_another_run(ingest, file):
    ingest(file)

    account = ingest(file, "--source", "somebody else")

    assert account["files"][0]["source"] == "somebody else"
    assert IntakeRun.objects.count() == 2
    assert (account["created"], account["unchanged"]) == (0, 3)


def test_files_that_cannot_be_read_are_named_and_the_others_are_taken_in(capsys, file, tmp_path):
    workbook = tmp_path / "report.xls"
    workbook.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    empty = tmp_path / "empty.csv"
    empty.touch()

    with pytest.raises(CommandError) as told:
        call_command("ingest", "--json", str(workbook), str(empty), str(tmp_path / "missing.csv"), str(file))

    for words in ("report.xls is a spreadsheet", "empty.csv is empty", "missing.csv: No such file"):
        assert words in str(told.value)
    account = json.loads(capsys.readouterr().out)
    codes = [entry["error"]["code"] for entry in account["files"] if "error" in entry]
    assert codes == ["not_a_table", "empty_file", "unreadable_file"]
    assert account["created"] == 3


def test_a_feed_map_that_does_not_exist_is_named_with_those_that_do(ingest, file):
    with pytest.raises(CommandError, match=r"no feed map 'sauce'.*austin_permits"):
        ingest(file, "--feed", "sauce")


@pytest.mark.parametrize("arguments", [["--chunk", "0"], ["--refused", "x.csv", "b.csv"]])
def test_options_that_make_no_sense_are_refused(file, arguments):
    with pytest.raises(CommandError):
        call_command("ingest", str(file), *arguments)


def test_without_the_tables_it_says_how_to_make_them(file):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE crm_intakerun RENAME TO elsewhere")
        try:
            with pytest.raises(CommandError, match=r"Run \./dev migrate"):
                call_command("ingest", str(file))
        finally:
            cursor.execute("ALTER TABLE elsewhere RENAME TO crm_intakerun")


def test_people_get_a_table(capsys, file):
    call_command("ingest", str(file))

    told = capsys.readouterr().out
    assert "4 rows = 3 created + 0 updated + 0 unchanged + 1 refused" in told
    assert "leads.csv.refused.csv" in told


def test_a_terminal_sees_a_bar_and_a_log_sees_lines():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for out, start in ((Terminal(), "\r"), (io.StringIO(), "leads.csv  [############............]  50%  10 rows")):
        Progress(out, "leads.csv", 100).show(rows=10, done=50)
        assert out.getvalue().startswith(start)
        assert "10 rows" in out.getvalue()
