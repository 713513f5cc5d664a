"""Where a number, an address or a statement may be."""

import re
from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers.geodata import GEOCODE_DATA
from phonenumbers.tzdata import TIMEZONE_DATA

from crm.services.normalization import places, regions
from crm.services.normalization.area_codes import AREA_CODES
from crm.services.normalization.places import (
    SOMEWHERE_IN_THE_STATES,
    UnusableZone,
    candidates_of,
    from_address,
    from_phone,
    from_statement,
    profile_key,
)
from crm.services.normalization.regions import REGIONS, TERRITORIAL
from crm.services.normalization.zones import country_of, zone_names, zones_by_country

SEVERAL_ZONES = "208 219 250 270 308 418 423 541 574 605 606 620 701 709 775 785 807 812 850 867 879 906 907 928 986"
FREE_OR_PERSONAL = (
    "500 521 522 523 524 525 526 527 528 529 532 533 544 566 577 588 600 622 633 800 833 844 855 866 877 888 900"
)
CODES = [str(code) for code in range(200, 1000)]


def phone(area_code):
    return from_phone(f"+1{area_code}5550134")


def address(country="", region="", postal_code=""):
    return profile_key(from_address(country=country, region=region, postal_code=postal_code))


# the numbering plan, all of it


def test_every_area_code_that_the_library_can_place_has_a_jurisdiction_here_and_no_other_has():
    placed = {prefix[1:4] for prefix in TIMEZONE_DATA if prefix.startswith("1") and len(prefix) > 3}

    assert set(AREA_CODES) == placed


def test_an_area_code_gives_every_zone_of_every_exchange_in_it():
    expected = defaultdict(set)
    for prefix, names in TIMEZONE_DATA.items():
        if prefix.startswith("1") and len(prefix) > 3:
            expected[prefix[1:4]].update(names)

    assert {code: {name for name, _ in phone(code)} for code in AREA_CODES} == expected
    assert " ".join(code for code in CODES if code in AREA_CODES and len(phone(code)) > 1) == SEVERAL_ZONES


def test_a_number_that_names_no_place_may_be_in_any_of_the_42_zones_of_the_plan():
    nowhere = [code for code in CODES if code not in AREA_CODES]

    assert set(FREE_OR_PERSONAL.split()) < set(nowhere)
    assert {len(phone(code)) for code in nowhere} == {42}
    assert {jurisdiction for code in nowhere for _, jurisdiction in phone(code)} == {"US"}


def test_the_state_of_an_area_code_is_the_one_most_of_its_exchanges_are_listed_in():
    listed = defaultdict(Counter)
    names = {name.lower(): region for region, (name, *_) in REGIONS.items()}
    names |= {"washington state": "US-WA", "washington d.c.": "US-DC", "british colombia": "CA-BC"}
    for prefix, words in GEOCODE_DATA.items():
        if prefix.startswith("1") and len(prefix) > 3 and "en" in words:
            state = re.search(r", ([A-Z]{2})$", words["en"])
            found = regions.regions_by_name().get(state[1].lower()) if state else names.get(words["en"].lower())
            if found:  # some list towns without a state
                listed[prefix[1:4]][found] += 1

    known = {code: counts.most_common(1)[0][0] for code, counts in listed.items() if "-" in AREA_CODES[code]}
    assert len(known) > 400
    assert known == {code: AREA_CODES[code] for code in known}


def test_an_area_code_handed_out_after_our_list_was_written_is_vague_about_its_state_not_about_its_zone(monkeypatch):
    monkeypatch.setattr(places, "AREA_CODES", {})
    assert places._from_area_code.__wrapped__("512") == {("America/Chicago", "US")}


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+15125550134", "America/Chicago US-TX"),
        ("+18505550134", "America/Chicago US-FL|America/New_York US-FL"),
        ("+17875550134", "America/Puerto_Rico US-PR"),
        ("+16475550134", "America/Toronto CA-ON"),
        ("+12425550134", "America/Nassau BS"),
        ("+19025550134", "America/Halifax CA"),
        ("+442079460134", "Europe/London GB"),
        ("+447700900134", "Europe/London GB"),
        ("+4930901820", "Europe/Berlin DE"),
        ("+38344123456", "Europe/Belgrade XK"),
        ("+80012345678", ""),
        ("+1512", ""),
        ("#99", ""),
        ("", ""),
    ],
)
def test_where_a_number_may_ring(number, expected):
    assert profile_key(from_phone(number)) == expected


