"""Whoever stands alike and answers alike is walked with once, and goes where a walk of their own would take them."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.alike import Ways
from campaigns.rules.moves import Move, Person, Route, Standing
from campaigns.rules.walking import walk
from campaigns.tests.drawings import drawing, edge, node
from campaigns.tests.somebody import NOON, Somebody

_ASKS_ALL = drawing(
    node("branch", "branch"), node("split", "split"), node("call", "call_task"), node("sms", "sms_send"),
    node("wait", "wait"), node("odd", "sms_send", content="name"),
    edge("branch:chief>split", **{"fact": "contact.title", "is": "equal", "value": "Chief"}),
    edge("branch:poor>odd", **{"fact": "contact.lead_score", "is": "most", "value": 3}),
    "branch:else>call", edge("split:a>sms", weight=50), edge("split:b>call", weight=50), "call>wait", "wait>sms",
)  # fmt: skip
_ROUTE = Route(_ASKS_ALL)
_PEOPLE = st.builds(
    Somebody,
    facts=st.fixed_dictionaries(
        {"contact.title": st.sampled_from(["Chief", "Foreman"]), "contact.lead_score": st.integers(0, 6)}
    ),
    zone=st.sampled_from([ZoneInfo("America/Chicago"), ZoneInfo("Pacific/Honolulu")]),
    stop=st.sampled_from(["", "", "", "deleted"]),
    is_called=st.booleans(),
    id=st.uuids(),
)  # fmt: skip


class _Counting:
    """A walk that counts how often it is walked."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, person: Person) -> Move | None:
        self.times += 1
        return walk(_ROUTE, Standing(), person, NOON)


def _told(move: Move | None) -> str:
    return repr(move)


@given(st.lists(_PEOPLE, max_size=30))
def test_everybody_goes_where_they_would_go_alone(people):
    ways = Ways(lambda person: walk(_ROUTE, Standing(), person, NOON))
    assert [_told(ways.of(each)) for each in people] == [_told(walk(_ROUTE, Standing(), each, NOON)) for each in people]


def test_whoever_answers_alike_is_walked_with_once_and_shares_the_move():
    walked = _Counting()
    ways, chief = Ways(walked), Somebody(facts={"contact.title": "Chief"})
    moves = [ways.of(one) for one in (chief, replace(chief), replace(chief, stop="deleted"), replace(chief))]
    assert moves[0] is moves[1] is moves[3] is not moves[2]
    assert walked.times == 2


def test_a_walk_that_asks_nothing_and_leads_nowhere_is_walked_once_too():
    walked = _Counting()
    ways = Ways(lambda person: walked(person) and None)
    assert [ways.of(Somebody(id=None, stop="")) for _ in range(3)] == [None] * 3
    assert walked.times == 1
