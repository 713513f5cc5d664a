"""What cannot be sent to somebody is told before there is a message, with the words that say why (trust A22)."""

import pytest

from campaigns.rules.composing import Content, Unsendable, compose
from campaigns.rules.rendering import LONGEST_VALUE

LONG = "x" * 5_000_000


def composed(channel="sms", body="Hi {{contact.first_name}}", subject="", **values):
    named = {f"contact.{name}": value for name, value in values.items()}
    return compose(channel, "hello", {"hello": Content(channel, subject, body)}, named)


@pytest.mark.parametrize("nothing", ["", " \t\n", "\0", "\x1b\x07", "\ud800\udfff", "\u2028"])
def test_a_value_of_which_nothing_can_be_sent_is_missing(nothing):
    with pytest.raises(Unsendable, match=r"Nobody has said contact\.first_name: add it to the contact"):
        composed(first_name=nothing)


@pytest.mark.parametrize("body", ["{{contact.first_name|}}", " {{contact.first_name|}}\n"])
def test_a_text_that_ends_up_empty_is_not_sent(body):
    with pytest.raises(Unsendable, match="For them 'hello' is empty"):
        composed(body=body)


@pytest.mark.parametrize(
    ("channel", "longest"), [("sms", 1_600), ("email", 100_000), ("voicemail", 5_000)],
)  # fmt: skip
def test_a_text_that_gets_too_long_by_its_values_is_not_sent(channel, longest):
    subject = "Hello" if channel == "email" else ""
    room = "y" * (longest - LONGEST_VALUE)
    assert len(composed(channel, room + "{{contact.first_name}}", subject, first_name=LONG).body) == longest
    with pytest.raises(Unsendable, match=f"'hello' has {longest + 1:,} .* at most {longest:,} are sent: shorten"):
        composed(channel, room + "!{{contact.first_name}}", subject, first_name=LONG)


def test_a_subject_that_gets_too_long_is_not_sent():
    assert len(composed("email", "Hello", "{{contact.first_name}}", first_name="x" * 400).subject) == 400
    with pytest.raises(Unsendable) as refusal:
        composed("email", "Hello", "{{contact.first_name}}", first_name="x" * 450)
    assert str(refusal.value) == (
        "For them the subject of 'hello' has 450 characters; at most 400 are sent: shorten it, or the values in it."
    )


def test_a_subject_stays_one_line_whatever_is_in_its_values():
    found = composed(
        "email", "Hello", "For {{contact.first_name}}", first_name="Alex\r\nBcc: all@example.com\u2028X: y"
    )
    assert found.subject == "For Alex Bcc: all@example.comX: y"


def test_a_content_of_another_channel_is_none():
    with pytest.raises(Unsendable, match="no content 'hello' for voicemail any more"):
        compose("voicemail", "hello", {"hello": Content("sms", "", "Hi")}, {})
