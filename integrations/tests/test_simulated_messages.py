"""The three ports over the simulated carrier."""

from dataclasses import replace
from datetime import timedelta

import pytest

from campaigns.providers import RecipientRefused
from config.kernel import clock
from config.kernel.providers import Unavailable
from integrations.simulated.messages import SimulatedEmail, SimulatedSms, SimulatedVoicemail
from integrations.tests import carriers
from integrations.tests.contract_messages import MessageContract


@pytest.fixture(scope="module")
def carrier(tmp_path_factory):
    with carriers.running(tmp_path_factory.mktemp("carrier") / "ledger.db") as found:
        yield found


class Simulated(MessageContract):
    adapter = SimulatedSms

    @pytest.fixture
    def wire(self, carrier):
        carrier.forget()
        return carrier

    @pytest.fixture
    def make(self, wire):
        return lambda **options: self.adapter(**{"url": wire.url, **options})

    def test_its_label_says_that_it_is_simulated(self, provider):
        assert "Simulated" in provider.label

    async def test_a_ledger_that_cannot_be_read_is_unavailable(self, make):
        with pytest.raises(Unavailable):
            async for _ in make(url="http://127.0.0.1:9").sent(since=clock.now(), until=clock.now() + timedelta(1)):
                pass


class TestSms(Simulated):
    adapter = SimulatedSms


class TestEmail(Simulated):
    adapter = SimulatedEmail
    to, sender = "alex@example.com", "riley@clearline.example"

    async def test_another_text_under_a_known_key_is_refused(self, provider, wire):
        first = self.message()
        await provider.send(first)

        with pytest.raises(RecipientRefused, match="key"):
            await provider.send(replace(first, body="Other words."))


class TestVoicemail(Simulated):
    adapter = SimulatedVoicemail


del Simulated, MessageContract  # they are not tests by themselves
