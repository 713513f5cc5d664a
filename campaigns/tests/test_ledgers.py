"""What the ledgers of providers prove, line by line against ours (trust 3.6)."""

import logging
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from campaigns.models import Message
from campaigns.services import evidence
from campaigns.services.dispatch import ledgers
from campaigns.tests import sending
from campaigns.tests.carriers import Carrier
from campaigns.tests.factories import SendingAccountFactory, walking
from campaigns.tests.sending import now, send
from config.kernel import clock
from config.testing import NOON
from crm.models import Touch

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
carrier, account = sending.carrier, sending.account


@pytest.fixture
def post(carrier, settings):
    return Carrier(**settings.PROVIDERS["email"]["OPTIONS"])


class TestTheLedger:
    def compare(self, at=NOON + HOUR):
        with clock.standing_at(at):
            found = ledgers.compare(since=NOON - 3 * HOUR, until=NOON + HOUR, at=at)
        return next(one for one in found if one.provider == "sms")

    def repeated(self, post, after):
        """Return a message whose first answer was lost, and whose second try its provider knew by its key."""
        SendingAccountFactory(channel="email")
        post.behave("accept_then_hang")
        message = walking("email")
        send()
        assert now(message).state == "pending"
        post.behave("accept")
        send(NOON + after)
        assert (now(message).state, now(message).tries, len(post.ledger())) == ("accepted", 2, 1)
        return message

    def test_matches_after_a_quiet_day(self, carrier, account):
        for _ in range(3):
            walking()
        send()

        result = self.compare()

        assert (result.matched, result.corrected, result.is_clean) == (3, 0, True)

    def test_corrects_what_we_had_concluded(self, carrier, account):
        """INV-TRUTH and A14: what is in the ledger was sent, whatever we said."""
        carrier.behave("accept_then_500")
        message = walking()
        send()
        Message.objects.filter(pk=message.pk).update(state="not_sent_presumed", settled_at=NOON)
        Touch.objects.update(counts=False)

        result = self.compare()

        assert (result.corrected, result.is_clean) == (1, True)
        assert (now(message).state, now(message).anomaly) == ("accepted", "late_evidence")
        assert Touch.objects.get().counts

    def test_raises_the_alarm_about_what_nobody_explains(self, carrier, account, caplog):
        walking()
        send()
        carrier._do(
            """INSERT INTO sent (token, key, "to", at) VALUES ('x', 'y', '+15125550100', ?)""", NOON.isoformat()
        )

        with caplog.at_level(logging.ERROR):
            result = self.compare()

        assert (result.strange, result.matched) == (["R2"], 1)
        assert "we know nothing of them: R2" in caplog.text
        assert "+1512" not in caplog.text

    def test_raises_the_alarm_about_what_was_sent_twice(self, carrier, account, caplog):
        walking()
        send()
        carrier._do(f"INSERT INTO sent (token, key, at) SELECT token, key, '{(NOON - 2 * HOUR).isoformat()}' FROM sent")

        result = self.compare()

        assert result.twice == ["R2"]

    @pytest.mark.parametrize("second", ["accept", "accept_then_500"])
    @pytest.mark.parametrize("minutes", [1, 55, 61, 65, 75, 181])
    def test_raises_the_alarm_about_a_repeat_that_its_provider_did_not_recognise(self, post, second, minutes):
        """Two tries of one message, each of them sent: whoever it is has it twice."""
        SendingAccountFactory(channel="email")
        post.behave("accept_then_500")
        walking("email")
        send()
        post._do("UPDATE sent SET key = 'forgotten'")
        post.behave(second)
        send(NOON + minutes * MINUTE)

        for _ in range(2):
            result = ledgers.compare_one("email", since=NOON, until=NOON + 4 * HOUR, at=NOON + 5 * HOUR)
            assert (result.theirs, result.matched, result.twice) == (2, 1, ["R2"])
            assert (result.strange, result.missing) == ([], [])
        then, at = NOON + minutes * MINUTE, NOON + 6 * HOUR
        assert ledgers.compare_one("email", since=NOON, until=then, at=at).is_clean
        assert ledgers.compare_one("email", since=then, until=NOON + 5 * HOUR, at=at).twice == ["R2"]

    @pytest.mark.parametrize("minutes", [1, 65, 181])
    def test_raises_the_alarm_about_one_try_that_was_sent_twice_though_no_answer_came(self, post, minutes):
        SendingAccountFactory(channel="email")
        post.behave("accept_then_500")
        walking("email")
        send()
        insert = "INSERT INTO sent (token, key, at) SELECT token, key || '/2', ? FROM sent"
        post._do(insert, (NOON + minutes * MINUTE).isoformat())

        for _ in range(2):
            result = ledgers.compare_one("email", since=NOON, until=NOON + 4 * HOUR, at=NOON + 5 * HOUR)
            assert (result.matched, result.twice) == (1, ["R2"])

    def test_raises_the_alarm_about_what_another_provider_took_later(self, carrier, account, settings):
        carrier.behave("busy")
        message = walking()
        send()
        ((token,),) = carrier._do("SELECT token FROM asked")
        carrier._do("INSERT INTO sent (token, key, at) VALUES (?, ?, ?)", token, str(message.pk), NOON.isoformat())
        settings.PROVIDERS = {**settings.PROVIDERS, "sms2": settings.PROVIDERS["sms"]}
        type(account).objects.update(provider="sms2")
        carrier.behave("accept")
        send(NOON + 8 * MINUTE)
        assert now(message).state == "accepted"

        result = self.compare()

        assert (result.matched, result.twice) == (0, ["R1"])

    def test_tells_once_of_what_was_sent_though_its_provider_said_that_it_was_not(self, carrier, account, caplog):
        carrier.behave("busy")
        message = walking()
        send()
        ((token,),) = carrier._do("SELECT token FROM asked")
        insert = "INSERT INTO sent (token, key, at) VALUES (?, ?, ?)"
        carrier._do(insert, token, str(message.pk), (NOON - MINUTE).isoformat())
        carrier.behave("accept")
        send(NOON + 8 * MINUTE)

        results = [self.compare() for _ in range(3)]

        assert [(one.corrected, len(one.twice)) for one in results] == [(1, 1), (0, 1), (0, 1)]
        assert caplog.text.count("was sent although we had concluded") == 1
        assert now(message).anomaly == "late_evidence"
        assert not evidence.bind(provider="sms", status="accepted", token=token, at=NOON + HOUR)

    def test_marks_what_the_provider_does_not_know(self, carrier, account):
        message = walking()
        send()
        carrier._do("DELETE FROM sent")

        result = self.compare()

        assert result.missing == [message.pk]
        assert now(message).anomaly == "not_in_ledger"

    def test_knows_a_repeat_by_its_key(self, post):
        self.repeated(post, after=MINUTE)

        with clock.standing_at(NOON + HOUR):
            (result,) = ledgers.compare(since=NOON - HOUR, until=NOON + HOUR, at=NOON + HOUR)

        assert result.is_clean

    @pytest.mark.parametrize("since", [NOON - HOUR, NOON + HOUR], ids=["that day", "the day after it"])
    def test_knows_a_repeat_that_had_to_wait_for_hours(self, post, since):
        """Its list has it at the first try, our answer is of the second: nothing is missing."""
        message = self.repeated(post, after=3 * HOUR)
        lost = walking("email")
        send(NOON + 3 * HOUR)
        post._do("DELETE FROM sent WHERE key = ?", str(lost.pk))

        result = ledgers.compare_one("email", since=since, until=NOON + 5 * HOUR, at=NOON + 5 * HOUR)

        assert (result.twice, result.strange, result.missing) == ([], [], [lost.pk])
        assert now(message).anomaly == ""

    def test_takes_the_mark_from_a_repeat_that_a_late_list_has_at_its_first_try(self, post):
        message = self.repeated(post, after=3 * HOUR)
        (row,) = post._do("SELECT * FROM sent")
        day = {"since": NOON + HOUR, "until": NOON + 5 * HOUR, "at": NOON + 5 * HOUR}

        post._do("DELETE FROM sent")
        assert ledgers.compare_one("email", **day).missing == [message.pk]
        assert now(message).anomaly == "not_in_ledger"
        post._do("INSERT INTO sent VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *row)
        assert ledgers.compare_one("email", **day).missing == []
        assert now(message).anomaly == ""

    def test_of_one_that_gives_no_list_nothing_is_concluded_and_the_others_are_compared(
        self, carrier, account, settings, caplog
    ):
        settings.PROVIDERS["email"]["OPTIONS"]["lists"] = False
        SendingAccountFactory(channel="email")
        lost = walking("email"), walking()
        send()
        SendingAccountFactory(provider="gone")
        carrier._do("DELETE FROM sent")

        with clock.standing_at(NOON + HOUR):
            found = ledgers.compare(since=NOON - HOUR, until=NOON + HOUR, at=NOON + HOUR)

        assert [(one.provider, one.is_unknown, one.missing) for one in found] == [
            ("email", True, []), ("gone", True, []), ("sms", False, [lost[1].pk]),
        ]  # fmt: skip
        assert "The ledger of gone cannot be had" in caplog.text
        with pytest.raises(CommandError, match="The list of email, gone cannot be had"):
            call_command("ledger", f"--since={(NOON - HOUR).isoformat()}", f"--until={(NOON + HOUR).isoformat()}")

    def test_has_a_command(self, carrier, account, capsys):
        walking()
        send()
        asked = [f"--since={(NOON - HOUR).isoformat()}", f"--until={(NOON + HOUR).isoformat()}"]

        call_command("ledger", *asked)
        assert "sms: 1 match, 0 corrected, 0 strange, 0 sent twice, 0 missing" in capsys.readouterr().out

        carrier._do("DELETE FROM sent")
        with pytest.raises(CommandError, match="do not match"):
            call_command("ledger", *asked)
