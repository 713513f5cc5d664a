"""What people and sources are called and say, merged into every channel and carried to its end (trust A22, H4).

From the rows of a contact through the engine, the gate and the adapters to the ledger of the carrier: what the carrier
has is what our row says, and that is the value, without what no message can carry.
"""

import unicodedata

import pytest

from campaigns.models import ContentTemplate, Enrollment, Message
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import SendingAccountFactory
from campaigns.tests.sending import send
from campaigns.tests.walks import begun, enrolled, run
from config.testing import NOON
from crm.services import consenting
from crm.tests.factories import ContactFactory
from integrations.tests import carriers
from integrations.tests.contract_messages import NAUGHTY

SYNTAX = [
    "{{7*7}}", "{{{{contact.phone}}}}", "{{contact.phone}}", "{% load static %}", "{%raw%}", "${7*7}", "#{7*7}",
    "<%= 7 %>", "{{",
    "{0.__class__}", "%(name)s", "{{constructor.constructor('x')()}}", "[[${7}]]", "@(7*7)", "*{7*7}", "{{|}}", "}}{{",
]  # fmt: skip
BROKEN = [
    "Alex\r\nBcc: all@example.com", "\r\n\r\n<html>", "a\x85b", "a\u2028b\u2029c", "\x1b[2J", "bell \x07", "\u200b",
    "\u202eevil\u202c", "zalgo" + "\u0301" * 90, "\ufffe\uffff", "\x7f", "\U000e0041" * 20, "y" * 5_000_000, "STOP",
]  # fmt: skip
VALUES = [*(text for text in NAUGHTY if "\0" not in text), *SYNTAX, *BROKEN]  # PostgreSQL keeps no NUL
BODY = "Hi {{contact.first_name|there}}: {{contact.attributes.note|-}}"


@pytest.fixture
def carrier(settings, tmp_path):
    with carriers.running(tmp_path / "ledger.db") as found:
        settings.SIMULATED_CARRIER_URL = found.url
        found.forget()
        yield found


def said(value, fallback):
    """What is left of ``value`` in a message, told in other words than the renderer's own."""
    drops = {"Cc", "Cs", "Zl", "Zp"}
    kept = [
        one
        for one in value
        if one in "\t\n\r" or (unicodedata.category(one) not in drops and one not in "\ufffe\uffff")
    ]
    return "".join(kept)[:500].strip() or fallback


@pytest.mark.django_db(transaction=True)
def test_every_value_arrives_on_every_channel_as_it_was_composed(carrier):
    for channel, subject in (("sms", ""), ("email", "For {{contact.name|you}}"), ("voicemail", "")):
        ContentTemplate.objects.create(key=f"nasty-{channel}", channel=channel, name="x", subject=subject, body=BODY)
        SendingAccountFactory(channel=channel, address="team@example.com" if channel == "email" else "+15125550100")
    sends = [node(channel, f"{channel}_{what}", content=f"nasty-{channel}") for channel, what in (
        ("sms", "send"), ("email", "send"), ("voicemail", "drop"),
    )]  # fmt: skip
    campaign = begun(drawing(*sends, node("end", "exit"), "sms>email", "email>voicemail", "voicemail>end"))
    people = {}
    for number, (name, note) in enumerate(zip(VALUES[::2], VALUES[1::2], strict=True)):
        known = {"first_name": name[:100], "last_name": "", "name": name[:200], "attributes": {"note": note}}
        contact = ContactFactory(phone=f"+1512555{1000 + number}", email=f"walker{number}@example.com", **known)
        consenting.give(contact=contact, source="form", at=NOON, channel="voicemail")
        people[contact.pk] = name, note
    enrolled(campaign, list(type(contact).objects.filter(pk__in=people)))

    for _ in range(4):
        run(NOON)
        for _ in range(3):
            send()

    assert set(Enrollment.objects.values_list("state", "reason")) == {("completed", "")}
    theirs = {row["key"]: row for row in carrier.messages()}
    assert len(theirs) == Message.objects.count() == 3 * len(people)
    for message in Message.objects.all():
        (name, note), row = people[message.contact_id], theirs[str(message.pk)]
        assert (row["subject"], row["body"]) == (message.subject, message.body)
        assert message.body == f"Hi {said(name[:100], 'there')}: {said(note, '-')}"
        if message.channel == "email":
            assert message.subject == " ".join(f"For {said(name[:200], 'you')}".split())
            assert message.subject.splitlines() == [message.subject]
