"""The news of the simulated carrier, told to the domain. Unsigned, as of providers that sign nothing."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from campaigns.services import clicks, evidence, inbound
from config.kernel.moments import is_kept
from crm.choices import Channel
from integrations.bodies import loaded
from integrations.inbox.hooks import Item, TooEarly, Unreadable
from integrations.inbox.keeping import hashed

PROVIDER = "simulated"
_CHANNELS = frozenset({Channel.SMS.value, Channel.EMAIL.value, Channel.VOICEMAIL.value})


class SimulatedHook:
    """``integrations.inbox.hooks.Hook``. A message's provider is its port: "sms", "email" or "voicemail"."""

    def is_signed(self, *, body: bytes, headers: Mapping[str, str], address: str) -> bool:
        return False

    def items(self, body: bytes) -> Iterable[Item]:
        """See ``Hook.items``: ``{"events": [{"id": ...}, ...]}``. What somebody wrote is known by its words alone."""
        told = _loaded(body)
        events = told.get("events") if isinstance(told, dict) else None
        if not isinstance(events, list) or not events:
            raise Unreadable("This is no list of events.")
        for event in events:
            words = _written(event)
            known = event.get("id") if isinstance(event, dict) and event.get("type") != "received" else None
            yield Item(known if isinstance(known, str) and known else hashed(words), words)

    def at_once(self, bodies: Mapping[UUID, bytes], *, at: datetime) -> Mapping[UUID, str]:
        """See ``Hook.at_once``: statuses, of which there are a few for every message."""
        found = {key: proof for key, body in bodies.items() if (proof := _proof(body))}
        bound = evidence.bind_all(list(found.values()), at=at)
        return {key: proof.status for (key, proof), plain in zip(found.items(), bound, strict=True) if plain}

    def understand(self, body: bytes, *, received_at: datetime, signed: bool, at: datetime) -> str:
        """See ``Hook.understand``."""
        event = _loaded(body)
        kind = event.get("type") if isinstance(event, dict) else None
        if not isinstance(kind, str) or _said(event, "channel") not in _CHANNELS:
            raise Unreadable("This is no event of a message.")
        if kind in evidence.PROOFS:
            self._status(event, kind, at)
        elif kind == "received":
            self._reply(event, received_at)
        elif kind == "clicked" and event["channel"] == Channel.EMAIL:
            self._click(event, received_at, at)
        else:
            raise Unreadable("This kind of event is not known.")
        return kind

    def _status(self, event: dict[str, Any], kind: str, at: datetime) -> None:
        with _of_ours(event) as named:
            evidence.bind(**named, status=kind, at=at, reason=_said(event, "code"))

    def _click(self, event: dict[str, Any], received_at: datetime, at: datetime) -> None:
        """Which of our own links it was nobody asks: what they say of it is not read."""
        automatic = event.get("automatic", False)
        if not isinstance(automatic, bool):
            raise Unreadable("automatic is neither true nor false.")
        with _of_ours(event) as named:
            clicks.keep(**named, clicked_at=_moment(event, received_at), at=at, automatic=automatic)

    def _reply(self, event: dict[str, Any], received_at: datetime) -> None:
        heard = inbound.Heard(
            provider=PROVIDER, channel=_said(event, "channel"), sender=_said(event, "sender"), to=_said(event, "to"),
            text=_said(event, "text"), subject=_said(event, "subject"), reference=_said(event, "reference"),
            at=_moment(event, received_at),
        )  # fmt: skip
        inbound.receive(heard)


@contextmanager
def _of_ours(event: dict[str, Any]) -> Iterator[dict[str, str]]:
    """By which provider, token and reference its message is found; for whatever then turns out to be of nobody."""
    named = {"provider": _said(event, "channel"), **{name: _said(event, name) for name in ("token", "reference")}}
    try:
        yield named
    except evidence.NotOurs as reason:
        # A token is committed before the provider hears of it; a reference only after it has answered.
        raise (Unreadable if named["token"] else TooEarly)(str(reason)) from reason


def _proof(body: bytes) -> evidence.Proof | None:
    """A plain status, and None for whatever has to be looked at by itself."""
    try:
        event = _loaded(body)
        if not isinstance(event, dict) or event.get("type") not in evidence.PROOFS:
            return None
        words = {name: _said(event, name) for name in ("token", "reference", "code", "channel")}
    except Unreadable:
        return None
    if not words["token"] or words["channel"] not in _CHANNELS:
        return None
    return evidence.Proof(evidence.hash_of(words["token"]), event["type"], words["reference"], words["code"])


def _loaded(body: bytes) -> Any:
    try:
        return loaded(body)
    except ValueError:
        raise Unreadable("This is no JSON.") from None


def _written(event: Any) -> bytes:
    try:
        return orjson.dumps(event)
    except TypeError:  # what orjson says of what is nested deeper than it writes, though it has read it
        raise Unreadable("This is nested too deep.") from None


def _said(event: dict[str, Any], name: str) -> str:
    """Return a text of ``event``; what it does not have, or has as null, is empty."""
    said = event.get(name)
    if said is None:
        return ""
    if not isinstance(said, str):
        raise Unreadable(f"{name} is no text.")
    return said


def _moment(event: dict[str, Any], received_at: datetime) -> datetime:
    """When it happened: what they say, but nothing that has not been yet, nor in a year that is not kept; else when we
    heard of it.
    """
    try:
        told = datetime.fromisoformat(_said(event, "at"))
    except ValueError:
        return received_at
    return min(told, received_at) if told.tzinfo and is_kept(told) else received_at
