import csv
import gzip
import io
import random
import time
import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crm.services.files import lines as lines_module
from crm.services.files.delimited import Reader
from crm.services.files.dialects import Dialect
from crm.services.files.rows import BadRow, Row
from crm.services.files.sources import BrokenArchive, EmptyFile, NotATable, UnpacksTooFar, UnreadableFile
from crm.services.files.tables import open_table
from crm.tests.real_inputs import json_of, path_of

HEADER = b"name,phone,email\n"
ADA = b"Ada Example,+1 512 555 0134,ada@example.com\n"
ADA_CELLS = ["Ada Example", "+1 512 555 0134", "ada@example.com"]


def read(data, *, name="people.csv", start=0):
    with open_table(io.BytesIO(data), name=name) as table:
        return table, list(table.rows(start))


def cells_of(rows):
    return [row.cells for row in rows if isinstance(row, Row)]


# What a table is made of


def test_a_table_knows_its_columns_its_rows_and_the_lines_they_stand_in():
    table, rows = read(HEADER + b'"Bo\nExample",1,bo@example.com\n' + ADA)

    assert (table.kind, table.encoding, table.columns) == ("csv", "utf-8", ["name", "phone", "email"])
    assert rows == [Row(1, 2, ["Bo\nExample", "1", "bo@example.com"]), Row(2, 4, ADA_CELLS)]


def test_the_hash_of_the_bytes_is_there_before_the_first_row_is_read():
    plain, _ = read(HEADER + ADA)
    packed, rows = read(gzip.compress(HEADER + ADA, mtime=0), name="people.csv.gz")

    assert len(packed.content_hash) == 64
    assert packed.content_hash != plain.content_hash
    assert cells_of(rows) == [ADA_CELLS]


def test_progress_goes_from_nothing_to_the_size_of_the_file(tmp_path):
    path = tmp_path / "people.csv.gz"
    rng = random.Random(1)
    path.write_bytes(gzip.compress(HEADER + b"".join(b"%030x,1,2\n" % rng.getrandbits(120) for _ in range(50_000))))

    with open_table(path, name=path.name) as table:
        seen = [table.bytes_read for _ in table.rows()]

        assert table.total_bytes == path.stat().st_size == seen[-1]
        assert seen == sorted(seen)
        assert seen[0] < seen[-1]


def test_a_stream_that_cannot_be_rewound_is_read_all_the_same():
    class Pipe(io.RawIOBase):
        def __init__(self, data):
            self._rest = io.BytesIO(data)

        def readable(self):
            return True

        def readinto(self, buffer):
            return self._rest.readinto(buffer)

    with open_table(io.BufferedReader(Pipe(HEADER + ADA)), name="people.csv") as table:
        assert cells_of(table.rows()) == cells_of(table.rows()) == [ADA_CELLS]


def test_reading_goes_on_behind_any_row_as_if_it_had_never_stopped():
    data = HEADER + (ADA + b'\n"broken,1,2\n' + b"Bo,2,bo@example.com\n") * 40
    _, whole = read(data)

    for start in (0, 1, 2, 3, 61, 119, 120, 500):
        assert read(data, start=start)[1] == whole[start:]


FIRST_ROWS = {
    "unclosed_quote": b'"Bo,1,2\n',
    "cell_too_long": b"Bo," + b"1" * ((1 << 20) + 1) + b",bo@example.com\n",
    "stray_quote": b'"Bo" Example,1,"2" x,3,4\n',
}


@pytest.mark.parametrize("code", FIRST_ROWS)
@pytest.mark.parametrize("behind", [ADA, b'Cy,"3",cy@example.com\n', b""], ids=["plain", "quoted", "nothing"])
def test_an_unreadable_row_right_under_the_header_is_counted_and_refused(code, behind):
    _, rows = read(HEADER + FIRST_ROWS[code] + behind * 3)

    assert (rows[0].number, rows[0].line, rows[0].code) == (1, 2, code)
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert len(cells_of(rows)) == (3 if behind else 0)


