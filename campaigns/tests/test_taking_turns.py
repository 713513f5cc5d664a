"""Nobody waits behind a campaign that always fails: its backlog, its audience, its start or its end."""

import logging
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction

from campaigns import tasks
from campaigns.models import Campaign, Enrollment, EnrollmentRun, Execution, Setback
from campaigns.services import campaigns, enrolling, executing, handling, letting_go, starting
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import CampaignFactory
from campaigns.tests.walks import begun, enrolled, paused, resumed
from config.kernel import clock
from config.testing import NOON
from crm.tests.factories import ContactFactory

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
WAITING = drawing(node("wait", "wait"), node("end", "exit"), "wait>end")


def too_slow(*_, **__):
    """What PostgreSQL does to a question that takes too long."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 1")
        cursor.execute("SELECT pg_sleep(1)")


def broken(*_, **__):
    raise ValueError("a bad row")


def fails_for(monkeypatch, module, verb, victim, how):
    """Let ``verb`` fail for ``victim`` only; return for whom it was called."""
    real, asked = getattr(module, verb), []

    def called(*args, **named):
        told = [getattr(one, "pk", one) for one in (*args, *named.values())]
        asked.append(victim in told)
        return how() if victim in told else real(*args, **named)

    monkeypatch.setattr(module, verb, called)
    return asked


def ring(at=NOON + HOUR):
    with clock.standing_at(at):
        tasks.take_people_in()


def two_backlogs():
    rows = [begun(WAITING) for _ in range(2)]
    for row in rows:
        enrolled(row)
        paused(row, NOON)
        resumed(row, NOON + HOUR)
    return sorted(rows, key=lambda row: row.pk)


@pytest.mark.parametrize("how", [too_slow, broken])
def test_a_backlog_that_cannot_be_let_go_stops_no_other(monkeypatch, caplog, how):
    first, second = two_backlogs()
    asked = fails_for(monkeypatch, letting_go, "let_go", first.pk, how)

    ring()

    assert letting_go.unfinished() == [first.pk]
    assert Enrollment.objects.get(campaign=second).epoch == second.epoch
    assert asked.count(True) == 1, "it has one turn for each ring"
    assert f"Letting go failed for {first.pk}" in caplog.text


def two_runs():
    return [
        enrolling.begin(
            campaign=begun(WAITING), audience={"contacts": [str(ContactFactory().pk)]}, by=None, at=NOON
        )
        for _ in range(2)
    ]  # fmt: skip


class TestAnAudience:
    def test_that_is_always_too_slow_gives_up_after_three_times_in_a_row_and_stops_no_other(self, monkeypatch):
        first, second = two_runs()
        asked = fails_for(monkeypatch, enrolling, "take", first.pk, too_slow)

        ring()
        second.refresh_from_db()
        assert (second.state, second.enrolled) == ("done", 1)
        assert Setback.objects.get().campaign == first.campaign
        ring(NOON + 2 * HOUR)
        first.refresh_from_db()
        assert (first.state, first.slow, first.error) == ("running", 2, "")

        ring(NOON + 3 * HOUR)
        ring(NOON + 4 * HOUR)
        first.refresh_from_db()
        assert (first.state, first.ended_at, asked.count(True)) == ("failed", NOON + 3 * HOUR, 3)
        assert not Setback.objects.exists(), "it is not tried again"
        assert "took too long, three times in a row" in first.error
        assert "simpler filter" in first.error

    def test_that_was_slow_twice_begins_to_count_anew_once_it_was_not(self, monkeypatch):
        run, _ = two_runs()
        for _ in range(2):
            enrolling.was_too_slow(run.pk, at=NOON)
        enrolling.take(run.pk, at=NOON, size=1)
        run.refresh_from_db()
        assert (run.state, run.slow) == ("running", 0)

    def test_that_is_broken_stops_with_words_at_once(self, monkeypatch):
        first, second = two_runs()
        fails_for(monkeypatch, enrolling, "take", first.pk, broken)

        ring()

        assert dict(EnrollmentRun.objects.values_list("pk", "error")) == {
            first.pk: "It stopped by an error (ValueError).", second.pk: "",
        }  # fmt: skip


def test_a_campaign_that_cannot_start_stops_no_other(monkeypatch):
    rows = [CampaignFactory(status="scheduled", starts_at=NOON, started_at=None) for _ in range(2)]
    first = min(row.pk for row in rows)
    monkeypatch.setattr(campaigns, "start", lambda **named: True)
    fails_for(monkeypatch, campaigns, "start", first, broken)

    assert starting.start_due(at=NOON) == 1


def test_a_campaign_that_cannot_be_completed_stops_no_other(monkeypatch):
    rows = [begun(WAITING, status="draining") for _ in range(2)]
    first, second = sorted(row.pk for row in rows)
    fails_for(monkeypatch, campaigns, "complete", first, too_slow)

    ring()

    assert dict(Campaign.objects.values_list("pk", "status")) == {first: "draining", second: "completed"}


def test_a_campaign_that_nobody_can_leave_stops_no_other(monkeypatch):
    walks = [walk for _ in range(2) for walk in enrolled(begun(WAITING))]
    first = min(walks, key=lambda walk: walk.campaign_id)
    Campaign.objects.update(status="completed", ended_at=NOON)
    real = handling.let_leave

    def leave(who, **named):
        return broken() if first.pk in list(who) else real(who, **named)

    monkeypatch.setattr(handling, "let_leave", leave)
    ring()

    assert starting.to_be_left() == [first.campaign_id]


def test_an_execution_that_cannot_be_closed_stops_no_other(monkeypatch):
    wanted = [Execution.objects.create(campaign=begun(WAITING)).pk for _ in range(2)]
    looked = []

    def look(execution, *, at):
        looked.append(execution)
        broken()

    monkeypatch.setattr(executing, "look", look)
    tasks.close_executions()

    assert looked == wanted
    tasks.close_executions()
    assert looked == wanted, "they have a pause now"
    assert set(Setback.objects.values_list("campaign", "key")) == set(Execution.objects.values_list("campaign", "pk"))


def test_a_database_that_is_away_is_not_anybodys_fault(monkeypatch, caplog):
    first, _ = two_runs()

    def away():
        raise OperationalError("server closed the connection unexpectedly")

    fails_for(monkeypatch, enrolling, "take", first.pk, away)
    with caplog.at_level(logging.ERROR), pytest.raises(OperationalError):
        ring()

    first.refresh_from_db()
    assert (first.state, first.slow) == ("running", 0)
    assert not Setback.objects.exists()
