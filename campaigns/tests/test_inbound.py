"""What people write: whose it is, who hears of it, and what follows."""

from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest
from django.db import OperationalError, connection, transaction

from campaigns.models import Conversation, Happening, Message
from campaigns.services import inbound
from campaigns.tests.factories import EnrollmentFactory
from config.testing import NOON
from crm.models import Contact, Endpoint, Suppression
from crm.services import suppressing
from crm.services.locking import lock
from crm.tests.factories import ContactFactory, EndpointFactory, TouchFactory, give_point

pytestmark = pytest.mark.django_db
PHONE, OURS = "+1 512 555 0134", "+15125550100"
HEARD = inbound.Heard(
    provider="simulated", channel="sms", sender=PHONE, to=OURS, text="Yes, call me.", at=NOON, reference="in-1"
)


def heard(text="Yes, call me.", **more):
    return inbound.receive(replace(HEARD, text=text, **more))


def walker(**fields):
    """Somebody who walks somewhere."""
    return EnrollmentFactory(contact=ContactFactory(**fields)).contact


@pytest.fixture
def person():
    return walker(phone=PHONE, email="alex@example.com")


def happened(contact):
    said = Happening.objects.filter(contact=contact, kind__in=["reply", "opt_out"])
    return list(said.values_list("kind", flat=True))


def test_a_reply_is_kept_in_the_conversation_and_told_to_the_walks(person):
    message = heard()

    assert (message.direction, message.state, message.contact, message.body) == (
        "inbound", "received", person, "Yes, call me.",
    )  # fmt: skip
    thread = Conversation.objects.get(contact=person)
    assert (message.conversation, thread.last_text, thread.unread) == (thread, "Yes, call me.", 1)
    told = Happening.objects.get()
    assert (told.kind, told.contact, told.cause, told.at) == ("reply", person, message.pk, NOON)


def test_a_stop_from_nobody_who_could_be_answered_is_kept_and_silences_nobody(person):
    message = heard("STOP", sender="12345")

    assert (message.contact, message.reason, message.body) == (None, "opt_out", "STOP")
    assert not Suppression.objects.exists()


def test_the_same_again_is_the_same_message(person):
    assert heard() == heard()

    assert Message.objects.count() == Happening.objects.count() == 1
    assert Conversation.objects.get().unread == 1


@pytest.mark.parametrize("reference", ["in-1", ""])
@pytest.mark.parametrize(
    "other", [{"text": "STOP"}, {"subject": "STOP"}, {"sender": "+15125550135"}, {"to": "+15125550199"},
              {"channel": "voicemail"}, {"provider": "another"}],
)  # fmt: skip
def test_two_things_are_never_one_whatever_their_provider_calls_them(person, reference, other):
    first, second = heard(reference=reference), heard(**{"reference": reference, **other})

    assert first != second
    assert set(Message.objects.all()) == {first, second}
    assert Suppression.objects.exists() == ("STOP" in other.values())


def test_words_are_not_taken_for_those_of_their_neighbours(person):
    assert heard("b", subject="a\0") != heard("\0b", subject="a")


def test_what_has_no_reference_is_known_by_its_moment(person):
    first, later = heard(reference=""), heard(reference="", at=NOON + timedelta(seconds=1))

    assert heard(reference="") == first != later
    assert heard(at=NOON + timedelta(hours=1)) == heard()
    assert Message.objects.count() == 3


def test_an_older_word_that_comes_late_is_not_the_last_one(person):
    heard("Second", at=NOON, reference="in-2")
    heard("First", at=NOON - timedelta(hours=1), reference="in-1")

    thread = Conversation.objects.get()
    assert (thread.last_text, thread.last_at, thread.unread) == ("Second", NOON, 2)


def test_the_owner_of_a_line_wrote_it_and_whoever_we_wrote_to_there_hears_of_it_too(person):
    colleague = walker()
    point = give_point(colleague, "phone", PHONE)
    TouchFactory(contact=colleague, endpoint=point.endpoint, channel="sms", at=NOON - timedelta(days=1))

    message = heard()

    assert message.contact == person
    assert happened(person) == happened(colleague) == ["reply"]


def test_where_nobody_owns_the_line_whom_we_wrote_to_last_wrote_it():
    line = EndpointFactory(value="+15125550134")
    earlier, last = ContactFactory(), ContactFactory()
    for days, one in ((2, earlier), (1, last)):
        TouchFactory(contact=one, endpoint=line, channel="sms", at=NOON - timedelta(days=days))

    assert heard().contact == last


def test_somebody_deleted_is_not_answered_for(person):
    Contact.objects.filter(pk=person.pk).update(deleted_at=NOON)

    assert heard().contact is None


@pytest.mark.parametrize("sender", [PHONE, "22395", "", "Bank", "\0\udcff", "anonymous"])
def test_a_message_of_nobody_is_kept_for_admins(sender):
    message = heard(sender=sender)

    assert (message.contact, message.conversation, message.endpoint) == (None, None, None)
    assert not Happening.objects.exists()


