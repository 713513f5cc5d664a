"""The daily ledger keeps its word: no day is forgotten, what came of each is kept, and each difference is told once."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from campaigns.models import LedgerDay, Message
from campaigns.providers import sender_on
from campaigns.services.dispatch import ledger_days, ledgers
from campaigns.tests import sending
from campaigns.tests.carriers import Carrier
from campaigns.tests.factories import SendingAccountFactory, walking
from campaigns.tests.sending import now, send
from config.kernel import clock
from config.kernel.providers import Unavailable
from config.testing import NOON
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MORNING = datetime(2026, 6, 17, 8, tzinfo=UTC)  # of the day after noon
carrier = sending.carrier


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(ledgers, "SLICE", DAY)


@pytest.fixture
def account(carrier):
    return SendingAccountFactory(created_at=NOON)


def compare(at=MORNING, **options):
    with clock.standing_at(at):
        return ledger_days.compare_due(at=at, **options)


def alarms(caplog):
    return [line.getMessage() for line in caplog.records if line.levelno == logging.ERROR]


def sent_by_a_stranger(carrier, at=NOON):
    carrier._do("""INSERT INTO sent (token, key, "to", at) VALUES ('x', 'y', '+15125550100', ?)""", at.isoformat())


class TestADay:
    def test_is_compared_in_the_morning_after_it_and_the_row_says_what_came_of_it(self, carrier, account):
        for _ in range(3):
            walking()
        send()

        assert compare(MORNING - HOUR / 60) == []
        (row,) = compare()

        assert (row.provider, row.day, row.compared_at, row.error) == ("sms", NOON.date(), MORNING, "")
        assert (row.theirs, row.ours, row.unexplained, row.repeated, row.missing) == (3, 3, 0, 0, 0)
        assert compare(MORNING + HOUR) == []

    def test_is_kept_whatever_its_lines_say(self, carrier, account, monkeypatch):
        messages = []
        for mode in ("accept", "accept_then_500"):
            carrier.behave(mode)
            messages.append(walking())
            send()
        sent_by_a_stranger(carrier)
        ids = {"R1": "R1\0", "R2": "R2", "R3": "R\ud8003"}
        listed = Carrier.sent

        async def strange(self, **asked):
            async for one in listed(self, **asked):
                yield replace(one, status="queued", reference=ids[one.reference])

        monkeypatch.setattr(Carrier, "sent", strange)
        (row,) = compare()

        assert (row.error, row.theirs, row.repeated) == ("", 3, 0)
        assert row.named["unexplained"] == ["'R\\ud8003'"]
        assert {now(message).state for message in messages} == {"accepted"}

    def test_on_which_the_list_was_away_is_tried_again_each_hour(self, account, monkeypatch, caplog):
        walking()
        send()
        monkeypatch.setattr(sender_on("sms"), "lists", False)

        (row,) = compare()
        assert (row.compared_at, row.tried_at, row.error) == (None, MORNING, "No listing today.")
        (row,) = compare(MORNING + HOUR)
        assert (row.compared_at, row.tried_at) == (None, MORNING + HOUR)
        assert alarms(caplog) == [
            "The ledger of sms of 2026-06-16 cannot be had: No listing today. It is tried again each hour for 14 days."
        ]

        monkeypatch.setattr(sender_on("sms"), "lists", True)
        compare(MORNING + 2 * HOUR)
        row = LedgerDay.objects.get()
        assert (row.compared_at, row.error, row.theirs, row.ours) == (MORNING + 2 * HOUR, "", 1, 1)

    def test_that_nobody_was_there_to_compare_is_compared_later_within_a_fortnight(self, account):
        days = [row.day for row in compare(MORNING + 3 * DAY)]
        assert days == [NOON.date() + number * DAY for number in (3, 2, 1, 0)]
        assert len(compare(MORNING + 40 * DAY)) == 14

    def test_that_always_fails_is_in_no_other_days_way(self, account, monkeypatch, caplog):
        real = ledgers.compare_one

        def broken(provider, *, since, until, at):
            if since.date() == NOON.date() + DAY:
                raise ValueError(provider)
            return real(provider, since=since, until=until, at=at)

        monkeypatch.setattr(ledgers, "compare_one", broken)
        compare(MORNING + 2 * DAY)

        assert list(LedgerDay.objects.values_list("day", "compared_at", "error")) == [
            (NOON.date() + 2 * DAY, MORNING + 2 * DAY, ""),
            (NOON.date() + DAY, None, "It stopped by an error (ValueError)."),
            (NOON.date(), MORNING + 2 * DAY, ""),
        ]

    def test_waits_where_the_time_is_over_and_whoever_waited_longest_comes_first(self, account, monkeypatch):
        monkeypatch.setattr(sender_on("sms"), "lists", False)
        compare(MORNING)

        with clock.standing_at(MORNING + DAY):
            assert ledger_days._due(MORNING + DAY) == [
                ("sms", NOON.date() + DAY), ("sms", NOON.date()),
            ]  # fmt: skip
        assert compare(MORNING + DAY, patience=-1) == []

    def test_costs_few_questions_where_there_is_nothing_to_do(self, account, django_assert_num_queries):
        compare(MORNING + 13 * DAY)

        with django_assert_num_queries(2):
            assert compare(MORNING + 13 * DAY) == []


class TestADifference:
    def test_is_told_once_however_often_the_day_is_compared(self, carrier, account, caplog):
        lost = walking()
        send()
        sent_by_a_stranger(carrier)
        carrier._do("DELETE FROM sent WHERE reference = 1")
        compare()
        assert len(alarms(caplog)) == 2

        with clock.standing_at(MORNING + HOUR):
            again = ledger_days.compare_day(provider="sms", day=NOON.date(), at=MORNING + HOUR)
        assert len(alarms(caplog)) == 2
        assert (again.unexplained, again.missing, again.compared_at) == (1, 1, MORNING + HOUR)
        assert again.named == {"unexplained": ["R2"], "repeated": [], "missing": [str(lost.pk)]}

        sent_by_a_stranger(carrier)
        with clock.standing_at(MORNING + HOUR):
            ledger_days.compare_day(provider="sms", day=NOON.date(), at=MORNING + HOUR)
        assert alarms(caplog)[2:] == ["Ledger of sms: 1 messages were sent, it says, and we know nothing of them: R3"]

    def test_that_was_only_a_late_list_is_none_any_more(self, carrier, account):
        message = walking()
        send()
        rows = carrier._do("SELECT * FROM sent")
        carrier._do("DELETE FROM sent")
        compare()
        assert now(message).anomaly == "not_in_ledger"

        carrier._do("INSERT INTO sent VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *rows[0])
        with clock.standing_at(MORNING + HOUR):
            row = ledger_days.compare_day(provider="sms", day=NOON.date(), at=MORNING + HOUR)

        assert (row.missing, now(message).anomaly) == (0, "")

    def test_is_told_once_where_the_list_breaks_off_behind_it_each_time(self, carrier, account, monkeypatch, caplog):
        monkeypatch.setattr(ledgers, "SLICE", HOUR)
        sent_by_a_stranger(carrier)
        listed = Carrier.sent

        async def broken(self, *, since, until):
            if since > NOON + 3 * HOUR:
                raise Unavailable("It said: \0\n no.")
            async for one in listed(self, since=since, until=until):
                yield one

        monkeypatch.setattr(Carrier, "sent", broken)
        rows = [row for hours in range(3) for row in compare(MORNING + hours * HOUR)]

        assert [(row.compared_at, row.error, row.unexplained) for row in rows] == [(None, "It said: no.", 1)] * 3
        assert len([said for said in alarms(caplog) if "we know nothing of them: R1" in said]) == 1

    def test_once_found_stays_when_the_list_is_away_later(self, carrier, account, monkeypatch):
        sent_by_a_stranger(carrier)
        compare()
        monkeypatch.setattr(sender_on("sms"), "lists", False)

        row = ledger_days.compare_day(provider="sms", day=NOON.date(), at=MORNING + HOUR)

        assert (row.compared_at, row.unexplained, row.error) == (MORNING, 1, "No listing today.")


def test_a_day_can_be_compared_by_hand_and_is_kept(carrier, account, capsys):
    walking()
    send()
    with clock.standing_at(MORNING):
        call_command("ledger", "--day=2026-06-16")
        assert "sms: 1 of theirs, 1 of ours, 0 strange, 0 sent twice, 0 missing" in capsys.readouterr().out
        assert LedgerDay.objects.get().compared_at == MORNING
        with pytest.raises(CommandError, match="not over yet"):
            call_command("ledger", "--day=2026-06-17")
        sent_by_a_stranger(carrier)
        with pytest.raises(CommandError, match="do not match"):
            call_command("ledger", "--day=2026-06-16")


class TestWhatAdminsSee:
    @pytest.fixture
    def lost(self, client, carrier, account):
        client.force_login(UserFactory(admin=True))
        for _ in range(2):
            walking()
        send()
        carrier._do("DELETE FROM sent WHERE reference = 1")
        sent_by_a_stranger(carrier)
        compare()
        return Message.objects.exclude(anomaly="").get()

    def test_in_the_back_office(self, client, lost):
        days = client.get(reverse("admin:campaigns_ledgerday_changelist"), {"outcome": "differs"})
        assert "2 differ" in days.content.decode()
        nothing = client.get(reverse("admin:campaigns_ledgerday_changelist"), {"outcome": "waits"})
        assert "2 differ" not in nothing.content.decode()
        page = client.get(reverse("admin:campaigns_ledgerday_change", args=[LedgerDay.objects.get().pk]))
        assert "R3" in page.content.decode()
        assert str(lost.pk) in page.content.decode()

        messages = client.get(reverse("admin:campaigns_message_changelist"), {"anomaly": "not_in_ledger"})
        assert [row.pk for row in messages.context["cl"].result_list] == [lost.pk]

    def test_by_the_api(self, client, lost):
        (day,) = client.get("/api/v1/ledger-days/", {"differs": "true"}).json()["results"]
        assert (day["theirs"], day["ours"], day["unexplained"], day["missing"]) == (2, 2, 1, 1)
        one = client.get(f"/api/v1/ledger-days/{day['id']}/").json()
        assert one["named"] == {"unexplained": ["R3"], "repeated": [], "missing": [str(lost.pk)]}
        assert not client.get("/api/v1/ledger-days/", {"waits": "true"}).json()["results"]

        (found,) = client.get("/api/v1/messages/", {"anomaly": "not_in_ledger"}).json()["results"]
        assert found["id"] == str(lost.pk)
        assert not client.get("/api/v1/messages/", {"anomaly": "late_evidence"}).json()["results"]