def test_several_unreadable_rows_under_the_header_are_as_many_refusals():
    table, rows = read(HEADER + b'"Bo,1,2\n"Cy,1,2\n\n"Di" x,"1" y,"2" z,4\n' + b'Eve,"3",eve@example.com\n')

    assert [(type(row), row.line) for row in rows] == [(BadRow, 2), (BadRow, 3), (BadRow, 5), (Row, 6)]
    assert table.remarks == []


def test_an_unreadable_line_above_the_header_is_told():
    table, rows = read(b'"Report of "May"\n' + HEADER + ADA * 3)

    assert cells_of(rows) == [ADA_CELLS] * 3
    assert table.remarks == ["Above the header in line 2 stands text that was passed over."]


@pytest.mark.parametrize("name", ["permits/austin_permits_2014_q1.csv.gz", "permits/maryland_mbe_directory.json"])
def test_a_real_file_reads_the_same_from_any_row_on(name):
    with open_table(path_of(name), name=name) as table:
        whole = list(table.rows())

        for start in (1, 250, 496):
            assert list(table.rows(start)) == whole[start:]


# Encodings


@pytest.mark.parametrize(
    ("encoding", "seen_as"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("windows-1252", "windows-1252"),
        ("latin-1", "windows-1252"),
    ],
)
def test_accents_survive_in_any_encoding(encoding, seen_as):
    text = "name,city\nJürgen Müßig,Besançon\nZoë Ångström,Málaga\n"

    table, rows = read(text.encode(encoding))

    assert table.encoding == seen_as
    assert cells_of(rows) == [["Jürgen Müßig", "Besançon"], ["Zoë Ångström", "Málaga"]]


def test_russian_and_japanese_are_recognized_by_what_they_say():
    russian, _ = read("имя;город\nЮлия Жилина;Ставрополь\n".encode("windows-1251"))
    japanese, rows = read("id,text\n1,本日はいい天気\n2,テスト\n".encode("cp932"))

    assert (russian.encoding, russian.columns) == ("windows-1251", ["имя", "город"])
    assert (japanese.encoding, cells_of(rows)[1]) == ("cp932", ["2", "テスト"])


def test_one_broken_character_does_not_garble_the_others():
    table, rows = read("name,city\nZoë,Málaga\nÅsa,Køge\n".encode() + b"J\xfcrgen,K\xf6ln\n" * 1)

    assert table.encoding == "utf-8"
    assert cells_of(rows) == [["Zoë", "Málaga"], ["Åsa", "Køge"], ["Jürgen", "Köln"]]
    assert any("Windows-1252" in remark for remark in table.remarks)


def test_nuls_are_left_out_and_told():
    table, rows = read(HEADER + b"Ad\0a,1\0,ada@example.com\n")

    assert cells_of(rows) == [["Ada", "1", "ada@example.com"]]
    assert any("NUL" in remark for remark in table.remarks)


# Dialects and headers


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "#", "~"])
@pytest.mark.parametrize("quote", ['"', "'"])
def test_the_delimiter_and_the_quote_are_found(delimiter, quote):
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quotechar=quote, quoting=csv.QUOTE_ALL)
    people = [
        ["Ada Example", f"Austin{delimiter} TX", "ada@example.com"],
        ["Bo", f"Waco{delimiter} TX", "bo@example.com"],
    ]
    writer.writerows([["name", "city", "email"], *people])

    table, rows = read(out.getvalue().encode())

    assert (table.dialect.delimiter, table.dialect.quote) == (delimiter, quote)
    assert cells_of(rows) == people


def test_quotes_escaped_by_a_backslash_are_understood():
    table, rows = read(b'name,note\n"Ada","a \\"b\\" c, d"\n"Bo","e \\"f\\" g, h"\n')

    assert table.dialect.escape == "\\"
    assert cells_of(rows) == [["Ada", 'a "b" c, d'], ["Bo", 'e "f" g, h']]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_may_end_as_they_like(end):
    _, rows = read((HEADER + ADA * 2).replace(b"\n", end))

    assert cells_of(rows) == [ADA_CELLS] * 2


