import pytest

from crm.services.bulk.columns import full
from crm.services.ownership import decide


def contact(**said):
    return full(said, "contact")


def changes(row, now, before=None, **options):
    return decide(row=row, edited=options.pop("edited", ()), before=before, now=now, **options).changes


def test_the_first_word_of_a_source_fills_blanks_only():
    row = contact(title="Clerk")

    assert changes(row, {"title": "Owner", "department": "Sales"}) == {"department": "Sales"}


def test_a_changed_record_writes_what_it_says_differently():
    row = contact(title="Clerk", department="Sales", seniority="Junior")
    before = {"title": "Clerk", "department": "Sales"}

    now = {"title": "Owner", "department": "Sales", "seniority": "Senior"}
    assert changes(row, now, before) == {"title": "Owner", "seniority": "Senior"}


def test_what_a_source_says_again_does_not_undo_what_happened_since():
    assert changes(contact(title="Set by another source"), {"title": "Clerk"}, {"title": "Clerk"}) == {}


def test_a_field_that_is_left_out_is_not_emptied():
    assert changes(contact(title="Clerk"), {}, {"title": "Clerk"}) == {}


def test_what_a_person_edited_is_kept_and_offered():
    row = contact(title="Boss")

    decision = decide(row=row, edited={"title"}, before={"title": "Clerk"}, now={"title": "Owner"})

    assert decision == ({}, {"title": "Owner"})


def test_an_edit_that_a_source_agrees_with_is_not_worth_a_look():
    decision = decide(row=contact(title="Boss"), edited={"title"}, before={"title": "Clerk"}, now={"title": "Boss"})

    assert decision == ({}, {})


def test_a_field_that_a_person_emptied_stays_empty():
    decision = decide(row=contact(), edited={"title"}, before=None, now={"title": "Owner"})

    assert decision == ({}, {"title": "Owner"})


@pytest.mark.parametrize("flag", ["do_not_call", "do_not_email", "do_not_text"])
@pytest.mark.parametrize("edited", [(), ("do_not_call", "do_not_email", "do_not_text")])
@pytest.mark.parametrize("before", [None, {}, {"do_not_call": True, "do_not_email": True, "do_not_text": True}])
def test_a_source_sets_a_flag_that_forbids_and_never_clears_it(flag, edited, before):
    assert changes(contact(), {flag: True}, before, edited=edited) == {flag: True}
    assert changes(contact(**{flag: True}), {flag: False}, before, edited=edited) == {}


def test_a_source_only_ever_moves_a_project_into_the_future():
    row = full({"next_call_eligible_at": "2026-06-01T00:00:00+00:00"}, "project")
    earlier, later = "2026-05-01T00:00:00+00:00", "2026-07-01T00:00:00+00:00"

    assert changes(row, {"next_call_eligible_at": earlier}, {"next_call_eligible_at": later}) == {}
    assert changes(row, {"next_call_eligible_at": later}) == {"next_call_eligible_at": later}


def test_half_of_one_address_is_never_joined_to_half_of_another():
    row = contact(city="Austin", region="TX")

    assert changes(row, {"street": "1 Oak Ave", "city": "Reno", "region": "NV"}) == {}
    assert changes(row, {"street": "1 Oak Ave", "city": "Austin"}) == {"street": "1 Oak Ave"}


def test_an_address_that_a_person_corrected_in_part_is_kept_as_a_whole():
    row = contact(street="2 Elm St", city="Austin")
    before = {"street": "1 Oak Ave", "city": "Austin"}

    decision = decide(row=row, edited={"street"}, before=before, now={"street": "3 Fir Rd", "city": "Reno"})

    assert decision == ({}, {"street": "3 Fir Rd", "city": "Reno"})


def test_every_entry_of_the_attributes_is_a_field_of_its_own():
    row = contact(attributes={"floor": "1", "set by hand": "yes"})

    assert changes(row, {"attributes": {"floor": "2", "door": "b"}}) == {
        "attributes": {"floor": "1", "set by hand": "yes", "door": "b"}
    }
    assert changes(row, {"attributes": {"floor": "2"}}, {"attributes": {"floor": "1"}}) == {
        "attributes": {"floor": "2", "set by hand": "yes"}
    }


def test_columns_that_are_not_for_this_record_are_neither_written_nor_offered():
    row = contact()

    assert decide(row=row, edited={"title"}, before=None, now={"title": "Owner"}, closed={"title"}) == ({}, {})
