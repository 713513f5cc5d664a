"""What fails again and again is tried again later and later, by whatever process, and its campaign says so."""

from datetime import timedelta

import pytest

from campaigns import tasks
from campaigns.models import Campaign, Setback
from campaigns.services import campaigns, letting_go, setbacks, starting
from campaigns.services.setbacks import FIRST_PAUSE, LONGEST_PAUSE, pause_after
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import CampaignFactory
from campaigns.tests.walks import begun, enrolled, paused, resumed
from config.kernel import clock
from config.testing import NOON
from config.tests.clients import admin as caller
from crm.tests.backoffice import page_url, signed_in
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
WAITING = drawing(node("wait", "wait"), node("end", "exit"), "wait>end")


def ring(at):
    with clock.standing_at(at):
        tasks.take_people_in()


@pytest.fixture
def backlog(monkeypatch):
    """A campaign whose backlog cannot be let go, until ``mended`` says so."""
    row = begun(WAITING)
    enrolled(row)
    paused(row, NOON)
    resumed(row, NOON)
    real = letting_go.let_go

    def broken(**_):
        raise ValueError("a bad row of somebody@example.com")

    monkeypatch.setattr(letting_go, "let_go", broken)
    return row, lambda: monkeypatch.setattr(letting_go, "let_go", real)


def test_a_backlog_that_fails_is_tried_again_later_and_later(backlog, caplog):
    for second in range(0, 600, 20):
        ring(NOON + second * SECOND)
    told = Setback.objects.get()
    assert (told.campaign, told.what, told.since) == (backlog[0], "Letting go", NOON)
    assert 4 <= told.tries <= 8
    assert told.tries == caplog.text.count("Letting go failed for")
    assert told.retry_at > NOON + 580 * SECOND
    assert told.error == "It stopped by an error (ValueError).", "what the row said is for the log alone"


def test_the_first_success_clears_it(backlog):
    _, mended = backlog
    ring(NOON)
    mended()
    ring(NOON + SECOND)
    assert Setback.objects.exists(), "its pause is not over"
    turns = setbacks.Turns(at=NOON + FIRST_PAUSE)
    (key,) = turns.of("Letting go", letting_go.unfinished())
    with turns.turn("Letting go", key):
        letting_go.let_go(campaign=key, at=NOON + FIRST_PAUSE)
    assert not Setback.objects.exists()
    assert letting_go.unfinished() == []


def test_what_is_not_to_be_done_any_more_is_no_setback(backlog):
    ring(NOON)
    paused(backlog[0], NOON)
    ring(NOON + SECOND)
    assert not Setback.objects.exists()


def test_a_start_that_fails_has_its_pauses_too(monkeypatch):
    row = CampaignFactory(status="scheduled", starts_at=NOON, started_at=None)
    asked = []

    def broken(**_):
        asked.append(1)
        raise ValueError

    monkeypatch.setattr(campaigns, "start", broken)
    for second in (0, 5, 10, 15):
        starting.start_due(at=NOON + second * SECOND)
    assert (len(asked), Setback.objects.get().what) == (2, "Starting")
    Campaign.objects.filter(pk=row.pk).update(status="draft", starts_at=None)
    starting.start_due(at=NOON + 20 * SECOND)
    assert not Setback.objects.exists()


def test_pauses_grow_up_to_some_minutes_and_are_not_all_alike():
    pauses = [[pause_after(tries) for _ in range(20)] for tries in range(1, 40)]
    assert max(pauses[0]) <= FIRST_PAUSE
    assert max(pauses[2]) < min(pauses[4]) < LONGEST_PAUSE
    assert LONGEST_PAUSE * 0.75 <= min(pauses[-1]) < max(pauses[-1]) <= LONGEST_PAUSE


def test_its_page_and_the_api_say_what_fails_since_when_and_when_it_is_tried_again(backlog):
    row, mended = backlog
    ring(NOON)
    (told,) = caller().get(f"/api/v1/campaigns/{row.pk}/").json()["setbacks"]
    assert (told["what"], told["tries"], told["since"][:16]) == ("Letting go", 1, NOON.isoformat()[:16])
    assert told["retry_at"] > told["since"]
    window = signed_in(UserFactory(admin=True))
    page = window.get(page_url(row)).content.decode()
    assert "What fails" in page
    assert "It stopped by an error (ValueError)." in page
    mended()
    ring(NOON + HOUR)
    assert caller().get(f"/api/v1/campaigns/{row.pk}/").json()["setbacks"] == []
    assert "What fails" not in window.get(page_url(row)).content.decode()


def test_a_ring_without_setbacks_asks_for_them_in_a_question_or_two(django_assert_max_num_queries):
    with django_assert_max_num_queries(1):
        assert setbacks.Turns(at=NOON).of("Leaving", []) == []
