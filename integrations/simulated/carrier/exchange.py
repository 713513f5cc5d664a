"""What the simulated carrier does with one message: refuse it, or keep it with all the news there will be of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from uuid import uuid4

from integrations.simulated.carrier.behaviour import OPT_OUTS, Behaviour
from integrations.simulated.carrier.ledger import Entry, Ledger, News

CHANNELS = ("sms", "email", "voicemail")
LONGEST = {"sms": 1600, "email": 500_000, "voicemail": 5_000}
_ANSWERED = ("sms", "email")
_LINK = re.compile(r"https?://[^\s<>]{1,2000}", re.IGNORECASE)


class Refused(Exception):
    """The message is not taken. ``code`` is for programs; ``opted_out``: its recipient told the carrier to stop."""

    def __init__(self, code: str, message: str, *, opted_out: bool = False) -> None:
        super().__init__(message)
        self.code, self.opted_out = code, opted_out


@dataclass(frozen=True, slots=True)
class Asked:
    """A message as it was posted. ``at`` is the sender's clock, so that simulated days can pass."""

    channel: str
    to: str
    sender: str
    subject: str
    body: str
    key: str
    token: str
    at: datetime
    valid_until: datetime
    callback: str

    @classmethod
    def of(cls, posted: Any) -> "Asked":
        """:raises Refused: it is no message."""
        try:
            words = {name: posted[name] for name in ("channel", "to", "sender", "subject", "body", "key", "token")}
            at, until = (datetime.fromisoformat(posted[name]).astimezone(UTC) for name in ("at", "valid_until"))
            callback = posted["callback"]
        except (KeyError, TypeError, ValueError, OverflowError):
            raise Refused("malformed", "This is no message: a field is missing or cannot be read.") from None
        if not all(isinstance(word, str) for word in (*words.values(), callback)):
            raise Refused("malformed", "All of it is text.")
        return cls(at=at, valid_until=until, callback=callback, **words)