def test_a_mobile_number_abroad_may_be_anywhere_in_its_country_but_not_in_another_that_shares_its_code():
    assert {name for name, _ in from_phone("+61412345678")} > {"Australia/Perth", "Australia/Sydney"}
    assert {country_of(name) for name, _ in from_phone("+77012345678")} == {"KZ"}


# addresses


@pytest.mark.parametrize(
    ("given_address", "expected"),
    [
        (("US", "TX", "78701"), "America/Chicago US-TX"),
        (("US", "TX", "79801"), "America/Chicago US-TX|America/Denver US-TX"),
        (("United States", "Texas", "79901-1234"), "America/Denver US-TX"),
        (("usa", "tx.", ""), "America/Chicago US-TX|America/Denver US-TX"),
        (("", "TX", "78701"), "America/Chicago US-TX"),
        (("US", "", "78701"), "America/Chicago US-TX"),
        (("US", "TX", "90210"), "America/Chicago US-TX|America/Denver US-TX|America/Los_Angeles US-CA"),
        (("US", "FL", "32456"), "America/Chicago US-FL|America/New_York US-FL"),
        (("US", "FL", "32501"), "America/Chicago US-FL"),
        (("US", "AZ", "86515"), "America/Denver US-AZ|America/Phoenix US-AZ"),
        (("US", "AZ", "85001"), "America/Phoenix US-AZ"),
        (("US", "DC", "20500"), "America/New_York US-DC"),
        (("PR", "San Juan", "00901"), "America/Puerto_Rico US-PR"),
        (("US", "GU", "96910"), "Pacific/Guam US-GU"),
        (("US", "", "96950"), "Pacific/Saipan US-MP"),
        (("US", "", "96799"), "Pacific/Pago_Pago US-AS"),
        (("Canada", "", "V5K 0A1"), "America/Vancouver CA-BC"),
        (("CA", "BC", ""), "America/Edmonton CA-BC|America/Fort_Nelson CA-BC|America/Vancouver CA-BC"),
        (("", "on", "P9N1A1"), "America/Atikokan CA-ON|America/Toronto CA-ON|America/Winnipeg CA-ON"),
        (("CA", "Québec", "H2X 1Y4"), "America/Toronto CA-QC"),
        (("GB", "", "SW1A 1AA"), "Europe/London GB"),
        (("Germany", "TX", "78701"), "Europe/Berlin DE|Europe/Busingen DE"),
        (("Narnia", "TX", "78701"), ""),
        (("", "Bavaria", "80331"), ""),
        (("", "", "78701"), ""),
        (("", "", ""), ""),
    ],
)
def test_where_an_address_may_be(given_address, expected):
    assert address(*given_address) == expected


def test_a_country_alone_leaves_the_state_open():
    assert from_address(country="US", region="", postal_code="") == SOMEWHERE_IN_THE_STATES
    assert from_address(country="US", region="AE", postal_code="09012") == SOMEWHERE_IN_THE_STATES
    assert from_address(country="US", region="ON", postal_code="") == SOMEWHERE_IN_THE_STATES
    assert from_address(country="CA", region="", postal_code="") == {(name, "CA") for name in zones_by_country()["CA"]}


def test_the_unknown_place_covers_every_state_and_no_territory():
    zones = {name for name, _ in SOMEWHERE_IN_THE_STATES}
    states = {region for region in REGIONS if region.startswith("US-")} - TERRITORIAL

    assert len(states) == 51
    assert all(zones >= set(REGIONS[state][1:]) for state in states)
    assert {"America/New_York", "Pacific/Honolulu", "America/Adak"} <= zones
    assert not zones & {"Pacific/Guam", "Pacific/Pago_Pago", "America/Puerto_Rico"}


@pytest.mark.parametrize("region", REGIONS)
def test_every_state_and_province_has_zones_of_its_own_country_and_is_known_by_code_and_name(region):
    name, *names = REGIONS[region]

    assert names
    assert all(candidate in zone_names().values() for candidate in names)
    assert {country_of(candidate) for candidate in names} <= {"US", "CA"} | {region[3:]}
    for text in (region, region[3:], name, name.upper()):
        assert from_address(country=region[:2], region=text, postal_code="") == {(each, region) for each in names}


