"""What somebody was to hear of when something broke they hear first, once they are tried again or more happens."""

from datetime import timedelta

import pytest

from campaigns.models import Happening, Message
from campaigns.rules import walking
from campaigns.services import handling
from campaigns.tests.drawings import drawing, edge, node
from campaigns.tests.factories import HappeningFactory, MessageFactory
from campaigns.tests.walks import assert_replays, begun, enrolled, run, settle, walk_of
from config.testing import NOON
from crm.tests.factories import ContactFactory, SuppressionFactory

pytestmark = pytest.mark.django_db
ASKING = drawing(
    node("ask", "wait_for"), node("thanks", "sms_send"), node("end", "exit"),
    "ask:happened>thanks", "ask:timeout>end", "thanks>end",
)  # fmt: skip
LATER = drawing(node("wait", "wait"), node("sms", "sms_send"), node("end", "exit"), "wait>sms", "sms>end")
LEADING = drawing(node("ask", "wait_for"), node("more", "wait_for"), "ask:happened>more")


def breaks(*_):
    raise OverflowError("not as it should be")


@pytest.fixture
def runs_broken(monkeypatch):
    def run_broken(verb="_hears", how=breaks):
        with monkeypatch.context() as broken:
            broken.setattr(walking, verb, how)
            run(NOON)

    return run_broken


@pytest.fixture
def park(runs_broken):
    """Parks somebody by what happens to them, which cannot be followed."""

    def parked(walk, kind="reply", verb="_hears", **more):
        HappeningFactory(contact=walk.contact, kind=kind, **more)
        runs_broken(verb)
        assert walk_of(walk).state == "parked"

    return parked


def tried_again(walk):
    assert handling.retry([walk.pk], by=None, at=NOON) == 1
    run(NOON)
    assert_replays(walk)
    assert not Happening.objects.new().exists()
    return walk_of(walk)


def test_an_answer_ends_the_walk(park):
    (walk,) = enrolled(begun(LATER))
    run(NOON)
    park(walk)
    assert walk_of(walk).reason.endswith("Not followed yet: a reply.")

    assert tried_again(walk).reason == "replied"
    run(NOON + timedelta(days=3))
    assert not Message.objects.exists()


def test_an_answer_that_was_waited_for_leads_on(park):
    (walk,) = enrolled(begun(ASKING))
    run(NOON)
    park(walk)

    here = tried_again(walk)
    assert (here.state, here.node.key, "unheard" in here.last) == ("waiting_send", "thanks", False)


def test_they_hear_all_of_it_in_its_order_as_often_as_it_takes(park, runs_broken):
    called = [node("call", "wait_for", event="call_outcome"), "call:happened>ask", "call:timeout>end"]
    (walk,) = enrolled(begun(drawing(*called, *ASKING.nodes, *ASKING.edges, start="call")))
    run(NOON)
    park(walk, "call_outcome")
    park(walk)
    assert walk_of(walk).reason.endswith("Not followed yet: the outcome of a call, a reply.")
    handling.retry([walk.pk], by=None, at=NOON)
    runs_broken()
    assert walk_of(walk).state == "parked"

    assert tried_again(walk).node.key == "thanks"
    assert Happening.objects.count() == 4, "each as it was kept, and once for this walk"


def test_they_hear_it_in_the_order_in_which_it_happened_and_before_anything_newer(runs_broken):
    clicked = [node("mail", "email_send", content="mail"), node("click", "wait_for", event="link_click")]
    ways = ["ask:happened>mail", "ask:timeout>end", "mail>click", "click:happened>end", "click:timeout>thanks"]
    (walk,) = enrolled(begun(drawing(ASKING.nodes[0], *clicked, *ASKING.nodes[1:], *ways, "thanks>end")))
    run(NOON)
    HappeningFactory(contact=walk.contact)
    HappeningFactory(contact=walk.contact, kind="link_click", enrollment=walk)
    runs_broken()
    HappeningFactory(contact=walk.contact, kind="call_outcome", data={"disposition": "Busy"})

    here = tried_again(walk)
    assert (here.node.key, [kind for kind, _ in here.last["ahead"]]) == ("mail", ["link_click", "call_outcome"])
    settle("accepted", NOON)
    run(NOON)
    assert (walk_of(walk).state, walk_of(walk).node.key) == ("completed", "end")


def test_whatever_happens_then_they_follow_what_they_could_not_first(park):
    (walk,) = enrolled(begun(ASKING))
    run(NOON)
    park(walk)
    HappeningFactory(contact=walk.contact, kind="call_outcome", data={"disposition": "Busy"})
    run(NOON)

    here = walk_of(walk)
    assert (here.state, here.node.key, here.last["outcome"]) == ("waiting_send", "thanks", "call_outcome")
    assert "unheard" not in here.last
    assert_replays(walk)


