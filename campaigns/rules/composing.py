"""What somebody gets: the content with their values in it, or why it cannot be sent to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from campaigns.rules import segments
from campaigns.rules.rendering import render
from crm.choices import Channel

LONGEST: Final[Mapping[str, int]] = {
    Channel.SMS: segments.LONGEST,
    Channel.EMAIL: 100_000,
    Channel.VOICEMAIL: 5_000,
    Channel.CALL: 20_000,
}
LONGEST_SUBJECT: Final = 400


class Unsendable(Exception):
    """This person cannot get this content; the words say why and what to do."""


@dataclass(frozen=True, slots=True)
class Content:
    channel: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Composed:
    """``segments`` are those of an SMS; any other message is one."""

    subject: str
    body: str
    segments: int = 1


def compose(channel: str, key: str, contents: Mapping[str, Content], values: Mapping[str, str]) -> Composed:
    """Return what whoever has these ``values`` gets.

    :raises Unsendable: no such content, a tag with neither value nor fallback, or the text is empty or too long.
    """
    content = contents.get(key)
    if content is None or content.channel != channel:
        raise Unsendable(f"There is no content {key!r} for {channel} any more.")
    head, text = render(content.subject, values), render(content.body, values)
    if missing := list(dict.fromkeys([*head.missing, *text.missing])):
        raise Unsendable(f"Nobody has said {', '.join(missing)}: add it to the contact, or words for whoever has none.")
    subject = " ".join(head.text.split())
    if not text.text.strip():
        raise Unsendable(f"For them {key!r} is empty.")
    for part, said, most in (("the subject of ", subject, LONGEST_SUBJECT), ("", text.text, LONGEST[channel])):
        if len(said) > most:
            too_long = f"For them {part}{key!r} has {len(said):,} characters; at most {most:,} are sent"
            raise Unsendable(f"{too_long}: shorten it, or the values in it.")
    return Composed(subject, text.text, segments.measure(text.text).segments if channel == Channel.SMS else 1)
