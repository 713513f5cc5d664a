import csv
import gzip
import re
from collections import Counter
from functools import cache

import pytest

from crm.services.feeds.choosing import choose_feed
from crm.services.feeds.reading import read_records
from crm.services.feeds.records import Record
from crm.services.files.tables import open_table
from crm.services.normalization.names import match_key, split_person_and_company
from crm.tests.oracle import Oracle
from crm.tests.real_inputs import path_of, rows_of
from sample.make import SAMPLE, make, read
from sample.masks import EMAILS, Masks, address_of
from sample.words import COMMON, FIRST_NAMES

NAMES = ("folder_owner", "property_owner")
PHONES = ("folder_owner_phone", "property_owner_phone")
HOMES = {owner: (f"{owner}_addrhouse", f"{owner}_addrstreet") for owner in NAMES}
COMPARED = (*NAMES, *PHONES, *HOMES[NAMES[0]], *HOMES[NAMES[1]], "permit_number", "permit_location", "lat", "lng")
SOURCE = "permits/austin_permits_2014_q1.csv.gz"
WHOLE_YEAR = "permits/austin_permits_2014.csv.gz"


@cache
def sample_rows():
    with gzip.open(SAMPLE, "rt", newline="") as file:
        return list(csv.DictReader(file))


@cache
def real_rows(source):
    """What is compared of a file that takes seconds to read."""
    return [{field: row[field] for field in COMPARED} for row in rows_of(source)]


def names_in(rows):
    for name in {row[field] for row in rows for field in NAMES}:
        yield from (name, name.strip(" ,"), *split_person_and_company(name))


def keys_in(rows):
    return {match_key(name) for name in names_in(rows)} - {""}


def digits_in(rows):
    return {re.sub(r"\D", "", row[field])[-7:] for row in rows for field in PHONES} - {""}


def test_the_sample_is_small_and_taken_in_whole_without_a_question():
    with open_table(SAMPLE, name=SAMPLE.name) as table:
        feed = choose_feed(table)
        items = list(read_records(table, feed))

    oracle = Oracle()
    for item in items:
        oracle.take(item)
    assert SAMPLE.stat().st_size < 150_000
    assert feed.id == "austin_permits"
    assert 1_400 < len(items) < 1_600
    assert all(isinstance(item, Record) for item in items)
    created = [oracle.contacts_created_by(kind) for kind in ("phone", "email", "name")]
    assert (len(oracle.projects), len(oracle.contacts), created) == (1_464, 795, [452, 142, 201])
    assert (len(oracle.pairs), oracle.roles) == (1_520, 1_527)


def test_the_sample_has_the_shape_and_the_dirt_of_its_source():
    rows = sample_rows()

    permits = Counter(row["permit_number"] for row in rows)
    names_by_line = Counter(phone for phone, _ in {(row[PHONES[0]], row[NAMES[0]]) for row in rows if row[PHONES[0]]})
    assert len(rows[0]) == 37 + len(EMAILS)
    assert max(permits.values()) > 1
    assert max(names_by_line.values()) > 2
    assert any(row[NAMES[0]].endswith(",") for row in rows)
    assert any(" & " in row[NAMES[1]] for row in rows)
    assert any(row[NAMES[1]] and not row[PHONES[1]] for row in rows)
    assert any(not row[NAMES[0]] and not row[NAMES[1]] for row in rows)
    assert {re.sub(r"\d", "9", row[PHONES[0]]) for row in rows} >= {"(999) 999-9999", "9(999) 999-9999", "9(999) 999-"}


def test_every_number_of_the_sample_is_one_that_nobody_has():
    for row in sample_rows():
        for field in PHONES:
            if re.fullmatch(r"\(\d{3}\) \d{3}-\d{4}", row[field]):
                assert re.fullmatch(r"\(\d{3}\) 555-01\d\d", row[field])
            elif row[field]:
                assert "55" in re.sub(r"\D", "", row[field])[-7:], row[field]


def test_half_of_the_people_have_an_address_that_reaches_nobody():
    addresses = {
        (row[name], row[email]) for row in sample_rows() for name, email in zip(NAMES, EMAILS, strict=True) if row[name]
    }
    given = [address for _, address in addresses if address]

    assert 0.4 < len(given) / len(addresses) < 0.6
    assert len(dict(addresses)) == len(addresses), "whoever occurs twice has the same address twice"
    for address in given:
        assert re.fullmatch(r"[a-z0-9.-]+@([a-z0-9-]+\.example|example\.com|example\.org)", address)


@pytest.mark.parametrize("source", [SOURCE, WHOLE_YEAR])
def test_nobody_real_is_in_the_sample(source):
    real, sample = real_rows(source), sample_rows()

    assert not keys_in(real) & keys_in(sample)
    assert not {number for number in digits_in(real) if len(number) == 7} & digits_in(sample)
    assert not {row["permit_number"] for row in real} & {row["permit_number"] for row in sample}
    assert not {row["permit_location"] for row in real} & {row["permit_location"] for row in sample} - {""}
    assert not {(row["lat"], row["lng"]) for row in real} & {(row["lat"], row["lng"]) for row in sample} - {("", "")}


@pytest.mark.parametrize("owner", NAMES)
def test_nobody_real_lives_in_the_sample(owner):
    house, street = HOMES[owner]

    def homes(rows):
        return {(row[house], row[street].upper()) for row in rows}

    assert not {home for home in homes(real_rows(WHOLE_YEAR)) if all(home)} & homes(sample_rows())


def test_the_words_of_the_sample_are_common_ones_or_made_up():
    """A family's name is a word too: such words may not come over one by one either."""

    def words_of(rows):
        return {word for row in rows for field in NAMES for word in re.findall(r"[^\W\d_]{5,}", row[field].lower())}

    ours = words_of(sample_rows())
    given = {name.lower() for name in FIRST_NAMES}
    cut_off = {word for word in ours if any(common.startswith(word) for common in COMMON)}

    assert (ours & words_of(real_rows(WHOLE_YEAR))) - COMMON - given - cut_off == set()


def test_the_same_source_makes_the_same_sample():
    assert make(read(path_of(SOURCE))).encode() == gzip.decompress(SAMPLE.read_bytes())


def test_whoever_occurs_twice_is_the_same_twice():
    row = {
        "permit_number": "2014-000001 PP",
        "work_description": "New pool",
        "folder_owner": "Carl Sample, Ace Electric",
    }
    row |= {
        "property_owner": "SAMPLE CARL B & MARIA",
        "folder_owner_phone": "(512) 555-9876",
        "property_owner_phone": "",
    }
    masks = Masks([row])

    masked = masks.masked(row)

    assert masked == masks.masked(dict(row))
    assert masked["folder_owner"].endswith(" Electric")
    assert re.fullmatch(r"[A-Z]+ [A-Z]+ [A-Z] & [A-Z]+", masked["property_owner"])
    assert masked["folder_owner_phone"] == "(512) 555-0100"
    assert masked["permit_number"] == "2014-900000 PP"
    assert [masked[email] for email in EMAILS] == [address_of(masked[name]) for name in NAMES]
