"""Lines of COPY are made in two quicker ways, which must come to the same as escaping every value of every column."""

from hypothesis import given
from hypothesis import strategies as st

from crm.services.bulk.columns import BLANKS, CONTACT, NewLine, are_plain, copy_line, escaped, full

texts = st.text(st.sampled_from("ab \\\t\n\r\"'{},|é\u2028\x1f"), max_size=6)
values = st.one_of(texts, st.none(), st.booleans(), st.integers(), st.lists(texts, max_size=3))
maps = st.dictionaries(texts, texts, max_size=2)
said = {name: maps if BLANKS.get(name) == {} else values for name in CONTACT}


@given(columns=st.fixed_dictionaries({}, optional=said))
def test_a_row_of_which_little_is_said_has_the_line_of_all_its_columns(columns):
    assert NewLine(CONTACT).of(columns) == copy_line(full(columns, "contact").values())


@given(rows=st.lists(st.tuples(texts, texts), max_size=5))
def test_lines_are_plain_only_where_escaping_changes_nothing(rows):
    lines = "".join(f"{one}\t{other}\n" for one, other in rows)

    if are_plain(lines, rows=len(rows), width=2):
        assert lines == "".join(f"{escaped(one)}\t{escaped(other)}\n" for one, other in rows)


def test_ordinary_lines_are_plain_and_a_tab_or_a_backslash_in_a_value_is_seen():
    assert are_plain('phone\t+15125550134\nname\tAda, née "B"\n', rows=2, width=2)
    assert not any(are_plain(f"name\tA{odd}B\n", rows=1, width=2) for odd in "\t\n\r\\")