def test_a_postal_prefix_settles_only_zones_and_states_it_belongs_to():
    for region, settled in regions._POSTAL_ZONES.items():
        prefixes = [prefix for texts in settled.values() for prefix in regions._expanded(texts)]
        assert set(settled) <= set(REGIONS[region][1:])
        assert len(prefixes) == len(set(prefixes))
        assert {regions.region_of_postal_code(f"{prefix}A1"[:3] + "01") for prefix in prefixes} == {region}


def test_no_postal_prefix_belongs_to_two_states():
    lines = [line.partition(" ") for line in regions._POSTAL_REGIONS.split("|")]
    prefixes = [prefix for _, _, texts in lines for prefix in regions._expanded(texts)]

    assert len(prefixes) == len(set(prefixes))
    assert {region for region, _, _ in lines} == set(REGIONS)


# statements


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (("America/Chicago", "US-TX"), ("America/Chicago", "US-TX")),
        (("America/Chicago", " us-tx "), ("America/Chicago", "US-TX")),
        (("America/Chicago", ""), ("America/Chicago", "US")),
        (("US/Central", ""), ("America/Chicago", "US")),
        (("us_slash_pacific", ""), ("America/Los_Angeles", "US")),
        (("america_slash_new_york", ""), ("America/New_York", "US")),
        (("america/new york", ""), ("America/New_York", "US")),
        (("America/Yellowknife", ""), ("America/Edmonton", "CA")),
        (("America/Puerto_Rico", ""), ("America/Puerto_Rico", "US-PR")),
        (("Europe/London", "gb"), ("Europe/London", "GB")),
    ],
)
def test_what_somebody_states_about_themselves_is_taken_at_its_word(stated, expected):
    assert from_statement(*stated) == {expected}


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        (("Austin", ""), "unknown_zone"),
        (("", ""), "unknown_zone"),
        (("UTC", ""), "not_a_place"),
        (("Etc/GMT+5", "US-TX"), "not_a_place"),
        (("America/Chicago", "US-ZZ"), "unknown_jurisdiction"),
        (("America/Chicago", "Texas"), "unknown_jurisdiction"),
        (("America/Chicago", "US-TX|Europe/London"), "unknown_jurisdiction"),
        (("Europe/London", "GB|Europe/Paris"), "unknown_jurisdiction"),
    ],
)
def test_a_statement_without_meaning_is_refused_with_a_reason(stated, reason):
    with pytest.raises(UnusableZone) as refusal:
        from_statement(*stated)

    assert refusal.value.reason == reason
    assert "America/Chicago" in str(refusal.value) or "US-TX" in str(refusal.value)


# profiles


ANY_PLACE = st.sampled_from(sorted({place for code in CODES for place in phone(code)} | SOMEWHERE_IN_THE_STATES))
PLACES = st.frozensets(ANY_PLACE | st.tuples(st.sampled_from(sorted(zone_names().values())), st.just("")))


@given(found=PLACES)
def test_a_profile_is_one_text_that_reads_back_as_its_candidates(found):
    key = profile_key(found)

    assert candidates_of(key) == found
    assert profile_key(sorted(found, reverse=True)) == profile_key([*found, *found]) == key
    assert (key == "") is (not found)


def test_a_profile_reads_as_it_is_shown():
    assert profile_key(from_address(country="US", region="TX", postal_code="")) == (
        "America/Chicago US-TX|America/Denver US-TX"
    )


@given(one=PLACES, other=PLACES)
def test_evidence_only_ever_adds_places(one, other):
    assert candidates_of(profile_key(one | other)) >= one


@given(text=st.text(max_size=20) | st.from_regex(r"\+[0-9]{0,15}", fullmatch=True))
def test_any_text_has_its_places_or_none_and_nothing_breaks(text):
    for found in (from_phone(text), from_address(country=text, region=text, postal_code=text)):
        assert all(name in zone_names().values() for name, _ in found)
        assert candidates_of(profile_key(found)) == found
    assert from_address(country="US", region=text, postal_code=text)


# zone data