def test_names_that_occur_twice_or_not_at_all_are_made_unique():
    table, _ = read(b"lat,lng,,lat,\n1,2,3,4,5\n")

    assert table.columns == ["lat", "lng", "column 3", "lat (2)", "column 5"]
    assert any("lat (2)" in remark for remark in table.remarks)


def test_a_title_above_the_header_is_passed_over():
    table, rows = read(b'Notes:\n"When exporting, some addresses are missing."\n\nname,email\nAda,ada@example.com\n')

    assert table.header == ["name", "email"]
    assert rows == [Row(1, 5, ["Ada", "ada@example.com"])]


def test_a_file_without_a_header_loses_no_row():
    table, rows = read(b"Ada,+1 512 555 0134,2014-01-31\nBo,+1 512 555 0135,2014-02-28\n")

    assert (table.header, table.columns) == (None, ["column 1", "column 2", "column 3"])
    assert len(rows) == 2


def test_a_header_without_rows_is_a_table_without_rows():
    table, rows = read(HEADER)

    assert (table.columns, rows) == (["name", "phone", "email"], [])


# Bad rows


def test_an_open_quote_costs_its_own_row_and_no_other():
    _, rows = read(HEADER + ADA * 3 + b'Bo,"+1 512,bo@example.com\n' + ADA * 100_000)

    bad = [row for row in rows if isinstance(row, BadRow)]
    assert [(row.number, row.line, row.code) for row in bad] == [(4, 5, "unclosed_quote")]
    assert bad[0].raw == 'Bo,"+1 512,bo@example.com\n'
    assert len(rows) == 100_004


def test_an_open_quote_that_a_later_row_happens_to_close_costs_no_other_row_either():
    _, rows = read(HEADER + ADA + b'Bo,"1,bo@example.com\n' + ADA + b'Cy,"2",cy@example.com\n' + ADA)

    assert [(row.number, type(row)) for row in rows] == [(1, Row), (2, BadRow), (3, Row), (4, Row), (5, Row)]
    assert rows[3].cells == ["Cy", "2", "cy@example.com"]


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        (b'Bo,"1,bo@example.com\n', b'Cy",2,cy@example.com\n'),  # together four cells
        (b'"Bo,1,bo@example.com\n', b'Cy",2,cy@example.com\n'),  # together three, as a row should have
    ],
)
def test_two_quotes_far_apart_swallow_nothing_between_them(opening, closing):
    _, rows = read(HEADER + ADA * 20 + opening + ADA * 10 + closing + ADA)

    assert cells_of(rows)[20:30] == [ADA_CELLS] * 10
    assert next((row.line, row.code) for row in rows if isinstance(row, BadRow)) == (22, "unclosed_quote")
    assert rows[-1].cells == ADA_CELLS


def test_lines_of_text_in_one_cell_are_one_cell():
    letter = "Dear all,\n\nplease call, do not write.\nRegards, Ada"

    _, rows = read(HEADER + f'Ada,"{letter}",ada@example.com\n'.encode() + ADA)

    assert cells_of(rows) == [["Ada", letter, "ada@example.com"], ADA_CELLS]


def test_a_stray_quote_is_read_as_it_stands_and_told():
    _, rows = read(HEADER + b'Ada "the first" Example,1,ada@example.com\n' + ADA)

    assert rows[0] == Row(1, 2, ['Ada "the first" Example', "1", "ada@example.com"], "stray_quote")
    assert rows[1].note == ""


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (b"Bo," + b"x" * 2_000_000 + b",bo@example.com\n", "cell_too_long"),
        (b'Bo,"' + b"x " * 1_000_000 + b'",bo@example.com\n', "cell_too_long"),
        (b"Bo," + b"x" * 6_000_000 + b",bo@example.com\n", "line_too_long"),
        (b"Bo,1,bo@example.com,2\n", "long_row"),
        (b"Bo\n", "short_row"),
        (HEADER, "repeated_header"),
    ],
)
def test_a_bad_row_says_where_and_why_and_reading_goes_on(row, code):
    _, rows = read(HEADER + ADA + row + ADA)

    assert [type(item) for item in rows] == [Row, BadRow, Row]
    assert (rows[1].number, rows[1].line, rows[1].code) == (2, 3, code)
    assert rows[1].reason
    assert len(rows[1].raw) <= 2_000
    assert rows[2].line == 4


