"""Law that nobody has looked up for long is said where admins look, while there is time."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db.models import F
from django.test import Client

from calls.models import CallingHours
from calls.services import rulebook
from calls.services.lapsing import AHEAD, lapsing
from config.kernel import clock
from crm.models import User
from crm.tests.backoffice import signed_in
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
ENDS = date(2027, 5, 19)
PAGES = ["/admin/", "/admin/desk/"]


@pytest.fixture(autouse=True)
def law() -> int:
    """Every row was verified on the same day, as the shipped ones are; returns how many there are."""
    cache.clear()
    rows = CallingHours.objects.exclude(jurisdiction="US-STRICT")
    return rows.update(expires_on=ENDS, verified_on=ENDS - 180 * DAY, effective_to=None)


@pytest.fixture
def boss() -> User:
    return UserFactory(admin=True)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def read(client: Client, page: str, day: date) -> str:
    with clock.standing_at(noon(day)):
        return " ".join(client.get(page).content.decode().split())


@pytest.mark.parametrize("page", PAGES)
def test_admins_are_told_sixty_days_ahead_with_the_way_to_the_list(boss, law, page):
    client = signed_in(boss)

    assert "calling hours lapse" not in read(client, page, ENDS - AHEAD - DAY)
    said = read(client, page, ENDS - AHEAD)
    assert f"{law} rows of calling hours lapse on 19 May 2027" in said
    assert 'href="/admin/calls/callinghours/?replaced_at=no"' in said


@pytest.mark.parametrize("page", PAGES)
def test_law_that_has_lapsed_is_said_too(boss, law, page):
    assert f"{law} rows of calling hours have lapsed" in read(signed_in(boss), page, ENDS)


@pytest.mark.parametrize("page", PAGES)
def test_whoever_cannot_verify_is_not_bothered(page):
    assert "rows of calling hours" not in read(signed_in(UserFactory(bdr=True)), page, ENDS)


def test_a_row_that_was_verified_is_no_longer_counted(boss, law):
    at = noon(ENDS - DAY)
    row = CallingHours.objects.filter(expires_on=ENDS).first()

    rulebook.verify_hours(row=row, verified_on=at.date(), source="Statute, looked up", by=boss, at=at)

    assert lapsing(user=boss, at=at).ahead == law - 1


def test_rows_of_several_days_are_told_with_the_first_and_the_last(boss, law):
    early = CallingHours.objects.filter(expires_on=ENDS).first()
    CallingHours.objects.filter(pk=early.pk).update(expires_on=F("expires_on") - 5 * DAY)

    assert "lapse between 14 May and 19 May 2027" in read(signed_in(boss), "/admin/", ENDS - 9 * DAY)
    found = lapsing(user=boss, at=noon(ENDS - 2 * DAY))
    assert (found.over, found.ahead, found.first, found.last) == (1, law - 1, ENDS, ENDS)


def test_a_law_that_is_no_longer_in_force_need_not_be_verified(boss, law):
    repealed = CallingHours.objects.filter(expires_on=ENDS).first()
    CallingHours.objects.filter(pk=repealed.pk).update(effective_to=ENDS - 30 * DAY)

    assert lapsing(user=boss, at=noon(ENDS - DAY)).ahead == law - 1
