"""What the database itself keeps of a walk: on its graph, at one place at a time, and what is over as it was."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from campaigns.models import Enrollment, EnrollmentStep, Node
from campaigns.tests.factories import CampaignFactory, EnrollmentFactory, GraphFactory
from campaigns.tests.walks import FUNNEL, begun, enrolled, run, settle, walk_of
from config.testing import NOON

LATER = NOON + timedelta(days=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def walk():
    (walk,) = enrolled(begun(FUNNEL))
    run(NOON)
    return walk_of(walk)


def refused(words, write):
    with pytest.raises(IntegrityError, match=words), transaction.atomic():
        write()


def test_nobody_stands_on_a_node_of_another_graph(walk):
    other = begun(FUNNEL).graph.nodes.get(key="sms")
    refused("another graph", lambda: Enrollment.objects.filter(pk=walk.pk).update(node=other))
    refused("another graph", lambda: EnrollmentFactory(campaign=walk.campaign, node=other, state="waiting_send"))
    refused("another graph", lambda: Enrollment.objects.filter(pk=walk.pk).update(graph=CampaignFactory().graph))


def test_a_node_on_which_somebody_stands_neither_goes_nor_moves_though_its_graph_may_still_be_changed():
    walk = EnrollmentFactory()
    node, other = Node.objects.filter(pk=walk.node_id), GraphFactory()
    refused("Somebody stands", lambda: node._raw_delete(node.db))
    refused("Somebody stands", lambda: node.update(graph=other))
    node.update(x=7)
    Enrollment.objects.filter(pk=walk.pk).update(state="exited", ended_at=NOON)
    assert node._raw_delete(node.db) == 1


def test_a_step_says_from_when_to_when_and_is_written_once(walk):
    assert (walk.held_since, EnrollmentStep.objects.exists()) == (NOON, False)
    settle("accepted", LATER)
    run(LATER)
    assert walk_of(walk).held_since == LATER
    step = EnrollmentStep.objects.get()
    assert (step.node, step.visit, step.begun_at, step.ended_at) == (walk.node, 1, NOON, LATER)
    refused("append-only", lambda: EnrollmentStep.objects.update(outcome="blocked"))
    refused("append-only", lambda: EnrollmentStep.objects.all().delete())
    again = {"enrollment": walk, "node": walk.node, "visit": 1, "begun_at": NOON, "ended_at": NOON}
    refused("duplicate key", lambda: EnrollmentStep.objects.create(**again))


def test_whoever_has_left_is_held_nowhere(walk):
    ended = {"state": "exited", "ended_at": NOON, "wake_at": None}
    refused("is_held", lambda: Enrollment.objects.filter(pk=walk.pk).update(**ended))


def test_no_step_is_over_before_it_began_though_engines_do_not_agree_what_time_it_is(walk):
    settle("accepted", NOON)
    run(NOON - timedelta(seconds=5))
    step = EnrollmentStep.objects.get()
    assert (step.begun_at, step.ended_at, walk_of(walk).held_since) == (NOON, NOON, NOON)