def test_a_cell_of_two_megabytes_in_lines_swallows_nothing():
    _, rows = read(HEADER + b'Bo,"' + b"xxxx\n" * 400_000 + b'",bo@example.com\n' + ADA)

    assert (rows[0].line, rows[0].code) == (2, "unclosed_quote")
    assert rows[-1].cells == ADA_CELLS


def test_blank_rows_are_no_rows_and_blank_cells_too_many_are_cut():
    _, rows = read(HEADER + b"\n,,\n  , ,\n" + ADA.replace(b"\n", b",,,\n") + b"\n" + ADA * 2)

    assert rows == [Row(1, 5, ADA_CELLS), Row(2, 7, ADA_CELLS), Row(3, 8, ADA_CELLS)]


def test_cells_that_are_missing_at_the_end_are_blank_and_told():
    _, rows = read(HEADER + b"Bo,1\n" + ADA)

    assert rows[0] == Row(1, 2, ["Bo", "1", ""], "short_row")


# JSON


def test_the_rows_of_json_are_found_wherever_they_lie():
    people = '[{"name": "Ada", "age": 36}, {"name": "Bo", "age": 1.50}]'
    for text in (
        people,
        '{"meta": {"tags": ["x"]}, "people": ' + people + "}",
        '{"success": true, "result": {"fields": [{"id": "name"}], "records": ' + people + "}}",
        '{"fields": [{"name": "name"}], "features": [{"attributes": {"name": "Ada", "age": 36}}, '
        '{"attributes": {"name": "Bo", "age": 1.50}}]}',
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"name": "Ada", "age": 36}}, '
        '{"type": "Feature", "properties": {"name": "Bo", "age": 1.50}}]}',
        '{"name": "Ada", "age": 36}\n{"name": "Bo", "age": 1.50}\n',
    ):
        table, rows = read(text.encode(), name="people.json")
        assert (table.columns, cells_of(rows)) == (["name", "age"], [["Ada", "36"], ["Bo", "1.50"]])


def test_nested_values_become_columns_of_text():
    _, rows = read(
        b'[{"a": {"b": null, "c": true}, "d": ["x", "y"], "e": "\\ud83d z\\u0000", "f": [{"g": 1}]}]', name="a.json"
    )

    assert rows[0].cells == ["", "true", "x; y", "\ufffd z", '[{"g": "1"}]']


def test_a_point_of_a_feature_becomes_longitude_and_latitude():
    table, rows = read(
        b'{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"id": 1}, '
        b'"geometry": {"type": "Point", "coordinates": [-97.7, 30.2]}}]}',
        name="a.geojson",
    )

    assert (table.columns, rows[0].cells) == (["id", "longitude", "latitude"], ["1", "-97.7", "30.2"])


def test_a_name_that_first_appears_late_is_not_lost():
    objects = ",".join('{"a": 1}' for _ in range(600)) + ',{"a": 2, "b": 3}'

    _, rows = read(f"[{objects}]".encode(), name="a.json")

    assert rows[-1] == Row(601, 1, ["2"], "", {"b": "3"})


def test_a_broken_line_of_json_lines_costs_its_own_row():
    _, rows = read(b'{"a": 1}\n{"a": 2\n\n{"a": 3}\n[4]\n', name="a.jsonl")

    assert [(row.number, row.line, getattr(row, "code", "")) for row in rows] == [
        (1, 1, ""),
        (2, 2, "broken_json_line"),
        (3, 4, ""),
        (4, 5, "not_an_object"),
    ]


