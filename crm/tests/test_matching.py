from dataclasses import dataclass

import pytest

from crm.services.matching import Directory, Keys, Line, find, sort_lines, two_ids

PHONE, OTHER_PHONE, EMAIL = ("phone", "+15125550134"), ("phone", "+15125550135"), ("email", "ada@example.com")


@dataclass(eq=False)
class Somebody:
    id: str
    contact_id: str = ""


@pytest.fixture
def ada() -> Somebody:
    return Somebody("ada", contact_id="x-1")


@pytest.fixture
def bo() -> Somebody:
    return Somebody("bo")


@pytest.fixture
def people(ada, bo) -> Directory[Somebody]:
    """Ada has an id and a phone, Bo has neither id nor phone but an e-mail address."""
    return Directory({"x-1": ada, "old-1": ada}, {PHONE: Line("1", ada), EMAIL: Line("2", bo)}, {("P-1", "cid"): bo})


def keys(*points: tuple[str, str], contact_id: str = "", listed: tuple[str, str] = ("", "")) -> Keys:
    return Keys(contact_id, list(points), listed)


def test_an_id_decides_before_any_number(people, ada):
    assert find(people, keys(EMAIL, contact_id="x-1")) == (ada, "contact_id")


def test_an_alias_is_as_good_as_the_id(people, ada):
    assert find(people, keys(contact_id="old-1")).person is ada


def test_a_phone_decides_before_an_email(people, ada):
    assert find(people, keys(PHONE, EMAIL)) == (ada, "phone")


def test_an_unknown_phone_leaves_it_to_the_email(people, bo):
    assert find(people, keys(OTHER_PHONE, EMAIL)) == (bo, "email")


def test_an_id_on_one_side_only_does_not_prevent_a_match(people, ada, bo):
    assert find(people, keys(PHONE)).person is ada
    assert find(people, keys(EMAIL, contact_id="x-9")).person is bo


def test_two_ids_on_one_line_are_two_people(people):
    assert find(people, keys(PHONE, contact_id="x-9")) == (None, "contact_id")


def test_whoever_cannot_be_the_owner_of_the_phone_may_still_be_known_by_the_email(people, bo):
    assert find(people, keys(PHONE, EMAIL, contact_id="x-9")) == (bo, "email")


def test_a_name_finds_only_whoever_was_created_by_it(people, bo):
    assert find(people, keys(listed=("P-1", "cid"))) == (bo, "name")
    assert find(people, keys(listed=("P-2", "cid"))).person is None


def test_a_name_is_not_asked_where_there_is_anything_better(people):
    assert find(people, keys(OTHER_PHONE, listed=("P-1", "cid"))) == (None, "phone")


def test_new_points_of_somebody_known_become_theirs(people, ada):
    lines = sort_lines(people, ada, keys(PHONE, OTHER_PHONE))

    assert (lines.own, lines.unknown) == ([PHONE], [OTHER_PHONE])


def test_a_phone_of_somebody_else_is_used_by_both(people, ada, bo):
    lines = sort_lines(people, bo, keys(PHONE))

    assert lines.shared == [PHONE]
    assert [(met.owner, met.two_people) for met in lines.others] == [(ada, False)]


def test_an_email_of_somebody_else_stays_where_it_is(people, ada, bo):
    lines = sort_lines(people, ada, keys(PHONE, EMAIL))

    assert EMAIL not in (*lines.unknown, *lines.own, *lines.shared)
    assert [met.owner for met in lines.others] == [bo]


def test_an_email_is_shared_where_two_ids_prove_two_people(people, ada):
    twin = Somebody("twin", contact_id="x-9")
    people.lines[EMAIL].owner = ada

    lines = sort_lines(people, twin, keys(EMAIL, contact_id="x-9"))

    assert lines.shared == [EMAIL]
    assert lines.others[0].two_people


def test_a_line_on_which_a_stranger_answered_is_not_theirs_again(people, bo):
    people.lines[PHONE] = Line("1", None, frozenset({"bo"}))

    assert sort_lines(people, bo, keys(PHONE)) == ([], [], [], [])


@pytest.mark.parametrize(("one", "other"), [("", ""), ("x", ""), ("", "x"), ("x", "x")])
def test_only_two_different_ids_are_two_people(one, other):
    assert not two_ids(one, other)
    assert two_ids("x", "y")
