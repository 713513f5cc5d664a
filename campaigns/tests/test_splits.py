from collections import Counter
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.drawings import DrawnEdge
from campaigns.rules.splits import way_of

WAYS = [
    DrawnEdge("s", "a", "a", {"weight": 10}),
    DrawnEdge("s", "b", "b", {"weight": 30}),
    DrawnEdge("s", "c", "c", {"weight": 60}),
]


@given(st.uuids(), st.text(max_size=8))
def test_whoever_comes_again_takes_the_same_way(enrollment: UUID, node: str) -> None:
    assert way_of(WAYS, enrollment=enrollment, node=node) == way_of(WAYS, enrollment=enrollment, node=node)


def test_the_way_of_somebody_is_the_same_in_every_process_and_for_ever() -> None:
    """The draws of SHA-256 for these are 32, 2, 54, 21, 55, 64, 60 and 64 of 100: who walks today was drawn by them."""
    taken = [way_of(WAYS, enrollment=UUID(int=number), node="s").target for number in range(8)]
    assert taken == ["b", "a", "c", "b", "c", "c", "c", "c"]


def test_ways_are_taken_by_their_weights() -> None:
    """The expected numbers of 20,000 draws are 2,000, 6,000 and 12,000; five standard deviations are at most 347."""
    taken = Counter(way_of(WAYS, enrollment=UUID(int=number), node="s").target for number in range(20_000))
    assert abs(taken["a"] - 2_000) < 213
    assert abs(taken["b"] - 6_000) < 325
    assert abs(taken["c"] - 12_000) < 347


def test_two_splits_of_one_graph_are_drawn_apart() -> None:
    both = Counter(
        tuple(way_of(WAYS, enrollment=UUID(int=number), node=node).target for node in ("s1", "s2"))
        for number in range(20_000)
    )
    assert abs(both["c", "c"] - 7_200) < 340
    assert abs(both["a", "a"] - 200) < 71
