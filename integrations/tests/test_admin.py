"""Admins see what no worker understood, with its words, and let it be read again."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.testing import NOON
from crm.tests.backoffice import ask, list_url, page_url, signed_in
from crm.tests.factories import UserFactory
from integrations import tasks
from integrations.inbox import keeping
from integrations.inbox.hooks import Item
from integrations.models import News

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_broker(monkeypatch):
    monkeypatch.setattr(tasks.read_inbox, "delay", lambda: None)


@pytest.fixture
def boss():
    return signed_in(UserFactory(admin=True))


def news(key="ev-1", body=b'{"type": "<script>alert(1)</script>"}', **fields) -> News:
    keeping.keep(provider="simulated", items=[Item(key, body)], signed=False, at=NOON)
    News.objects.filter(key=key).update(**fields)
    return News.objects.get(key=key)


def stuck(**fields) -> News:
    return news(**{"state": "parked", "due_at": None, "error": "ZeroDivisionError", "attempts": 6, **fields})


def test_the_list_shows_what_needs_somebody(boss):
    stuck(key="ev-1")
    news(key="ev-2")

    page = boss.get(list_url("integrations.news")).content.decode()
    narrowed = boss.get(f"{list_url('integrations.news')}?state=parked").content.decode()

    assert "Needs somebody" in page
    assert "ZeroDivisionError" in narrowed
    assert "Waiting" not in narrowed.split("<table")[1]


def test_an_event_is_found_by_its_id(boss):
    stuck(key="ev-1")

    assert "ZeroDivisionError" in boss.get(f"{list_url('integrations.news')}?q=ev-1").content.decode()
    assert "ZeroDivisionError" not in boss.get(f"{list_url('integrations.news')}?q=ev-2").content.decode()


@pytest.mark.parametrize("body", [b'{"type": "<script>alert(1)</script>"}', b"\xff\x00\xfe", b"x" * 100_000, b""])
def test_the_page_shows_the_words_and_runs_none_of_them(boss, body):
    page = boss.get(page_url(stuck(body=body))).content.decode()

    assert "ZeroDivisionError" in page
    assert "<script>alert" not in page
    assert len(page) < 100_000


def test_what_was_not_understood_is_read_again(boss):
    row = stuck()

    ask(boss, row, "read_again")

    row.refresh_from_db()
    assert (row.state, row.attempts, row.error) == ("waiting", 0, "")


def test_what_waits_or_was_understood_is_not_offered_to_be_read_again(boss):
    assert "Read again" not in boss.get(page_url(news())).content.decode()


def test_a_bdr_sees_none_of_it():
    rep = signed_in(UserFactory(bdr=True))

    assert rep.get(list_url("integrations.news")).status_code == 403
    assert rep.get(page_url(stuck())).status_code == 404
    assert not News.objects.visible_to(UserFactory(bdr=True)).exists()


def test_thirty_rows_cost_as_many_queries_as_three(boss):
    counted = []
    for many in (3, 30):
        for n in range(many):
            stuck(key=f"ev-{many}-{n}")
        with CaptureQueriesContext(connection) as asked:
            boss.get(list_url("integrations.news"))
        counted.append(len(asked))

    assert counted[0] == counted[1]
