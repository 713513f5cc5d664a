"""Other years of a feed: a header that nearly fits a map, and one that only seems to."""

import pytest

from crm.tests.reading import AUSTIN, records_of, without_column
from crm.tests.real_inputs import rows_of

ADA = {"permit_number": "2020-1", "folder_owner": "Ada Example", "folder_owner_phone": "512 555 0134"}


def austin_without(*left_out, also=()):
    columns = [*(name for name in AUSTIN.split(",") if name not in left_out), *also]
    return records_of(",".join(columns) + "\n" + ",".join(ADA.get(name, "") for name in columns) + "\n")


def test_a_year_that_lacks_a_column_is_read_by_the_map_of_the_others():
    feed, [record] = austin_without("sub_type")

    assert (feed.id, feed.source) == ("austin_permits", "austin_permits")
    assert [(party.roles, party.name) for party in record.parties] == [(("folder_owner",), "Ada Example")]
    assert "lacks what other such files have: subtype" in feed.remarks[0]


def test_a_year_that_has_all_of_them_needs_no_remark():
    feed, _ = austin_without("status", also=["lat", "lng"])

    assert (feed.id, feed.remarks) == ("austin_permits", ())


@pytest.mark.parametrize("needed", ["permit_number", "folder_owner", "property_owner"])
def test_without_what_tells_projects_or_people_apart_the_map_does_not_fit(needed):
    feed, _ = austin_without(needed)

    assert feed.id == "guessed"


def test_without_three_of_its_columns_the_map_does_not_fit():
    feed, _ = austin_without("sub_type", "work_type", "permit_location")

    assert feed.id == "guessed"


def test_a_map_of_few_columns_fits_or_does_not():
    """Three of its four names are such as anybody may use."""
    feed, _ = records_of("Company Name,License Type,Phone\nExample Builders,A,512 555 0134\n")

    assert feed.id == "guessed"


def test_a_map_that_nearly_fits_and_knows_more_goes_before_one_that_fits():
    """Without the first names of permittees, such a file has all that the map of another kind needs."""
    rows = rows_of("permits/nyc_dob_permit_issuance_2022_sample.csv")[:50]

    feed, records = records_of(without_column(rows, "Permittee's First Name"))

    assert feed.id == "nyc_dob_permit_issuance"
    assert {role for record in records for party in record.parties for role in party.roles} >= {"permittee", "owner"}


def test_people_who_lost_their_ids_are_not_taken_for_a_directory_of_ids():
    rows = rows_of("permits/maryland_mbe_directory_earlier_snapshot.csv")[:50]

    feed, _ = records_of(without_column(rows, "certification_number"))

    assert feed.id == "guessed"
