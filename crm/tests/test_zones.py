"""Zones: their data is the package's, and every one of them can be read."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

import phonenumbers
import pytest

from crm.services.normalization.places import ZONE_DATA_VERSION
from crm.services.normalization.zones import countries, zone, zone_names, zones_by_country


def test_zones_come_from_the_package_and_not_from_the_machine():
    afternoon = datetime(2026, 11, 20, 22, tzinfo=UTC)

    offsets = {
        name: afternoon.astimezone(zone(name)).utcoffset() / timedelta(hours=1)
        for name in ("America/Vancouver", "America/Edmonton", "America/Winnipeg", "America/Chicago")
    }

    # three provinces stopped moving their clocks in 2026; a machine with the data of 2025 is an hour off
    assert offsets == {"America/Vancouver": -7, "America/Edmonton": -6, "America/Winnipeg": -5, "America/Chicago": -6}


def test_the_version_names_both_sources():
    assert re.fullmatch(r"tzdata 20\d\d[a-z], phonenumbers \d+\.\d+\.\d+", ZONE_DATA_VERSION)
    assert phonenumbers.__version__ in ZONE_DATA_VERSION


@pytest.mark.parametrize("name", ["America/Nowhere", "america/chicago", "../../etc/passwd", "", "zone.tab"])
def test_what_is_no_zone_is_not_looked_for_on_the_disk(name):
    with pytest.raises(ZoneInfoNotFoundError):
        zone(name)


def test_every_zone_and_every_country_can_be_read():
    assert len(zone_names()) > 590
    assert {zone(name).key for name in zone_names().values()} == set(zone_names().values())
    assert set(zones_by_country()) <= set(countries().values())
