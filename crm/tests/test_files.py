"""What a table is made of: encodings, dialects and headers."""

import csv
import gzip
import io
import random

import pytest

from crm.services.files.rows import BadRow, Row
from crm.services.files.tables import open_table
from crm.tests.real_inputs import path_of
from crm.tests.tables import ADA, ADA_CELLS, HEADER, cells_of, read

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


def test_names_that_differ_in_their_spelling_alone_are_one_name_twice():
    table, rows = read(b"phone,Phone,E-Mail,email,phone 2,%,#\n1,2,3,4,5,6,7\n")

    assert table.columns == ["phone", "Phone (3)", "E-Mail", "email (2)", "phone 2", "%", "#"]
    assert rows[0].cells == list("1234567")


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
