"""JSON and JSON lines as tables."""

import io

import pytest

from crm.services.files.rows import BadRow, Row
from crm.services.files.sources import NotATable, UnreadableFile
from crm.services.files.tables import open_table
from crm.tests.real_inputs import path_of
from crm.tests.tables import cells_of, read


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


@pytest.mark.parametrize("second", ["phone", "Phone", "PHONE "])
@pytest.mark.parametrize("name", ["people.json", "people.jsonl"])
def test_a_name_that_an_object_says_twice_is_told_apart(second, name):
    row = '{"name": "Ada", "phone": 1, "again": 2}'.replace("again", second)
    text = f"{row}\n{row}\n" if name.endswith("l") else f"[{row}, {row}]"

    table, rows = read(text.encode(), name=name)

    assert table.columns == ["name", "phone", f"{second} (2)"]
    assert cells_of(rows) == [["Ada", "1", "2"]] * 2
    assert f"{second} (2)" in table.remarks[-1]


def test_another_spelling_in_another_object_is_the_same_column():
    objects = ['{"phone": 1}'] * 600 + ['{"Phone": 2}', '{"phone": 3, "Phone": 4}']

    table, rows = read(f"[{','.join(objects)}]".encode(), name="people.json")

    assert table.columns == ["phone"]
    assert rows[-2:] == [Row(601, 1, ["2"]), Row(602, 1, ["3"], "", {"Phone (2)": "4"})]


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


def test_a_broken_first_line_is_refused_alone():
    table, rows = read(b'{"name": "Ada"\n[1, null]\nnull\n{"name": "Bo", "age": 1}\n', name="people.jsonl")

    assert table.columns == ["name", "age"]
    assert [row.code for row in rows[:3]] == ["broken_json_line", "not_an_object", "not_an_object"]
    assert [row.raw for row in rows[1:3]] == ['["1", null]', "null"]
    assert rows[3].cells == ["Bo", "1"]


def test_lines_of_which_none_is_an_object_are_refused_as_a_file():
    with pytest.raises(NotATable, match="The line is no JSON"):
        open_table(io.BytesIO(b"name,age\nAda,36\n"), name="people.jsonl")
