"""The send protocol keeps its promises in every state that can be reached, and without its safeguards it does not."""

import pytest

from campaigns.choices import MessageState
from campaigns.models.messages import _WAYS
from campaigns.tests.model import FLAWS, HELD, Protocol


@pytest.mark.parametrize("keyed", [False, True])
def test_whatever_happens_in_whatever_order_every_promise_is_kept(keyed):
    found = Protocol(keyed=keyed).explore()

    assert not found.broken, found.broken
    assert len(found.came) > 500
    assert {row for row, _ in found.ways} | {row for _, row in found.ways} == {
        "pending", "claimed", "dispatching", "accepted", "delivered", "rejected", "uncertain", "not_sent_presumed",
        "blocked", "cancelled",
    }  # fmt: skip


@pytest.mark.parametrize(("flaws", "promise"), FLAWS.items(), ids=str)
def test_without_a_safeguard_there_is_a_way_to_a_broken_promise(flaws, promise):
    found = Protocol(keyed=False, flaws=flaws).explore()

    assert promise in found.broken, found.broken
    assert found.broken[promise]


@pytest.mark.parametrize("flaws", HELD, ids=str)
def test_where_two_safeguards_stand_behind_each_other_either_is_enough(flaws):
    assert not Protocol(keyed=False, flaws=flaws).explore().broken


@pytest.mark.parametrize("keyed", [False, True])
def test_the_database_permits_every_way_of_the_model(keyed):
    """Our triggers and this model speak of the same protocol."""
    ways = {(was, becomes) for was, becomes in Protocol(keyed=keyed).explore().ways if was != becomes}

    assert ways <= {(was.value, becomes.value) for was, some in _WAYS.items() for becomes in some}
    assert {row for way in ways for row in way} <= set(MessageState.values)