class Exchange:
    """Takes messages. One process, one thread: nothing here waits."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.behaviour = ledger.behaviour()
        self.taken = ledger.count()

    def set(self, behaviour: Behaviour) -> None:
        self.ledger.set_behaviour(behaviour)
        self.behaviour = behaviour

    def take(self, asked: Asked, now: float) -> tuple[str, str]:
        """Keep ``asked`` and return its reference and what becomes of it.

        An e-mail with a key that is known is the one that is there.

        :raises Refused: it is not taken, and never will be.
        """
        self._check(asked, now)
        if asked.channel == "email" and (known := self.ledger.known(asked.key)):
            reference, body = known
            if body != asked.body:
                raise Refused("key_reused", "Another message came with this key.")
            return reference, "accepted"
        entry, news = self._entry(asked, now)
        answer = next((one for one in news if one.event["type"] == "received" and _stops(one.event["text"])), None)
        self.ledger.enter(entry, news, (asked.to, answer.due) if answer else None)
        self.taken += 1
        return entry.reference, entry.ends

    def write_in(self, *, channel: str, sender: str, to: str, text: str, at: datetime, url: str, now: float) -> str:
        """Let somebody write to us; returns the reference of what they wrote."""
        reference = f"sim_{uuid4().hex}"
        event = _event("received", reference, at, channel=channel, sender=sender, to=to, subject="", text=text)
        self.ledger.tell([News(now, url, event)])
        if _stops(text):
            self.ledger.stop(sender, now)
        elif text.strip().casefold() in {"start", "unstop"}:
            self.ledger.start(sender)
        return reference

    def _check(self, asked: Asked, now: float) -> None:
        if asked.channel not in CHANNELS:
            raise Refused("channel", f"Channels are {', '.join(CHANNELS)}.")
        if not (asked.body.strip() and asked.to and asked.sender):
            raise Refused("empty", "A message has a sender, a recipient and a text.")
        if len(asked.body) > LONGEST[asked.channel]:
            raise Refused("too_long", f"Longer than {LONGEST[asked.channel]} characters.")
        if any(sign in asked.subject + asked.to + asked.sender for sign in "\r\n\0"):
            raise Refused("header", "Subject and addresses are single lines.")
        if self.behaviour.fate(asked.to) == "refuse":
            raise Refused("invalid_number", "Nobody can be reached there.")
        if self.behaviour.mode_of(asked.to) == "opted_out" or self.ledger.has_stopped(asked.to, now):
            raise Refused("opted_out", "The recipient told us to stop.", opted_out=True)

    def _entry(self, asked: Asked, now: float) -> tuple[Entry, list[News]]:
        does, key = self.behaviour, f"{asked.to}\0{asked.body}"
        after = does.between(does.deliver_least, does.deliver_most, "delay", key)
        fate = does.fate(asked.to)
        late = asked.at.timestamp() + after > asked.valid_until.timestamp()
        ends = "undelivered" if late or fate == "undelivered" else "delivered"
        reference = f"sim_{uuid4().hex}"
        due = now + after / does.speed
        entry = Entry(
            reference, asked.channel, asked.key, asked.token, asked.to, asked.sender, asked.subject, asked.body,
            asked.at.timestamp(), ends, due,
        )  # fmt: skip
        if fate == "silent":
            return entry, []
        code = "expired" if late else "unreachable" if ends == "undelivered" else ""
        news = [*self._statuses(asked, reference, now, after, ends, code)]
        if ends == "delivered" and asked.channel in _ANSWERED and (text := does.answer(asked.to, asked.body)):
            news.append(self._answer(asked, text, now, after))
        if ends == "delivered" and asked.channel == "email" and (link := _LINK.search(asked.body)):
            news += self._clicks(asked, reference, link[0], now, after)
        return entry, [*news, *self._twice(news, key)]

    def _statuses(self, asked: Asked, reference: str, now: float, after: float, ends: str, code: str) -> Iterator[News]:
        told = {"token": asked.token, "channel": asked.channel}
        # Out of order: that it was sent is told after what became of it.
        out_of_order = self.behaviour.draw("disorder", asked.token) < self.behaviour.disorder
        for kind, seconds in (("accepted", after * 0.1), (ends, after)):
            waits = after * 1.5 if out_of_order and kind == "accepted" else seconds
            moment = datetime.fromtimestamp(asked.at.timestamp() + seconds, UTC)
            event = _event(kind, reference, moment, **told, code=code if kind == ends else "")
            yield News(now + waits / self.behaviour.speed, asked.callback, event)

    def _answer(self, asked: Asked, text: str, now: float, after: float) -> News:
        does = self.behaviour
        later = after + does.between(does.reply_least, does.reply_most, "thinks", f"{asked.to}\0{asked.body}")
        moment = datetime.fromtimestamp(asked.at.timestamp() + later, UTC)
        event = _event(
            "received", f"sim_{uuid4().hex}", moment, channel=asked.channel, sender=asked.to, to=asked.sender,
            subject=f"Re: {asked.subject}" if asked.subject else "", text=text,
        )  # fmt: skip
        return News(now + later / does.speed, asked.callback, event)

    def _clicks(self, asked: Asked, reference: str, url: str, now: float, after: float) -> Iterator[News]:
        """A program opens the link as soon as it has the mail, a person once they have read it."""
        does, key = self.behaviour, f"{asked.to}\0{asked.body}"
        opened = []
        if does.scans(asked.to):
            opened.append((after, True))
        if does.clicks(asked.to, asked.body):
            opened.append((after + does.between(does.reply_least, does.reply_most, "opens", key), False))
        for later, automatic in opened:
            moment = datetime.fromtimestamp(asked.at.timestamp() + later, UTC)
            event = _event("clicked", reference, moment, token=asked.token, channel=asked.channel, url=url)
            if automatic:
                event |= {"id": f"{event['id']}_scan", "automatic": True}
            yield News(now + later / does.speed, asked.callback, event)

    def _twice(self, news: list[News], key: str) -> Iterator[News]:
        for one in news:
            if self.behaviour.draw("duplicate", f"{key}\0{one.event['type']}") < self.behaviour.duplicate:
                yield News(one.due + 1 / self.behaviour.speed, one.url, one.event)


def _event(kind: str, reference: str, at: datetime, **facts: str) -> dict[str, Any]:
    known = blake2b(f"{reference}\0{kind}".encode(), digest_size=12).hexdigest()
    return {"id": f"ev_{known}", "type": kind, "reference": reference, "at": at.isoformat(), "simulated": True, **facts}


def _stops(text: str) -> bool:
    return text in OPT_OUTS
