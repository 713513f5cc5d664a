"""Rows and files that cannot be read."""

import gzip

import pytest

from crm.services.files.rows import BadRow, Row
from crm.services.files.sources import BrokenArchive, EmptyFile, NotATable, UnpacksTooFar
from crm.services.files.tables import open_table
from crm.tests.real_inputs import path_of
from crm.tests.tables import ADA, ADA_CELLS, HEADER, cells_of, read

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