def test_of_two_answers_each_leads_on(park):
    (walk,) = enrolled(begun(LEADING))
    run(NOON)
    park(walk)
    HappeningFactory(contact=walk.contact)
    run(NOON)

    assert (walk_of(walk).state, walk_of(walk).visits) == ("completed", {"ask": 1, "more": 1})
    assert_replays(walk)


def test_a_meeting_that_they_could_not_be_told_of_ends_the_walk_before_an_answer_leads_on(park):
    (walk,) = enrolled(begun(ASKING))
    run(NOON)
    park(walk, "meeting", verb="_stops")
    HappeningFactory(contact=walk.contact)
    run(NOON)

    assert walk_of(walk).reason == "meeting"


def test_what_is_newer_stays_newer_though_it_leads_nobody_on(park):
    newer = edge("asked:new>yes", fact="last.disposition", value="Newer", **{"is": "equal"})
    drawn = drawing(node("wait", "wait"), node("asked", "branch"), node("yes", "exit", reason="New"),
                    node("no", "exit", reason="Old"), "wait>asked", newer, "asked:else>no")  # fmt: skip
    (walk,) = enrolled(begun(drawn))
    run(NOON)
    park(walk, "call_outcome", data={"disposition": "Older"})
    HappeningFactory(contact=walk.contact, kind="call_outcome", data={"disposition": "Newer"})
    run(NOON)

    here = walk_of(walk)
    assert (here.state, here.last["disposition"]) == ("parked", "Newer")
    assert here.reason == "It could not be moved on: OverflowError. An operator finds the details in the log."
    assert [told["disposition"] for _, told in here.last["ahead"]] == ["Older", "Newer"]
    assert_replays(walk)
    assert tried_again(walk).last["disposition"] == "Newer"
    run(NOON + timedelta(days=2))
    assert walk_of(walk).reason == "“New”"


def test_what_is_of_this_walk_alone_is_kept_once(park):
    (walk,) = enrolled(begun(drawing(node("ask", "wait_for", event="link_click"), node("more", "wait_for"),
                                     "ask:happened>more")))  # fmt: skip
    run(NOON)
    park(walk, "link_click", enrollment=walk)

    assert tried_again(walk).node.key == "more"
    assert Happening.objects.count() == 1


def test_it_happens_to_no_other_walk_of_theirs_again(runs_broken):
    (other,) = enrolled(begun(LEADING))
    (walk,) = enrolled(begun(ASKING), [other.contact])
    run(NOON)
    hears = walking._hears

    def breaks_for_one(steps, happened):
        breaks() if "thanks" in steps.route.drawing.by_key else hears(steps, happened)

    HappeningFactory(contact=walk.contact)
    runs_broken(how=breaks_for_one)
    assert [walk_of(one).state for one in (walk, other)] == ["parked", "waiting"]

    assert tried_again(walk).node.key == "thanks"
    assert (walk_of(other).state, walk_of(other).node.key) == ("waiting", "more")


def test_it_happens_to_each_of_their_walks_that_could_not_follow_it(park):
    person = ContactFactory()
    walks = [*enrolled(begun(ASKING), [person]), *enrolled(begun(LEADING), [person])]
    run(NOON)
    park(walks[0])

    handling.retry([walk.pk for walk in walks], by=None, at=NOON)
    run(NOON)
    assert [(walk_of(walk).state, walk_of(walk).node.key) for walk in walks] == [
        ("waiting_send", "thanks"), ("waiting", "more"),
    ]  # fmt: skip


def test_what_the_database_refused_to_follow_is_followed_too():
    campaign = begun(ASKING)
    (walk,) = enrolled(campaign)
    run(NOON)
    thanks = campaign.graph.nodes.get(key="thanks").pk
    taken = MessageFactory(by_hand=True, dedupe_key=f"enr:{walk.pk}/{thanks}/1/0")
    HappeningFactory(contact=walk.contact)
    run(NOON)
    assert walk_of(walk).state == "parked"
    Message.objects.filter(pk=taken.pk).update(dedupe_key="another")

    assert tried_again(walk).node.key == "thanks"


def test_whoever_asked_for_nothing_more_leaves(park):
    person = ContactFactory(phone="+15125550134")
    (walk,) = enrolled(begun(LATER), [person])
    run(NOON)
    SuppressionFactory(endpoint=person.points.get().endpoint, at=NOON)
    park(walk, "reachability", verb="_stops")

    assert tried_again(walk).reason == "suppressed"
