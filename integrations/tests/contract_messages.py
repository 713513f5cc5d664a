"""What every adapter of a port for messages has to do: inherit this, and give it a provider and a wire."""

import asyncio
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

import pytest

from campaigns.choices import CHANNELS
from campaigns.providers import AccountRefused, MessageProvider, Outgoing, RecipientRefused
from config.kernel import clock
from config.kernel.ids import uuid7
from config.kernel.providers import OutcomeUnknown, ProviderError, Unavailable

NAUGHTY = [
    "Zoë O'Brien", "你好世界", "👩‍👩‍👧‍👦 🇺🇳", "\u202eright to left", "tab\tand\nline\r\nends", "a\u0300\u0301\u0302",
    "<script>alert(1)</script>", "'; DROP TABLE message; --", "{{ settings.SECRET_KEY }}", "%s %n $(id) `id`",
    "\\u0000 \\x00", "nul \0 nul", '{"json": [1]}', "</Say><Dial>+1900</Dial>", "Ω≈ç√∫µ≤≥÷", "﷽" * 20, "\ufeffBOM",
    "=cmd|'/C calc'!A0", "\x1b[31mred", "‮‪", " leading and trailing ", "x" * 1_500,
]  # fmt: skip


class Wire(Protocol):
    """The other side, as it is told to behave."""

    url: str

    def will(self, mode: str, to: str = "*") -> None:
        """Behave so from now on: one of the modes of the simulated carrier."""
        ...

    def cut(self, pieces: int) -> None:
        """Write each answer in so many pieces from now on."""
        ...

    def messages(self) -> list[dict[str, Any]]:
        """Return what it has taken: reference, token, to, sender, subject, body, key."""
        ...

    def facts(self) -> dict[str, Any]:
        """Return at least ``asked``: how often it was asked to take something."""
        ...


