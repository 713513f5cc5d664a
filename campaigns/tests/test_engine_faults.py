"""Engines that fail and engines beside each other: everybody moves once, and what is broken stops nobody else."""

from datetime import timedelta

import pytest
from django.db import DataError, transaction

from campaigns.models import Campaign, Enrollment, Message, Setback
from campaigns.services import counting, people
from campaigns.services.engine import batches, running
from campaigns.services.people import Walker
from campaigns.tests.factories import MessageFactory
from campaigns.tests.walks import FUNNEL, begun, enrolled, run, walk_of
from config.testing import NOON

pytestmark = pytest.mark.django_db


def test_one_walk_that_cannot_be_moved_stops_nobody_else(monkeypatch):
    campaign = begun(FUNNEL)
    walks = enrolled(campaign, 3)
    poisoned = walks[1].pk
    unsendable = Walker.unsendable

    def poison(walker, channel, key):
        if walker.enrollment == poisoned:
            raise RuntimeError("a bug")
        return unsendable(walker, channel, key)

    monkeypatch.setattr(Walker, "unsendable", poison)
    run(NOON)
    states = {walk.pk: walk_of(walk).state for walk in walks}
    assert states.pop(poisoned) == "parked"
    assert set(states.values()) == {"waiting_send"}


def test_one_row_that_the_database_refuses_stops_nobody_else():
    campaign = begun(FUNNEL)
    walks = enrolled(campaign, 3)
    sms = campaign.graph.nodes.get(key="sms")
    MessageFactory(by_hand=True, dedupe_key=f"enr:{walks[1].pk}/{sms.pk}/1/0")
    run(NOON)
    assert [walk_of(walk).state for walk in walks] == ["waiting_send", "parked", "waiting_send"]
    assert "IntegrityError" in walk_of(walks[1]).reason
    assert counting.numbers(campaign)["state:parked"] == 1


def test_a_campaign_that_fails_is_in_no_other_ones_way_and_has_a_pause_until_it_works(monkeypatch):
    broken, sound = begun(FUNNEL), begun(FUNNEL)
    enrolled(broken), enrolled(sound)
    due, asked = batches.due, []

    def failing(campaign, **told):
        if campaign == broken.pk:
            asked.append(told["at"])
            raise RuntimeError("a bug")
        return due(campaign, **told)

    monkeypatch.setattr(batches, "due", failing)
    for second in range(0, 60, 2):
        running.run(at=NOON + timedelta(seconds=second))
    assert Enrollment.objects.get(campaign=sound).state == "waiting_send"
    told = Setback.objects.get()
    assert (told.campaign, told.what, told.since, told.tries) == (broken, "Moving people", NOON, len(asked))
    assert 2 <= len(asked) <= 4

    monkeypatch.setattr(batches, "due", due)
    running.run(at=NOON + timedelta(hours=1))
    assert Enrollment.objects.get(campaign=broken).state == "waiting_send"
    assert not Setback.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_engines_at_once_move_everybody_once(threads):
    campaign = begun(FUNNEL)
    walks = enrolled(campaign, 120)
    threads(*[lambda: running.run(at=NOON, size=7)] * 6)
    assert Message.objects.count() == len(walks)
    assert Enrollment.objects.filter(state="waiting_send").count() == len(walks)
    assert counting.numbers(campaign)["state:waiting_send"] == len(walks)


@pytest.mark.django_db(transaction=True)
def test_whoever_is_about_to_pause_a_campaign_is_waited_for_by_no_engine(threads):
    campaign = begun(FUNNEL)
    (walk,) = enrolled(campaign)
    with transaction.atomic():
        Campaign.objects.select_for_update().get(pk=campaign.pk)
        assert threads(lambda: batches.due(campaign.pk, at=NOON)) == [0]
    assert walk_of(walk).state == "pending"


def test_what_the_database_does_not_answer_is_nobodys_walk_that_failed(monkeypatch, caplog):
    campaign = begun(FUNNEL)
    walks = enrolled(campaign, 3)
    monkeypatch.setattr(people, "_ABOUT", "SELECT 1 / (cardinality(%(contacts)s::uuid[]) - 3), %(pairs)s::uuid[]")
    with pytest.raises(DataError, match="division"):
        batches.due(campaign.pk, at=NOON, size=10)
    assert [walk_of(walk).state for walk in walks] == ["pending"] * 3
    assert "failed" not in caplog.text