def test_json_that_breaks_off_says_where():
    _, rows = read(b'[{"a": 1},\n{"a": 2},\n{"a": ', name="a.json")

    assert cells_of(rows) == [["1"], ["2"]]
    assert (rows[-1].number, rows[-1].line, rows[-1].code) == (3, 3, "broken_json")


def test_the_json_test_suite_is_parsed_refused_and_never_crashes_us():
    folder = path_of("fuzz/json_parsing")
    judged = 0
    for path in sorted(folder.iterdir()):
        try:
            with open_table(path, name=path.name) as table:
                broken = [row for row in table.rows() if isinstance(row, BadRow) and row.code.startswith("broken")]
        except UnreadableFile as refusal:
            broken = [str(refusal)]
        assert path.name[0] != "y" or not broken, path.name
        assert path.name[0] != "n" or broken, path.name
        judged += 1

    assert judged > 150


@pytest.mark.parametrize("text", [b"[" * 100_000, b'{"a":' * 100_000, b'[{"a":' + b"[" * 100_000])
def test_json_nested_without_end_is_refused_with_a_reason(text):
    with pytest.raises(NotATable, match="nested too deeply"):
        read(text, name="deep.json")


# What is no table


@pytest.mark.parametrize(
    ("name", "data", "error", "words"),
    [
        ("a.csv", b"", EmptyFile, "not one row"),
        ("a.csv", b" \n\r\n\n", EmptyFile, "not one row"),
        ("a.csv", b"\xef\xbb\xbf", EmptyFile, "not one row"),
        ("a.csv", b",,\n,,\n", EmptyFile, "not one row"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), NotATable, "Save as > CSV"),
        ("a.xlsx", b"PK\x03\x04 [Content_Types].xml", NotATable, "Save as > CSV"),
        ("a.zip", b"PK\x03\x04 people.csv", NotATable, "unpack it first"),
        ("a.csv", b"%PDF-1.7 ", NotATable, "PDF"),
        ("a.csv", b"<!DOCTYPE html><html><table>", NotATable, "web page"),
        ("a.csv", bytes(range(256)) * 40, NotATable, "not text"),
        ("a.csv.gz", gzip.compress(HEADER + ADA * 1000, mtime=0)[:-30], BrokenArchive, "cut"),
        ("a.csv.gz", gzip.compress(HEADER, mtime=0) + b"\x1f\x8bjunk", BrokenArchive, "gzip"),
        ("a.json", b'{"a": 1', NotATable, "no JSON"),
    ],
)
def test_what_is_no_table_is_refused_with_a_way_out(name, data, error, words):
    with pytest.raises(error, match=words):
        read(data, name=name)


def test_a_real_report_for_people_is_refused():
    path = path_of("permits/denver_report_2018-0101-0105.xls")

    with pytest.raises(NotATable, match="spreadsheet"):
        open_table(path, name=path.name)


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused_before_it_fills_anything():
    bomb = gzip.compress(b"0" * (300 << 20))

    with pytest.raises(UnpacksTooFar):
        read(bomb, name="bomb.csv.gz")


def test_a_feed_that_repeats_every_line_is_no_bomb():
    assert len(read(gzip.compress(HEADER + ADA * 100_000), name="a.csv.gz")[1]) == 100_000


# Laws

CELL = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12)


@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=12),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    block=st.integers(min_value=1, max_value=40),
)
@example(rows=[["\r", "\n", '"']], delimiter=",", end="\r\n", block=1)
@settings(max_examples=150, deadline=None)
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
@settings(max_examples=300, deadline=None)
def test_no_bytes_crash_us_and_rows_are_numbered_without_gaps(data, name):
    try:
        _, rows = read(data, name=name)
    except UnreadableFile:
        return

    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert [row.line for row in rows] == sorted(row.line for row in rows)


@given(st.data())
@settings(max_examples=60, deadline=None)
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
    path.write_bytes(HEADER + ADA * 400_000)
    tracemalloc.start()
    try:
        with open_table(path, name=path.name) as table:
            assert sum(1 for _ in table.rows()) == 400_000
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
