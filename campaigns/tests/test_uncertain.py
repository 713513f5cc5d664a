"""What dead workers leave and how it is looked for: the sweeper and the reconciler (trust A1 to A6, A14)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from campaigns.models import Attempt, Message
from campaigns.services.dispatch import reconciling, sweeping
from campaigns.services.dispatch.reconciling import Reconciled
from campaigns.services.dispatch.sweeping import Swept
from campaigns.tests import carriers, sending
from campaigns.tests.carriers import Carrier
from campaigns.tests.factories import SendingAccountFactory, walking
from campaigns.tests.sending import claim, mark, now, send
from config.kernel import clock
from config.testing import NOON
from crm.models import Touch

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
carrier, account = sending.carrier, sending.account


@pytest.fixture
def post(carrier, settings):
    return Carrier(**settings.PROVIDERS["email"]["OPTIONS"])


def reconcile(at):
    with clock.standing_at(at):
        return reconciling.reconcile(at=at)


class TestTheSweeper:
    def test_puts_back_what_was_only_claimed(self, carrier, account):
        message = walking()
        claim(account)
        assert sweeping.sweep(at=NOON + 59 * SECOND) == Swept()

        assert sweeping.sweep(at=NOON + MINUTE) == Swept(back=1)
        send(NOON + MINUTE)

        assert now(message).state == "accepted"
        assert len(carrier.ledger()) == 1

    def test_asks_nobody_again_who_may_have_it(self, carrier, account):
        message = walking()
        mark(account, claim(account))

        assert sweeping.sweep(at=NOON + MINUTE) == Swept(uncertain=1)
        send(NOON + HOUR)

        assert now(message).state == "uncertain"
        assert Attempt.objects.get().outcome == "uncertain"
        assert not carrier.asked()

    def test_asks_a_provider_again_that_knows_the_key(self, post):
        account = SendingAccountFactory(channel="email")
        message = walking("email")
        mark(account, claim(account))

        assert sweeping.sweep(at=NOON + MINUTE) == Swept(back=1)
        send(NOON + MINUTE)

        assert now(message).state == "accepted"
        assert post.ledger() == [str(message.pk)]

    def test_does_not_once_the_key_is_forgotten(self, post):
        account = SendingAccountFactory(channel="email")
        message = walking("email")
        mark(account, claim(account))

        assert sweeping.sweep(at=NOON + 20 * HOUR) == Swept(uncertain=1)
        assert now(message).state == "uncertain"

    def test_ends_what_is_too_late_wherever_it_waits(self, carrier):
        waiting = walking(expires_at=NOON + HOUR, account=SendingAccountFactory(is_active=False))

        assert sweeping.sweep(at=NOON + HOUR) == Swept(expired=1)

        assert (now(waiting).state, now(waiting).settled_at) == ("expired", NOON + HOUR)

    def test_says_of_nothing_that_was_tried_that_it_was_never_sent(self, carrier, account):
        carrier.behave("refused")
        message = walking(expires_at=NOON + HOUR)
        send()

        sweeping.sweep(at=NOON + HOUR)

        assert (now(message).state, now(message).reason) == ("uncertain", "too_late")


class TestTheReconciler:
    def test_finds_what_was_sent(self, carrier, account):
        carrier.behave("accept_then_hang")
        message = walking()
        send()
        assert reconcile(NOON + 2 * MINUTE - SECOND).found == 0

        assert reconcile(NOON + 2 * MINUTE).found == 1

        message, attempt = now(message), Attempt.objects.get()
        assert (message.state, message.anomaly, message.settled_at) == ("accepted", "", NOON + 2 * MINUTE)
        assert (attempt.reference, attempt.outcome) == ("R1", "accepted")
        assert Touch.objects.get().counts

    @pytest.mark.parametrize("known", [0, 1])
    def test_proves_by_its_token_what_is_listed_with_the_id_of_another_one(self, carrier, account, monkeypatch, known):
        """A provider that gives one id twice, to what it took just now or long ago, keeps nobody else waiting."""
        first = [walking()]
        carrier.behave("accept" if known else "accept_then_hang")
        send()
        carrier.behave("accept_then_hang")
        others = [walking(), walking()]
        for seconds in (1, 2):
            send(NOON + seconds * SECOND)
        listed = Carrier.sent

        async def confused(self, **asked):
            async for one in listed(self, **asked):
                yield replace(one, reference="R1") if one.reference == "R2" else one

        monkeypatch.setattr(Carrier, "sent", confused)

        assert reconcile(NOON + HOUR) == Reconciled(found=3 - known)

        assert {now(message).state for message in first + others} == {"accepted"}
        assert sorted(Attempt.objects.values_list("reference", "outcome"), key=str) == [
            ("R1", "accepted"), ("R3", "accepted"), (None, "accepted"),
        ]  # fmt: skip
        assert reconcile(NOON + 2 * HOUR) == Reconciled()

    @pytest.mark.parametrize(
        "strange", [{"status": "queued"}, {"status": "\0"}, {"reference": "R\0"}, {"reference": ""}]
    )
    def test_is_told_by_a_row_that_nobody_understands_that_the_provider_has_it(
        self, carrier, account, monkeypatch, strange
    ):
        carrier.behave("accept_then_500")
        messages = [walking() for _ in range(3)]
        send()
        listed = Carrier.sent

        async def mixed(self, **asked):
            async for one in listed(self, **asked):
                yield replace(one, **strange) if one.reference == "R1" else replace(one, status="delivered")
            yield replace(one, token="\udcff")

        monkeypatch.setattr(Carrier, "sent", mixed)

        assert reconcile(NOON + HOUR) == Reconciled(found=3)
        assert sorted(now(message).state for message in messages) == ["accepted", "delivered", "delivered"]

    @pytest.mark.parametrize("worker", [-5 * MINUTE, 5 * MINUTE])
    @pytest.mark.parametrize("provider", [-5 * MINUTE, 5 * MINUTE])
    @pytest.mark.parametrize("looks", [-5 * MINUTE, 5 * MINUTE])
    @pytest.mark.parametrize("after", [12 * MINUTE, HOUR])
    def test_finds_it_though_every_clock_is_wrong(self, carrier, account, worker, provider, looks, after):
        """One worker sends it and another one looks for it; told by the clock of the provider (B14)."""
        carrier.behave("accept_then_500")
        message = walking()
        send()
        Attempt.objects.update(dispatched_at=NOON + worker - provider)

        assert reconcile(NOON + after + looks - provider) == Reconciled(found=1)
        assert now(message).state == "accepted"

    def test_takes_over_what_became_of_it(self, carrier, account):
        carrier.behave("accept_then_hang")
        message = walking()
        send()
        carrier.behave("undelivered")

        reconcile(NOON + 2 * MINUTE)

        assert now(message).state == "undelivered"

    @pytest.mark.parametrize(
        ("channel", "last"), [("sms", 15 * MINUTE), ("email", 15 * MINUTE), ("voicemail", 24 * HOUR)]
    )
    def test_presumes_in_the_end_that_it_was_not_sent(self, carrier, settings, channel, last):
        account = SendingAccountFactory(channel=channel)
        message = walking(channel)
        mark(account, claim(account))
        Message.objects.update(state="uncertain")
        assert reconcile(NOON + last - SECOND).absent == 0

        assert reconcile(NOON + last).absent == 1

        assert (now(message).state, now(message).settled_at) == (
            "not_sent_presumed",
            None,
        )  # a person decides
        assert Attempt.objects.get().outcome == "not_sent_presumed"
        assert Touch.objects.get().counts
        assert list(Message.objects.unsure()) == [message]
        send(NOON + last)
        assert not carrier.asked()

    def test_concludes_nothing_from_a_list_that_it_cannot_have(self, settings, tmp_path):
        carrier = carriers.install(settings, tmp_path, lists=False)
        SendingAccountFactory()
        carrier.behave("500")
        message = walking()
        send()

        assert reconcile(NOON + HOUR).absent == 0
        assert now(message).state == "uncertain"

    def test_goes_on_with_the_others_where_an_adapter_breaks(self, carrier, account, settings, monkeypatch, caplog):
        voices = Carrier(**settings.PROVIDERS["voicemail"]["OPTIONS"])
        SendingAccountFactory(channel="voicemail")
        for one, channel in ((carrier, "sms"), (voices, "voicemail")):
            one.behave("accept_then_500")
            walking(channel)
        send()
        listed = Carrier.sent

        def broken(self, **asked):
            return 1 / 0 if self.path == voices.path else listed(self, **asked)

        monkeypatch.setattr(Carrier, "sent", broken)

        assert reconcile(NOON + HOUR) == Reconciled(found=1)
        assert "The adapter of voicemail broke while listing" in caplog.text
        states = dict(Message.objects.values_list("channel", "state"))
        assert states == {"voicemail": "uncertain", "sms": "accepted"}

    def test_takes_as_many_questions_for_forty_as_for_one(self, carrier, account, django_assert_max_num_queries):
        carrier.behave("accept_then_500")
        for _ in range(40):
            walking()
        send()

        with django_assert_max_num_queries(12):
            assert reconcile(NOON + 2 * MINUTE).found == 40
