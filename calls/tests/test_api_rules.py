"""Rows of law over HTTP: looked up again by an admin, replaced, never edited."""

from datetime import date

import pytest

from calls.models import CallingHours
from config.testing import NOON
from config.tests import callers
from config.tests.clients import rep as a_rep

pytestmark = pytest.mark.django_db
noon, admin = callers.noon, callers.admin
FOUND = {"verified_on": "2026-06-15", "source": "16 CFR 310.4(c), read on 15 June 2026"}


@pytest.fixture
def row() -> CallingHours:
    found = CallingHours.objects.filter(replaced_at=None).first()
    assert found
    return found


def test_a_row_of_law_is_replaced_by_the_same_hours_with_a_new_source_and_day(admin, row):
    status, said = admin.send("post", f"calling-hours/{row.pk}/replace/", FOUND)

    new = CallingHours.objects.get(rule_id=row.rule_id, replaced_at=None)
    row.refresh_from_db()
    assert (status, said["id"], said["windows"], said["source"]) == (201, str(new.pk), row.windows, FOUND["source"])
    assert (new.verified_on, new.expires_on) == (date(2026, 6, 15), date(2026, 12, 12))
    assert row.replaced_at == NOON


def test_a_row_that_was_replaced_is_not_replaced_again(admin, row):
    admin.send("post", f"calling-hours/{row.pk}/replace/", FOUND)
    status, said = admin.send("post", f"calling-hours/{row.pk}/replace/", FOUND)

    assert (status, said["error_code"]) == (409, "not_current")
    assert CallingHours.objects.filter(rule_id=row.rule_id).count() == 2


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"verified_on": "2026-06-17"}, "verified_on"),  # tomorrow
        ({"verified_on": "yesterday"}, "verified_on"),
        ({"source": "  "}, "source"),
        ({"windows": []}, "windows"),
    ],
)
def test_a_look_that_cannot_have_happened_replaces_nothing(admin, row, wrong, field):
    status, said = admin.send("post", f"calling-hours/{row.pk}/replace/", FOUND | wrong)

    row.refresh_from_db()
    assert (status, said["details"][0]["field"], row.replaced_at) == (400, field, None)


def test_only_admins_replace(row):
    assert a_rep().send("post", f"calling-hours/{row.pk}/replace/", FOUND)[0] == 403
    row.refresh_from_db()
    assert row.replaced_at is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0 or more"), ("5", "whole number"), (True, "whole number"), (10 * 366 * 86_400 + 1, "at most ten years")],
)
def test_a_length_of_time_is_refused_for_what_is_wrong_with_it(admin, seconds, words):
    status, said = admin.send("post", "dispositions/", {"name": "Far", "retry_after": seconds})

    assert (status, said["details"][0]["field"]) == (400, "retry_after")
    assert words in said["details"][0]["message"]
