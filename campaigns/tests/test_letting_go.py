"""After a pause everybody is let go once, and what cannot be written anew stays the same message."""

from datetime import timedelta

import pytest

from campaigns.models import ContentTemplate, Enrollment, Message
from campaigns.services import handling
from campaigns.services.engine import batches
from campaigns.tests import carriers, promises
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import AttemptFactory, HappeningFactory, SendingAccountFactory
from campaigns.tests.sending import send
from campaigns.tests.walks import assert_replays, begun, enrolled, paused, resumed, run, walk_of
from config.testing import NOON
from crm.tests.factories import ContactFactory

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def campaign():
    """Begun before its pauses: whoever is enrolled is of its first epoch."""
    campaign = begun(drawing(node("sms", "sms_send")), spread_minutes=0)
    resumed(campaign, NOON)
    run(NOON)
    return campaign


def test_a_first_start_keeps_nobody_waiting():
    campaign = begun(drawing(node("sms", "sms_send")), spread_minutes=60)
    paused(campaign, NOON)
    enrolled(campaign, 10)
    resumed(campaign, NOON + HOUR)
    run(NOON + HOUR)
    assert Enrollment.objects.filter(state="waiting_send").count() == 10


def test_whoever_was_let_go_and_has_moved_is_not_let_go_again(campaign):
    (walk,) = enrolled(campaign)
    handling.pause([walk.pk], by=None, at=NOON)
    paused(campaign, NOON)
    resumed(campaign, NOON + HOUR)
    handling.resume([walk.pk], by=None, at=NOON + HOUR)
    batches.due(campaign.pk, at=NOON + HOUR)
    assert walk_of(walk).state == "waiting_send"
    run(NOON + HOUR)
    assert [message.state for message in Message.objects.all()] == ["pending"]


def test_what_was_tried_before_a_pause_is_not_written_anew(campaign):
    (walk,) = enrolled(campaign)
    run(NOON)
    for state in ("claimed", "dispatching", "pending"):
        Message.objects.update(state=state, ever_dispatched=state != "claimed")
    paused(campaign, NOON)
    resumed(campaign, NOON + HOUR)
    run(NOON + HOUR)
    assert [message.state for message in Message.objects.all()] == ["pending"]
    assert walk_of(walk).state == "waiting_send"


def test_what_was_tried_in_vain_before_a_pause_goes_out_bit_by_bit_after_it(campaign, settings, tmp_path):
    carrier = carriers.install(settings, tmp_path)
    SendingAccountFactory()
    enrolled(campaign, [ContactFactory(phone=f"+151255501{number:02}") for number in range(20)])
    run(NOON)
    carrier.behave("busy")
    send(NOON)
    written = set(Message.objects.filter(state="pending", ever_dispatched=True).values_list("pk", flat=True))
    carrier.behave("accept")
    paused(campaign, NOON)
    campaign.spread_minutes = 60
    campaign.save()
    resumed(campaign, NOON + HOUR)
    run(NOON + HOUR)
    for minutes in range(0, 61, 10):
        send(NOON + HOUR + timedelta(minutes=minutes))
        if minutes == 30:
            assert 2 < len(carrier.rows()) < 18
    assert len(carrier.rows()) == len(written) == 20
    assert set(Message.objects.filter(state="accepted").values_list("pk", flat=True)) == written


def test_what_a_provider_may_have_waits_for_nothing_after_a_pause(campaign):
    (walk,) = enrolled(campaign)
    run(NOON)
    AttemptFactory(message=Message.objects.get(), idempotent=True, outcome="uncertain")
    for state in ("claimed", "dispatching", "pending"):
        Message.objects.update(state=state, ever_dispatched=state != "claimed")
    paused(campaign, NOON)
    campaign.spread_minutes = 60
    campaign.save()
    resumed(campaign, NOON + HOUR)
    run(NOON + HOUR)
    assert Message.objects.get(enrollment=walk).not_before == NOON


class TestWhoeverWasParkedBeforeAPause:
    """What they were to be sent says what is not so any more when they are tried again."""

    @pytest.fixture
    def walk(self, campaign, settings, tmp_path):
        self.carrier = carriers.install(settings, tmp_path)
        SendingAccountFactory()
        (walk,) = enrolled(campaign, [ContactFactory(phone="+15125550134")])
        run(NOON)
        return walk

    def parked(self, walk, monkeypatch):
        HappeningFactory(contact=walk.contact, kind="call_outcome")
        with monkeypatch.context() as broken:
            broken.setattr("campaigns.rules.walking._hears", lambda *told: 1 / 0)
            batches.heard(at=NOON)
        assert walk_of(walk).state == "parked"

    def after_a_pause(self, campaign):
        paused(campaign, NOON)
        ContentTemplate.objects.filter(key="hello").update(body="It was moved to Friday.")
        resumed(campaign, NOON + HOUR)

    @pytest.mark.parametrize("is_let_go_before", [True, False])
    def test_gets_it_written_anew(self, campaign, walk, monkeypatch, is_let_go_before):
        self.parked(walk, monkeypatch)
        self.after_a_pause(campaign)
        if is_let_go_before:
            run(NOON + HOUR)
            assert walk_of(walk).state == "parked"
            assert_replays(walk)

        assert handling.retry([walk.pk], by=None, at=NOON + HOUR) == 1
        run(NOON + HOUR)
        send(NOON + HOUR)
        run(NOON + HOUR)

        assert list(Message.objects.order_by("id").values_list("state", "body")) == [
            ("cancelled", "Hi Alex"),
            ("accepted", "It was moved to Friday."),
        ]
        assert walk_of(walk).state == "completed"
        assert_replays(walk)
        assert promises.numbers([campaign]) == []

    def test_gets_it_written_anew_who_was_parked_before_the_backlog_came_to_them(self, campaign, walk, monkeypatch):
        self.after_a_pause(campaign)
        self.parked(walk, monkeypatch)

        handling.retry([walk.pk], by=None, at=NOON + HOUR)
        run(NOON + HOUR)

        assert [message.state for message in Message.objects.order_by("id")] == ["cancelled", "pending"]

    def test_gets_what_was_tried_in_vain_as_it_was(self, campaign, walk, monkeypatch):
        self.carrier.behave("busy")
        send(NOON)
        self.carrier.behave("accept")
        self.parked(walk, monkeypatch)
        self.after_a_pause(campaign)
        run(NOON + HOUR)

        handling.retry([walk.pk], by=None, at=NOON + HOUR)
        run(NOON + HOUR)
        send(NOON + HOUR)

        assert [(message.state, message.body) for message in Message.objects.all()] == [("accepted", "Hi Alex")]