@pytest.mark.parametrize("text", ["STOP", " stop! ", "S T O P", "opt out", "Unsubscribe.", "ARRÊT", "stop texting me"])
def test_an_opt_out_silences_the_line_on_every_channel(person, text):
    message = heard(text)

    line = Endpoint.objects.get(value="+15125550134")
    found = Suppression.objects.standing().get(endpoint=line)
    assert (found.channel, found.reason, found.words, found.cause) == ("", "opted_out", text, message.pk)
    assert line.suppressed_at == NOON
    assert happened(person) == ["opt_out"]


def test_an_opt_out_silences_whatever_else_reaches_this_person_alone(person):
    colleague = ContactFactory()
    give_point(person, "phone", "+1 512 555 0135")
    give_point(person, "phone", "+1 512 555 0199", label="front desk")
    give_point(colleague, "phone", "+1 512 555 0199")

    heard("STOP")

    silenced = set(Endpoint.objects.exclude(suppressed_at=None).values_list("value", flat=True))
    assert silenced == {"+15125550134", "+15125550135", "alex@example.com"}


def test_an_opt_out_by_mail_silences_the_telephone_too(person):
    heard("Unsubscribe", channel="email", sender=["Alex ", "alex@example.com>"][1].strip(">"))

    assert Endpoint.objects.get(value="+15125550134").suppressed_at == NOON


def test_an_opt_out_of_a_number_that_nobody_knows_is_obeyed_before_anybody_does():
    message = heard("STOP")

    line = Endpoint.objects.get(value="+15125550134")
    assert line.suppressed_at == NOON
    assert message.endpoint == line
    assert ContactFactory(phone=PHONE).points.get().endpoint == line


def test_an_opt_out_on_a_line_that_is_silent_already_is_told_all_the_same(person):
    suppressing.suppress(endpoint=Endpoint.objects.get(value="+15125550134"), reason="list", source="a list", at=NOON)

    heard("STOP")

    assert happened(person) == ["opt_out"]
    assert Suppression.objects.standing().filter(endpoint__value="+15125550134").count() == 2


def test_start_lifts_nothing(person):
    heard("STOP")
    message = heard("START", reference="in-2")

    assert Endpoint.objects.get(value="+15125550134").suppressed_at == NOON
    assert message.reason == "start"
    assert happened(person) == ["opt_out"]


@pytest.mark.parametrize("how", [{"text": "Automatic reply: I am out of the office."}, {"automatic": True}])
def test_an_automatic_reply_is_kept_marked_and_stops_nobody(person, how):
    message = heard(**how)

    assert message.reason == "auto_reply"
    assert Conversation.objects.get().unread == 1
    assert not Happening.objects.exists()


@pytest.mark.parametrize("text", ["\0", "\ud800 half", "x" * 5_000_000, "a\r\nb", "<script>", "' OR 1=1 --", "🏗️" * 99])
def test_any_text_is_kept_as_far_as_it_can_be(person, text):
    kept = heard(text, subject=text).body

    assert kept == text.replace("\0", "").replace("\ud800", "")[:100_000]


@pytest.mark.django_db(transaction=True)
def test_fifty_who_tell_the_same_at_once_are_heard_once(threads):
    person = walker(phone=PHONE, email="alex@example.com")

    threads(*[lambda: heard("STOP")] * 50)

    assert Message.objects.count() == 1
    assert Conversation.objects.get().unread == 1
    assert happened(person) == ["opt_out"]
    assert Suppression.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_colleagues_who_answer_at_once_do_not_deadlock(threads):
    first, second = walker(phone=PHONE), walker(phone="+1 512 555 0135")
    for one, other in ((first, "+1 512 555 0135"), (second, PHONE)):
        point = give_point(one, "phone", other)
        TouchFactory(contact=one, endpoint=point.endpoint, channel="sms", at=NOON)

    def answers(sender, start):
        return lambda: [heard("STOP", sender=sender, reference=f"{sender}-{n}") for n in range(start, start + 5)]

    threads(answers(PHONE, 0), answers("+1 512 555 0135", 0), answers(PHONE, 5), answers("+1 512 555 0135", 5))

    assert Message.objects.count() == 20


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("model", [Contact, Endpoint])
def test_what_is_written_waits_for_whoever_decides_about_its_writer(threads, model):
    """A message that is being decided about under these locks is decided before it or after it, never beside it."""
    person = walker(phone=PHONE)
    held, over = Event(), Event()

    def decides():
        with transaction.atomic():
            lock(person if model is Contact else Endpoint.objects.get(value="+15125550134"))
            held.set()
            over.wait(60)

    def writes():
        held.wait(60)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '200ms'")
            with pytest.raises(OperationalError, match="lock timeout"):
                heard()
        finally:
            over.set()

    threads(decides, writes)

    assert not Message.objects.exists()
