"""The laws of reading: one item comes out for every row, whatever stands in it."""

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from config.testing import examples
from crm.services.feeds.choosing import choose_feed
from crm.services.feeds.maps import library
from crm.services.feeds.reading import read_records
from crm.tests.reading import records_of, table_of

# A file full of control characters is no text, and refused as a whole.
WORD = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.sampled_from("\t\r\n"), max_size=30)
HEADERS = st.sampled_from([feed.match.names or [part[0] for part in feed.match.columns] for feed in library().values()])


@given(header=HEADERS, rows=st.lists(st.lists(WORD, min_size=12, max_size=12), max_size=6))
@examples(90)
def test_whatever_stands_in_the_cells_one_item_comes_out_for_every_row(header, rows):
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow([*header, "email"])
    writer.writerows([*row[: len(header)], *["x"] * (len(header) - 12), "ada@example.com"] for row in rows)

    _, items = records_of(out.getvalue())

    assert [item.row for item in items] == list(range(1, len(rows) + 1))


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["phone", "email", "name", "note"]),
            st.recursive(
                st.none() | st.booleans() | st.integers() | WORD,
                lambda inner: st.lists(inner, max_size=3),
                max_leaves=4,
            ),
            max_size=4,
        ),
        min_size=1,
        max_size=5,
    )
)
@examples(50)
def test_json_of_any_shape_gives_one_item_for_every_element(objects):
    with table_of(json.dumps([{"phone": "", "name": ""}, *objects]), "a.json") as table:
        items = list(read_records(table, choose_feed(table)))

    assert [item.row for item in items] == list(range(1, len(objects) + 2))
