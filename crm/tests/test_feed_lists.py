"""Cells that hold several values: lists of JSON, and semicolons in a table."""

from crm.tests.reading import the_record


def reached_by(record):
    [party] = record.parties
    return [phone.e164 for phone in party.phones], [email.value for email in party.emails]


def test_every_number_and_address_of_a_list_is_taken():
    phones, emails = '["512 555 0134", "5125550135 x7"]', '["a@example.com", "b@Example.com"]'

    record = the_record(f'{{"name": "Ada Example", "phone": {phones}, "email": {emails}}}\n', "people.jsonl")

    assert reached_by(record) == (["+15125550134", "+15125550135"], ["a@example.com", "b@example.com"])
    assert [phone.extension for phone in record.parties[0].phones] == ["", "7"]
    assert record.warnings == ()


def test_semicolons_in_a_table_are_read_like_lists():
    record = the_record("name,phone,email\nAda Example,5125550134; 5125550135,a@example.com;b@example.com\n")

    assert reached_by(record) == (["+15125550134", "+15125550135"], ["a@example.com", "b@example.com"])


def test_a_list_of_which_one_part_cannot_be_used_is_kept_as_it_is_and_told():
    record = the_record("name,phone,email\nAda Example,512 555 0134; DEBRIS BOX ONLY,a@example.com; nobody\n")

    assert reached_by(record) == ([], [])
    assert record.parties[0].attributes == {"phone": "512 555 0134; DEBRIS BOX ONLY", "email": "a@example.com; nobody"}
    assert [doubt.field for doubt in record.warnings] == ["phone", "email"]
