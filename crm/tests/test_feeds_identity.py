"""Who is who: the rule itself, on made-up people."""

from crm.tests.oracle import Oracle
from crm.tests.reading import records_of


def oracle_for(*rows):
    oracle = Oracle()
    text = "project_id,role,contact_id,name,phone,email\n" + "".join(f"{row}\n" for row in rows)
    _, items = records_of(text)
    return oracle, [oracle.take(item)[0] for item in items]


def test_an_id_on_one_side_only_prevents_no_match_and_is_adopted():
    oracle, numbers = oracle_for(
        ",,,Ada,512 555 0134,", ",,C-1,Ada,512 555 0134,", ",,C-1,Ada,,ada@example.com", ",,,Ada,,ada@example.com"
    )

    assert numbers == [1, 1, 1, 1]
    assert oracle.by_id == {"C-1": 1}


def test_two_ids_on_one_line_are_two_people_and_the_line_stays_with_the_first():
    oracle, numbers = oracle_for(",,C-1,Ada,512 555 0134,", ",,C-2,Bo,512 555 0134,", ",,,Cy,512 555 0134,")

    assert numbers == [1, 2, 1]
    assert oracle.owners["phone", "+15125550134"] == 1
    assert ("shared_line", 1, 2, "+15125550134") in oracle.reviews
    assert oracle.contacts[1].other_names == {"cy": 1}


def test_an_unknown_phone_joins_whom_the_known_address_finds():
    oracle, numbers = oracle_for(
        ",,,Ada,,ada@example.com", ",,,Ada,512 555 0134,ada@example.com", ",,,Ada,512 555 0134,"
    )

    assert numbers == [1, 1, 1]
    assert oracle.owners["phone", "+15125550134"] == 1


def test_where_phone_and_address_are_of_two_people_the_phone_decides_and_both_are_listed():
    oracle, numbers = oracle_for(",,,Ada,512 555 0134,", ",,,Bo,,bo@example.com", ",,,Ada,512 555 0134,bo@example.com")

    assert numbers == [1, 2, 1]
    assert oracle.owners["email", "bo@example.com"] == 2
    assert ("two_owners", 1, 2, "bo@example.com") in oracle.reviews


def test_a_name_finds_only_whom_it_created_and_only_in_its_project():
    oracle, numbers = oracle_for(
        "P-1,owner,,Ada,512 555 0134,", "P-1,owner,, ADA ,,", "P-1,agent,,ada,,", "P-2,owner,,Ada,,"
    )

    assert numbers == [1, 2, 2, 3]
    assert oracle.pairs["P-1", 2] == {"owner", "agent"}
    assert ("same_name", 1, 2, "P-1") in oracle.reviews
