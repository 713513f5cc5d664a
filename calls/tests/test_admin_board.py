"""The first page of the back office: the day in numbers, and what to do first."""

from datetime import timedelta

from django.core.cache import cache

from calls.models import Disposition
from calls.services import outcomes, waterfalls
from calls.tests import office
from calls.tests.factories import CallSessionFactory, callable_pair
from calls.tests.office import person
from config.testing import NOON
from crm.tests.backoffice import signed_in
from crm.tests.factories import IntakeRunFactory, ProjectFactory, UserFactory

noon, boss, rep = office.noon, office.boss, office.rep


def test_an_empty_board_says_what_to_do_first(boss):
    said = boss.get("/admin/").content.decode()

    assert "Take in a file" in said
    assert "./dev ingest FILE" in said


def test_the_board_shows_the_day(boss, rep):
    IntakeRunFactory(file_name="permits.csv")
    pair = callable_pair()
    waterfalls.count_all(at=NOON)
    outcomes.conclude(
        session=CallSessionFactory(pair=pair, rep=rep), disposition=Disposition.objects.get(key=1), by=rep, at=NOON
    )
    CallSessionFactory(pair=callable_pair(), rep=rep, initiated_at=NOON - timedelta(hours=3))

    response = boss.get("/admin/")

    said, today = response.content.decode(), response.context["today"]
    assert (today.callable, today.calls, today.to_finish) == (1, 2, 1)
    assert response.context["conversations"] == 1
    assert "Connected, interested" in said
    assert "Rae Rep" in said
    assert "permits.csv" in said
    assert "In a project" in said
    assert "of the whole team, counted" in said
    assert "of the calls that you see" not in said


def test_a_rep_sees_a_board_of_what_they_see(rep):
    CallSessionFactory(
        pair=callable_pair(contact=person("Hidden Person", owner=UserFactory(bdr=True))), rep=UserFactory(bdr=True)
    )
    CallSessionFactory(pair=callable_pair(), rep=rep)

    waterfalls.count_all(at=NOON)
    response = signed_in(rep).get("/admin/")

    said = response.content.decode()
    assert response.context["today"].calls == 1
    assert "of the whole team, counted" in said
    assert "of the calls that you see" in said
    assert "machinery" not in response.context


def test_the_board_is_remembered_for_half_a_minute(boss, django_assert_max_num_queries):
    with django_assert_max_num_queries(44) as first:
        boss.get("/admin/")
    with django_assert_max_num_queries(40) as second:
        boss.get("/admin/")

    assert len(second) < len(first)


def test_the_board_works_without_a_cache(boss, settings):
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    }

    response = boss.get("/admin/")

    assert response.status_code == 200
    assert "Cannot be reached" in response.content.decode()


def test_a_silent_worker_is_said_in_words(boss):
    assert "Not heard for a minute" in boss.get("/admin/").content.decode()

    cache.set("worker-heartbeat", NOON.isoformat(), timeout=60)
    assert "heard" in boss.get("/admin/").content.decode()


def test_somebody_without_a_role_is_told_so(db):
    ProjectFactory()

    assert "An admin gives you a role" in signed_in(UserFactory(is_staff=True)).get("/admin/").content.decode()
