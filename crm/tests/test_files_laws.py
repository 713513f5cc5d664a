"""What holds for every file: laws, real files, and cost."""

import csv
import io
import random
import time
import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.testing import examples
from crm.services.files import lines as lines_module
from crm.services.files.delimited import Reader
from crm.services.files.dialects import Dialect
from crm.services.files.rows import BadRow, Row
from crm.services.files.sources import EmptyFile, UnreadableFile
from crm.services.files.tables import open_table
from crm.tests.real_inputs import json_of, path_of
from crm.tests.tables import ADA, HEADER, cells_of, read

# Laws


CELL = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12)


@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=12),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    block=st.integers(min_value=1, max_value=40),
)
@example(rows=[["\r", "\n", '"']], delimiter=",", end="\r\n", block=1)
@examples(90)
def test_whatever_was_written_is_read_wherever_blocks_end(rows, delimiter, end, block):
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    reader = Reader(Dialect(delimiter), "utf-8", "\n", width=3)
    before, lines_module.BLOCK = lines_module.BLOCK, block
    try:
        found = [raw.cells for raw in reader.rows(io.BytesIO(out.getvalue().encode()))]
    finally:
        lines_module.BLOCK = before

    assert found == rows


@given(st.binary(max_size=400), st.sampled_from(["a.csv", "a.tsv", "a.json", "a.jsonl", "a.csv.gz"]))
@example(b"a,b\n\x00", "a.csv")
@example(b"\xff\xfe", "a.csv")
@example(b'"', "a.csv")
@example(b'{"a": [{"b": 1}]} x', "a.json")
@examples(200)
def test_no_bytes_crash_us_and_rows_are_numbered_without_gaps(data, name):
    try:
        _, rows = read(data, name=name)
    except UnreadableFile:
        return

    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert [row.line for row in rows] == sorted(row.line for row in rows)


@given(st.data())
@examples(40)
def test_damaged_bytes_cost_rows_but_never_the_file(data):
    whole = bytearray(HEADER + ADA * 30)
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(len(HEADER), len(whole) - 1))] = data.draw(st.sampled_from(b'",\n\r;\0\xff'))

    _, rows = read(bytes(whole))

    assert sum(isinstance(row, Row) for row in rows) >= 18


# Real files


def test_the_columns_of_real_files_are_right():
    """The gold: annotated dialects of files from GitHub, and hand-cleaned files from open data portals."""
    expected = json_of("messy_csv/EXPECTED.json")
    judged, right, wrong = 0, 0, []
    for name, gold in expected.items():
        if not name.startswith(("csv_wrangling", "pollock_survey")):
            continue
        with open_table(path_of(f"messy_csv/{name}"), name=name) as table:
            judged += 1
            right += len(table.columns) == gold.get("columns", gold.get("columns_mode"))
            if len(table.columns) != gold.get("columns", gold.get("columns_mode")):
                wrong.append(name)

    assert judged == 113
    assert right / judged >= 0.95, wrong


def test_every_messy_file_is_read_unless_it_is_empty_and_every_row_is_accounted_for():
    for path in sorted(path_of("messy_csv").rglob("*.[ct]sv")):
        try:
            with open_table(path, name=path.name) as table:
                rows = list(table.rows())
        except EmptyFile:
            assert not path.read_bytes().strip(b"\r\n, "), path.name
            continue
        assert [row.number for row in rows] == list(range(1, len(rows) + 1)), path.name
        assert all(row.reason and row.line for row in rows if isinstance(row, BadRow)), path.name


def test_files_that_are_bad_on_purpose_are_reported():
    folder = path_of("messy_csv/csv_test_data")

    def outcome(name):
        with open_table(folder / name, name=name) as table:
            return [getattr(row, "code", "") or row.note for row in table.rows()]

    assert outcome("bad-header-more-fields.csv") == ["long_row"]
    assert outcome("bad-unescaped-quote.csv") == ["stray_quote"]
    assert outcome("bad-header-wrong-header.csv") == []  # and nothing can be done with its columns: see test_feeds
    with pytest.raises(EmptyFile):
        outcome("bad-header-no-header.csv")


@pytest.mark.parametrize("folder", ["csv_spectrum", "csv_test_data"])
def test_the_acid_tests_come_out_as_their_gold_says(folder):
    judged = 0
    for path in sorted(path_of(f"messy_csv/{folder}").glob("*.csv")):
        if not path.with_name(path.name + ".expected.json").exists():
            continue
        gold = json_of(f"messy_csv/{folder}/{path.name}.expected.json")
        with open_table(path, name=path.name) as table:
            rows = cells_of(table.rows())
            if folder == "csv_spectrum":
                rows = [dict(zip(table.columns, row, strict=True)) for row in rows]
            else:
                rows = [table.header, *rows]
        assert rows == gold, path.name
        judged += 1

    assert judged == 6


# Cost


def test_memory_does_not_grow_with_the_file(tmp_path):
    path = tmp_path / "big.csv"
    path.write_bytes(HEADER + ADA.replace(b"Ada", b"Ada " * 40) * 100_000)
    tracemalloc.start()
    try:
        with open_table(path, name=path.name) as table:
            assert sum(1 for _ in table.rows()) == 100_000
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < 12_000_000 < path.stat().st_size


def test_many_open_quotes_do_not_make_reading_slow():
    rng = random.Random(7)
    rows = [ADA if rng.random() < 0.8 else b'Bo,"1,bo@example.com\n' for _ in range(20_000)]

    began = time.process_time()
    _, read_rows = read(HEADER + b"".join(rows))

    assert len(read_rows) == 20_000
    assert time.process_time() - began < 20  # some tenths of a second; quadratic work would take minutes
