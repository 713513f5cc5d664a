"""Clicks as a carrier tells of them: of ours, of strangers, of programs, and with whatever stands beside them."""

from datetime import timedelta

import pytest

from campaigns.models import Attempt, Happening, Message
from campaigns.tests.factories import AttemptFactory, EnrollmentFactory, MessageFactory
from config.testing import NOON
from integrations.models import News
from integrations.tests import telling
from integrations.tests.telling import TOKEN, event, post, read, state_of

pytestmark = pytest.mark.django_db
rings, at_noon = telling.rings, telling.at_noon
MINUTE = timedelta(minutes=1)


@pytest.fixture
def mail():
    """An e-mail of a walk of which nobody knows whether it was sent."""
    walk = EnrollmentFactory()
    message = MessageFactory(enrollment=walk, channel="email", state="uncertain", ever_dispatched=True, tries=1)
    return AttemptFactory(token=TOKEN, provider="email", message=message)


def click(number=1, **more):
    return event(number, "clicked", **{"channel": "email", "url": "https://clearline.example/prices", **more})


def clicked_at(attempt):
    return Message.objects.get(pk=attempt.message_id).clicked_at


def test_a_click_is_kept_with_its_message_and_told_to_its_walk(mail):
    post(click(at=(NOON - MINUTE).isoformat()))
    read()

    news = News.objects.get()
    assert (news.state, news.kind) == ("understood", "clicked")
    assert (state_of(mail), clicked_at(mail)) == ("accepted", NOON - MINUTE)
    told = Happening.objects.get()
    assert (told.kind, told.enrollment_id, told.data) == (
        "link_click",
        mail.message.enrollment_id,
        {"channel": "email"},
    )


def test_the_same_event_is_one_and_another_one_is_none_either(mail):
    post(click(), click(), click(2, at=(NOON - MINUTE).isoformat()))
    read()

    assert set(News.objects.values_list("state", "kind")) == {("understood", "clicked")}
    assert clicked_at(mail) == NOON - MINUTE
    assert Happening.objects.count() == 1


@pytest.mark.parametrize("at", ["2999-01-01T00:00:00+00:00", "soon", "", "2026-06-16T17:00:00"])
def test_a_click_that_has_not_been_yet_was_when_we_heard_of_it(mail, at):
    post(click(at=at))
    read()
    assert clicked_at(mail) == NOON


def test_a_program_that_opens_every_link_is_news_and_moves_nobody(mail):
    post(click(automatic=True))
    read()

    assert (News.objects.get().state, News.objects.get().kind) == ("understood", "clicked")
    assert (state_of(mail), clicked_at(mail)) == ("accepted", None)
    assert not Happening.objects.exists()


@pytest.mark.parametrize(
    "strange",
    [
        *(click(token="somebody else's"), click(channel="sms"), click(channel="voicemail"), click(automatic="yes")),
        *(click(automatic=None), click(automatic=1), click(token={"a": 1}), click(reference=7), click(at=[])),
    ],
)  # fmt: skip
def test_what_is_of_somebody_else_or_makes_no_sense_is_quarantined(mail, strange):
    assert post(strange) == 200
    read()

    assert News.objects.get().state == "quarantined"
    assert (state_of(mail), clicked_at(mail)) == ("uncertain", None)
    assert not Happening.objects.exists()


def test_a_reference_that_nobody_knows_yet_is_tried_again(mail):
    post(click(token=""))
    read()
    assert News.objects.get().state == "waiting"
    Attempt.objects.filter(pk=mail.pk).update(reference="sim_1")

    read(NOON + MINUTE)

    assert (News.objects.get().state, clicked_at(mail)) == ("understood", NOON)


@pytest.mark.parametrize(
    "url",
    ["https://clearline.example/" + "a" * 100_000, "javascript:alert(1)", "https://x/\0", "\0", "\ud800", "", None, 7,
     {"a": 1}, ["https://x"], "https://user:secret@clearline.example/"],
    ids=lambda url: ascii(url)[:24],
)  # fmt: skip
def test_which_link_it_was_is_not_asked_so_nothing_can_be_wrong_with_it(mail, url):
    if url == "\ud800":  # no JSON library of ours writes half a character; others do
        post(body=telling.orjson.dumps({"events": [click(url="?")]}).replace(b'"?"', b'"\\ud800"'))
    else:
        post(click(url=url))
    read()
    assert (News.objects.get().state, clicked_at(mail)) == ("understood", NOON)


@pytest.mark.parametrize("name", ["token", "reference"])
def test_a_name_that_no_database_keeps_is_nobodys(mail, name):
    post(click(**{"token": "", "reference": "", name: "\0"}))
    read()
    assert News.objects.get().state != "understood"
    assert (state_of(mail), clicked_at(mail)) == ("uncertain", None)