class MessageContract:
    """``make(read=..)`` builds another adapter with less patience; ``to`` and ``sender`` are addresses of the port."""

    to = "+15125550134"
    sender = "+15125550100"

    @pytest.fixture
    def make(self, wire: Wire) -> Callable[..., MessageProvider]:
        raise NotImplementedError

    @pytest.fixture
    def provider(self, make: Callable[..., MessageProvider]) -> MessageProvider:
        return make()

    def message(self, body: str = "Hello there.", **more: Any) -> Outgoing:
        known = {"key": str(uuid7()), "token": secrets.token_hex(32), "valid_until": clock.now() + timedelta(hours=1)}
        return Outgoing(**{"to": self.to, "sender": self.sender, "body": body, **known, **more})

    def test_it_has_a_label_for_people_and_says_whether_it_knows_keys(self, provider):
        assert provider.label.strip()
        assert isinstance(provider.is_idempotent, bool)
        assert provider.channel in CHANNELS

    async def test_what_is_taken_gets_its_reference_and_travels_with_its_token(self, provider, wire):
        outgoing = self.message(subject="About Tuesday")

        receipt = await provider.send(outgoing)

        taken = wire.messages()
        assert [one["reference"] for one in taken] == [receipt.reference]
        for name in ("token", "to", "sender", "subject", "body", "key"):
            assert taken[0][name] == getattr(outgoing, name)

    async def test_a_recipient_that_is_refused_is_refused_for_good(self, provider, wire):
        wire.will("refuse")

        with pytest.raises(RecipientRefused) as refused:
            await provider.send(self.message())

        assert refused.value.code
        assert not refused.value.opted_out
        assert not wire.messages()

    async def test_whoever_told_the_provider_to_stop_is_named_as_such(self, provider, wire):
        wire.will("opted_out")

        with pytest.raises(RecipientRefused) as refused:
            await provider.send(self.message())

        assert refused.value.opted_out

    async def test_an_account_that_is_refused_is_told_apart(self, provider, wire):
        wire.will("unauthorized")

        with pytest.raises(AccountRefused):
            await provider.send(self.message())

        assert not wire.messages()

    async def test_too_fast_means_later(self, provider, wire):
        wire.will("limit")

        with pytest.raises(Unavailable) as unavailable:
            await provider.send(self.message())

        assert not isinstance(unavailable.value, AccountRefused)
        assert unavailable.value.retry_after == timedelta(seconds=1)
        assert not wire.messages()

    async def test_where_nobody_listens_nothing_was_sent(self, make):
        with pytest.raises(Unavailable) as unavailable:
            await make(url="http://127.0.0.1:9").send(self.message())

        assert not isinstance(unavailable.value, AccountRefused)

    async def test_where_no_secret_channel_can_be_opened_nothing_was_sent(self, make, wire):
        with pytest.raises(Unavailable):
            await make(url=wire.url.replace("http:", "https:", 1)).send(self.message())

        assert not wire.messages()

    @pytest.mark.parametrize(
        ("mode", "taken"),
        [
            *(("error_before", 0), ("error_after", 1), ("hang_before", 0), ("hang_after", 1)),
            *(("reset_before", 0), ("reset_after", 1), ("garbage", 1), ("truncated", 1), ("error_in_200", 1)),
            *(("no_code", 0), ("redirect", 0)),
        ],
    )
    async def test_what_nobody_knows_is_unknown_and_asked_once(self, make, wire, mode, taken):
        wire.will(mode)
        asked = wire.facts()["asked"]

        with pytest.raises(OutcomeUnknown):
            await make(read=0.4).send(self.message())

        assert len(wire.messages()) == taken
        assert wire.facts()["asked"] == asked + 1  # no retry of its own, no redirect

    async def test_an_answer_is_read_to_its_end_however_many_pieces_it_comes_in(self, provider, wire):
        wire.cut(4)
        outgoing, began = self.message(), clock.now()

        receipt = await provider.send(outgoing)
        listed = [one async for one in provider.sent(since=began, until=began + timedelta(minutes=1))]
        wire.will("opted_out")
        with pytest.raises(RecipientRefused) as refused:
            await provider.send(self.message())

        assert [(one.reference, one.token) for one in listed] == [(receipt.reference, outgoing.token)]
        assert refused.value.opted_out

    async def test_a_key_that_is_known_sends_once_where_the_provider_knows_keys(self, provider, wire):
        outgoing = self.message()
        references = {(await provider.send(outgoing)).reference for _ in range(2)}

        assert len(wire.messages()) == len(references) == (1 if provider.is_idempotent else 2)

    @pytest.mark.parametrize("text", NAUGHTY)
    async def test_hostile_text_arrives_as_it_is_or_is_refused(self, provider, wire, text):
        try:
            await provider.send(self.message(text, subject=text))
        except RecipientRefused:
            await provider.send(self.message(text))

        assert wire.messages()[-1]["body"] == text

    @pytest.mark.parametrize(
        "hostile",
        [
            *({"subject": "Hello\r\nBcc: all@example.com"}, {"subject": "Hello\nX: y"}, {"to": "+1512\r\n5550134"}),
            *({"sender": "a\r\nb"}, {"body": "half \ud800"}, {"subject": "\udfff"}, {"body": ""}, {"body": " \n "}),
            *({"body": "x" * 5_000_000}, {"body": "🏗️" * 1_000_000}),
        ],
        ids=lambda hostile: ascii(hostile)[:24],
    )
    async def test_what_must_not_leave_the_house_is_refused_for_good(self, provider, wire, hostile):
        with pytest.raises(RecipientRefused):
            await provider.send(self.message(**{"body": "Hello.", **hostile}))

        assert not wire.messages()

    async def test_the_ledger_lists_what_was_sent_oldest_first(self, provider, wire):
        began = clock.now()
        sent = []
        for minute in range(3):
            with clock.standing_at(began + timedelta(minutes=minute)):
                sent.append((await provider.send(self.message())).reference)

        async def listed(since, until):
            return [one.reference async for one in provider.sent(since=since, until=until)]

        assert await listed(began, began + timedelta(hours=1)) == sent
        assert await listed(began + timedelta(minutes=1), began + timedelta(minutes=2)) == sent[1:2]
        assert await listed(began - timedelta(hours=2), began) == []

    async def test_a_line_of_the_ledger_says_what_binds_it_to_us(self, provider, wire):
        outgoing = self.message()
        began = clock.now()
        receipt = await provider.send(outgoing)

        lines = [one async for one in provider.sent(since=began, until=began + timedelta(minutes=1))]
        line = lines[0]

        assert (line.reference, line.token) == (receipt.reference, outgoing.token)
        assert (line.to, line.sender) == (outgoing.to, outgoing.sender)
        assert line.status in {"accepted", "delivered"}
        assert began <= line.at <= clock.now()

    async def test_many_at_once_are_each_sent_once(self, provider, wire):
        wanted = [self.message(f"Number {n}") for n in range(300)]

        receipts = await asyncio.gather(*(provider.send(one) for one in wanted))

        assert len({receipt.reference for receipt in receipts}) == 300
        assert sorted(one["token"] for one in wire.messages()) == sorted(one.token for one in wanted)

    def test_each_event_loop_has_a_client_of_its_own_which_ends_with_it(self, provider, wire):
        for _ in range(3):
            asyncio.run(provider.send(self.message()))

        assert len(wire.messages()) == 3

    async def test_nothing_but_errors_of_providers_ever_comes_out(self, make, wire):
        for mode in ("error_after", "garbage", "truncated", "error_in_200", "no_code", "redirect", "limit", "refuse"):
            wire.will(mode)
            with pytest.raises(ProviderError):
                await make(read=0.4).send(self.message())
