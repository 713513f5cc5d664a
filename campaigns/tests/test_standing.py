"""The reasons of campaigns at the gate: they speak about messages, are small on a receipt, and replay."""

import itertools
import json

import pytest

from calls.services import deciding
from campaigns.models import SendingStop
from campaigns.rules import standing
from campaigns.tests.factories import HappeningFactory, walking
from config.kernel.gate import Approach, Asked, gate, pack, unpack
from config.testing import NOON
from crm.choices import Channel
from crm.models import ContactPoint, Endpoint, ProjectContact
from crm.services import consenting
from crm.tests.factories import ContactFactory, ProjectContactFactory

pytestmark = pytest.mark.django_db
MESSAGES = ["sms", "email", "voicemail"]


def approach_to(message, channel):
    value = message.contact.primary_email if channel == "email" else message.contact.primary_phone
    line = Endpoint.objects.get(value=value)
    return Approach(message.contact_id, line.pk, channel, message_id=message.pk)


def test_a_call_knows_nothing_of_them():
    assert not {rule.code for rule in gate.rules(Channel.CALL)} & {rule.code for rule in standing.RULES}
    verdict = deciding.judge([approach_to(walking(), "call")], user_id=None, at=NOON)[0]
    assert not {"message", "walk.state", "news"} & set(verdict.facts)


@pytest.mark.parametrize("channel", MESSAGES)
def test_whoever_only_asks_whether_somebody_could_be_written_to_hears_nothing_of_campaigns(channel):
    message = walking(channel, consent="written")
    HappeningFactory(contact=message.contact)
    asked = approach_to(message, channel)
    without = Approach(asked.contact_id, asked.endpoint_id, channel)

    about, in_general = deciding.judge([asked, without], user_id=None, at=NOON)

    assert {"news_unheard", "no_consent"} <= set(about.codes)
    assert in_general.allowed


@pytest.mark.parametrize(("channel", "stopped"), list(itertools.product(MESSAGES, ["", "sms", "email"])))
def test_the_brake_says_the_same_of_facts_and_of_rows(channel, stopped):
    pair = ProjectContactFactory()
    SendingStop.objects.create(channel=stopped, reason="Wrong list", at=NOON)
    stands = stopped in {"", channel}
    rule = next(rule for rule in gate.rules(channel) if rule.code == "sending_stopped")
    approach = Approach(pair.contact_id, None, channel, pair.pk, pair.project_id)

    verdict = deciding.judge([approach], user_id=None, at=NOON)[0]

    assert ("sending_stopped" in verdict.codes) == stands
    for wide in (False, True):
        asked = Asked(at=NOON, channel=channel, wide=wide)
        assert ProjectContact.objects.filter(rule.excludes(asked)).exists() == stands


def test_the_others_exclude_no_row():
    pair = ProjectContactFactory()
    assert pair
    asked = Asked(at=NOON, channel="sms")
    for rule in standing.RULES[1:]:
        for rows in (ProjectContact.objects.all(), ContactPoint.objects.all()):
            assert not rows.filter(rule.excludes(asked)).exists()


@pytest.mark.parametrize("channel", MESSAGES)
def test_a_permission_is_small_and_a_decision_replays(channel):
    pair = ProjectContactFactory()
    allowed = walking(channel, consent="written" if channel == "voicemail" else "")
    consenting.give(contact=allowed.contact, source="form", at=NOON, evidence="Yes.", channel=channel)
    refused = walking(channel, consent="express")
    HappeningFactory(contact=refused.contact)
    assert pair
    later = NOON.replace(hour=19)

    for message in (allowed, refused):
        verdict = deciding.judge([approach_to(message, channel)], user_id=None, at=later)[0]
        stored = json.dumps(pack(verdict.facts))
        replayed = gate.judge(unpack(json.loads(stored)), later, channel)

        assert verdict.allowed == (message == allowed)
        assert [block.code for block in replayed] == [block.code for block in verdict.blocks]
        assert len(stored) <= (1000 if verdict.allowed else 2000)


def hears_first(message):
    return "news_unheard" in deciding.judge([approach_to(message, "sms")], user_id=None, at=NOON)[0].codes


@pytest.mark.parametrize(("kind", "holds"), [("reply", False), ("opt_out", True)])
def test_of_what_happened_before_they_were_enrolled_only_that_they_want_nothing_more_holds_a_message(kind, holds):
    person = ContactFactory(phone="+15125550134")
    HappeningFactory(contact=person, kind=kind)
    assert hears_first(walking(contact=person)) == holds


def test_what_happens_in_one_walk_of_theirs_holds_no_message_of_another():
    person = ContactFactory(phone="+15125550134")
    message, other = walking(contact=person), walking(contact=person)
    HappeningFactory(contact=person, kind="link_click", enrollment=other.enrollment)
    assert [hears_first(each) for each in (message, other)] == [False, True]
    HappeningFactory(contact=person)
    assert hears_first(message)
