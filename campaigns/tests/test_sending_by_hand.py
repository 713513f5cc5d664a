"""One message to one person, asked for with a key (trust A20, A22)."""

from datetime import timedelta

import pytest
from django.db import IntegrityError

from campaigns.models import Message
from campaigns.services.dispatch import by_hand
from campaigns.services.dispatch.by_hand import KeyUsed, UnusableMessage, send_by_hand
from campaigns.tests import carriers
from campaigns.tests.factories import SendingAccountFactory
from campaigns.tests.sending import now, send
from config.testing import NOON
from crm.models import Contact
from crm.services.scope import ExistsOutOfScope
from crm.tests.factories import ConsentFactory, ContactFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def contact():
    return ContactFactory(phone="+15125550123", email="alex@example.com")


@pytest.fixture
def rep():
    return UserFactory(bdr=True)


def ask(contact, rep, **changes):
    told = {"contact": contact, "channel": "sms", "body": "Hello", "by": rep, "key": "k1", "at": NOON, **changes}
    return send_by_hand(**told)


def test_it_goes_out_in_their_name(contact, rep, settings, tmp_path):
    carrier = carriers.install(settings, tmp_path)
    SendingAccountFactory()

    message, is_new = ask(contact, rep)
    send()

    assert is_new
    assert (now(message).state, message.by, message.segments) == ("accepted", rep, 1)
    assert [row["body"] for row in carrier.rows()] == ["Hello"]
    assert message.expires_at == NOON + timedelta(days=1)


def test_two_at_the_same_moment_with_one_key_are_one(contact, rep, monkeypatch):
    first, _ = ask(contact, rep)
    known, looks = by_hand._known, []
    monkeypatch.setattr(by_hand, "_known", lambda asked: looks.append(asked) or (known(asked) if looks[1:] else None))

    assert ask(contact, rep) == (first, False)
    assert len(looks) == 2


def test_what_the_database_refuses_for_another_reason_is_refused(contact, rep, monkeypatch):
    ask(contact, rep)
    monkeypatch.setattr(by_hand, "_known", lambda asked: None)

    with pytest.raises(IntegrityError, match="one_per_cause"):
        ask(contact, rep)


@pytest.mark.parametrize(("given", "state"), [(False, "blocked"), (True, "accepted")])
def test_a_voicemail_by_hand_needs_a_written_consent(contact, rep, settings, tmp_path, given, state):
    carriers.install(settings, tmp_path)
    SendingAccountFactory(channel="voicemail")
    if given:
        ConsentFactory(contact=contact, channel="voicemail", at=NOON, evidence="Yes, leave me messages.")
    message, _ = ask(contact, rep, channel="voicemail")
    send()
    assert now(message).state == state


def test_the_same_key_with_the_same_words_is_the_same_message(contact, rep):
    first, _ = ask(contact, rep)

    again, is_new = ask(contact, rep, at=NOON + timedelta(hours=1))

    assert (again, is_new) == (first, False)
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    "change", [{"body": "Bye"}, {"channel": "voicemail"}, {"contact": lambda: ContactFactory(phone="+15125550124")}]
)
def test_the_same_key_for_anything_else_is_a_conflict(contact, rep, change):
    ask(contact, rep)
    change = {name: value() if callable(value) else value for name, value in change.items()}

    with pytest.raises(KeyUsed, match="another message"):
        ask(change.pop("contact", contact), rep, **change)

    assert Message.objects.count() == 1


def test_keys_belong_to_whoever_uses_them(contact, rep):
    ask(contact, rep)

    _, is_new = ask(contact, UserFactory(bdr=True), body="Something else")

    assert is_new


def test_nobody_writes_to_whom_they_do_not_see(rep):
    hidden = ContactFactory(phone="+15125550125", owner=UserFactory(bdr=True))

    with pytest.raises(ExistsOutOfScope):
        ask(hidden, rep)


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("body", {"body": " \n"}),
        ("body", {"body": "x" * 1601}),
        ("body", {"body": "bell \x07"}),
        ("body", {"body": "half \ud83d"}),
        ("body", {"body": "nul \x00"}),
        ("body", {"body": "x" * 5_000_000}),
        ("subject", {"subject": "An SMS has none"}),
        ("subject", {"channel": "email"}),
        ("subject", {"channel": "email", "subject": "Hello\r\nBcc: everybody@example.com"}),
        ("subject", {"channel": "email", "subject": "x" * 401}),
        ("channel", {"channel": "call"}),
        ("channel", {"channel": "pigeon"}),
        ("key", {"key": ""}),
        ("key", {"key": "x" * 101}),
        ("key", {"key": "\x00"}),
        ("expires_at", {"expires_at": NOON}),
    ],
)
def test_what_cannot_be_sent_names_the_field_and_leaves_nothing(contact, rep, field, told):
    with pytest.raises(UnusableMessage) as refusal:
        ask(contact, rep, **told)

    assert set(refusal.value.details) == {field}
    assert not Message.objects.exists()


def test_a_long_text_has_its_segments(contact, rep):
    message, _ = ask(contact, rep, body="ü" * 200)
    assert message.segments == 2
    message, _ = ask(contact, rep, body="😀" * 100, key="k2")
    assert message.segments == 4


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_are_one_message(threads):
    contact, rep = ContactFactory(phone="+15125550123"), UserFactory(bdr=True)

    told = threads(*[lambda: ask(Contact.objects.get(pk=contact.pk), rep)] * 20)

    assert len({message.pk for message, _ in told}) == 1
    assert [is_new for _, is_new in told].count(True) == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_messages_with_one_key_at_once_one_is_refused(threads):
    contact, rep = ContactFactory(phone="+15125550123"), UserFactory(bdr=True)

    def trying(body):
        try:
            return ask(contact, rep, body=body)[1]
        except KeyUsed:
            return None

    assert sorted(map(str, threads(lambda: trying("a"), lambda: trying("b")))) == ["None", "True"]
