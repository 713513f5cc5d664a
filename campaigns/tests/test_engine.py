"""The engine on a real database: what it writes is what the walk decided, and what it counts is what it wrote."""

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from campaigns.models import CampaignCount, ContentTemplate, Enrollment, EnrollmentStatus, EnrollmentStep, Message
from campaigns.services import counting, handling, people
from campaigns.services.engine import batches, running
from campaigns.tests.drawings import drawing, edge, node
from campaigns.tests.factories import HappeningFactory
from campaigns.tests.walks import FUNNEL, assert_replays, begun, enrolled, run, settle, walk_of
from config.kernel import ids
from config.testing import NOON
from crm.tests.factories import CompanyFactory, ContactFactory, UserFactory

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def test_a_walk_from_its_start_to_its_end():
    campaign = begun(FUNNEL)
    (walk,) = enrolled(campaign)
    assert run(NOON) == 1
    message = Message.objects.get()
    assert (message.state, message.body, message.not_before) == ("pending", "Hi Alex", NOON)
    assert message.dedupe_key == f"enr:{walk.pk}/{message.node_id}/1/0"
    assert run(NOON) == 0  # it waits for the message
    settle("delivered", NOON)
    run(NOON)
    walk = walk_of(walk)
    assert (walk.state, walk.node.key, walk.wake_at, walk.status.name) == (
        "waiting",
        "wait",
        NOON + 2 * DAY,
        "No Activity",
    )
    assert run(NOON + 2 * DAY - timedelta(seconds=1)) == 0
    run(NOON + 2 * DAY)
    run(NOON + 5 * DAY)
    walk = walk_of(walk)
    assert (walk.state, walk.reason, walk.ended_at) == ("completed", "“Silent”", NOON + 5 * DAY)
    steps = EnrollmentStep.objects.filter(enrollment=walk).values_list("node__key", "outcome", "exit")
    assert list(steps) == [("sms", "delivered", "next"), ("wait", "over", "next"), ("ask", "timeout", "timeout")]


def test_a_stage_is_how_far_somebody_has_come_whatever_their_status_says():
    drawn = drawing(
        node("invited", "stage", status="Needs BDR"), node("rest", "wait"), node("called", "stage", status="Needs BDR"),
        node("wait", "wait"), node("end", "exit"), "invited>rest", "rest>called", "called>wait", "wait>end",
    )  # fmt: skip
    (walk,) = enrolled(begun(drawn))
    run(NOON)
    assert (walk_of(walk).stage, walk_of(walk).status.name) == ("invited", "Needs BDR")
    handling.set_status([walk.pk], status=EnrollmentStatus.objects.get(name="No Activity"), by=None, at=NOON)
    assert (walk_of(walk).stage, walk_of(walk).status.name) == ("invited", "No Activity")
    assert_replays(walk)
    run(NOON + 2 * DAY)
    assert (walk_of(walk).stage, walk_of(walk).status.name) == ("called", "Needs BDR")
    assert_replays(walk)


def test_the_history_replays_to_the_state_at_every_moment():
    campaign = begun(FUNNEL)
    walks = enrolled(campaign, 3)
    HappeningFactory(contact=walks[1].contact)
    for day in range(8):
        run(NOON + day * DAY)
        for walk in walks:
            assert_replays(walk)
        settle("accepted", NOON + day * DAY)
    assert sorted(Enrollment.objects.values_list("state", "reason")) == [
        ("completed", "“Silent”"), ("completed", "“Silent”"), ("exited", "replied"),
    ]  # fmt: skip


def test_the_numbers_add_up():
    campaign = begun(FUNNEL)
    walks = enrolled(campaign, 5)
    HappeningFactory(contact=walks[0].contact)
    run(NOON)
    settle("accepted", NOON)
    run(NOON)
    numbers, nodes = counting.numbers(campaign), counting.by_node(campaign)
    assert (numbers["total_contacts"], numbers["state:waiting"], numbers["state:exited"]) == (5, 4, 1)
    assert numbers.get("state:pending", 0) == numbers.get("state:waiting_send", 0) == 0
    by_key = {n.key: nodes.get(n.pk, {}) for n in campaign.graph.nodes.all()}
    assert by_key["sms"] == {"arrived": 4, "held": 0, "passed": 4, "sms:waiting": 0, "sms:unconfirmed": 4}
    assert by_key["wait"] == {"arrived": 4, "held": 4}
    states = CampaignCount.objects.filter(name__startswith="state:").aggregate(sum=Sum("value"))
    assert states["sum"] == Enrollment.objects.count()


def test_what_is_blocked_for_a_time_goes_out_later_as_another_message():
    campaign = begun(FUNNEL)
    (walk,) = enrolled(campaign)
    run(NOON)
    settle("blocked", NOON, reason="outside_hours", retry_at=NOON + DAY)
    run(NOON)
    assert (walk_of(walk).state, walk_of(walk).wake_at) == ("waiting", NOON + DAY)
    run(NOON + DAY)
    assert sorted(key.rpartition("/")[2] for key in Message.objects.values_list("dedupe_key", flat=True)) == ["0", "1"]
    settle("accepted", NOON + DAY, Message.objects.filter(state="pending"))
    run(NOON + DAY)
    assert EnrollmentStep.objects.get().begun_at == NOON


def test_what_is_blocked_again_and_again_is_tried_again_and_again():
    (walk,) = enrolled(begun(drawing(node("sms", "sms_send"))))
    for day in range(4):
        run(NOON + day * DAY)
        assert (walk_of(walk).state, Message.objects.count()) == ("waiting_send", day + 1)
        settle("blocked", NOON + day * DAY, reason="outside_hours", retry_at=NOON + (day + 1) * DAY)
        run(NOON + day * DAY)
    assert (walk_of(walk).state, walk_of(walk).visit) == ("waiting", 1)


def test_an_e_mail_that_is_written_anew_is_one_that_was_generated():
    campaign = begun(drawing(node("mail", "email_send")))
    enrolled(campaign)
    for day in range(3):
        run(NOON + day * DAY)
        settle("blocked", NOON + day * DAY, reason="outside_hours", retry_at=NOON + (day + 1) * DAY)
        run(NOON + day * DAY)
    assert (Message.objects.count(), counting.numbers(campaign)["emails_generated"]) == (3, 1)


def test_a_history_is_in_order_whatever_the_clock_of_the_engine_says(monkeypatch):
    late = time.time_ns() - 5 * 10**9
    monkeypatch.setattr(ids, "_last", (0, 0))
    (walk,) = enrolled(begun(FUNNEL))
    monkeypatch.setattr(ids.time, "time_ns", lambda: late)
    run(NOON)
    assert_replays(walk)


def test_conditions_ask_what_is_known_of_a_person():
    drawn = drawing(
        node("ask", "branch"), node("yes", "exit", reason="yes"), node("no", "exit", reason="no"),
        edge("ask:boss>yes", fact="contact.title", value="Owner", **{"is": "equal"}), "ask:else>no",
    )  # fmt: skip
    campaign = begun(drawn)
    owner, clerk = ContactFactory(title="owner"), ContactFactory(title="Clerk")
    enrolled(campaign, [owner, clerk])
    run(NOON)
    reasons = dict(Enrollment.objects.values_list("contact__title", "reason"))
    assert reasons == {"owner": "“yes”", "Clerk": "“no”"}


def test_who_looks_after_nobody_in_particular_is_looked_after_by_the_owner_of_the_campaign():
    rep, colleague = UserFactory(bdr=True), UserFactory(bdr=True)
    campaign = begun(drawing(node("sms", "sms_send", content="owner")), owner=rep)
    ContentTemplate.objects.create(key="owner", channel="sms", name="Owner", body="Ask {{owner.name}}, {{owner.email}}")
    enrolled(campaign, [ContactFactory(owner=None, title="Nobody's"), ContactFactory(owner=colleague, title="Theirs")])
    run(NOON)
    said = dict(Message.objects.values_list("contact__title", "body"))
    assert said == {f"{t}": f"Ask {u.name}, {u.email}" for t, u in (("Nobody's", rep), ("Theirs", colleague))}


def test_a_batch_costs_as_many_statements_for_many_as_for_one():
    def cost(people):
        campaign = begun(FUNNEL)
        enrolled(campaign, people)
        running.run(at=NOON)  # whatever is read once per process
        settle("accepted", NOON)
        with CaptureQueriesContext(connection) as asked:
            batches.settled(campaign.pk, at=NOON)
        return len(asked)

    assert cost(1) == cost(40)


def test_a_message_says_what_is_known_of_whom_it_goes_to():
    campaign = begun(drawing(node("sms", "sms_send")), event_place="Austin")
    tags = "contact.last_name", "company.name", "owner.name", "event.place", "contact.attributes.trade"
    body = " ".join(f"{{{{{tag}|-}}}}" for tag in tags)
    ContentTemplate.objects.filter(key="hello").update(body=body)
    trade = "roofs " * 30
    said = {"company": CompanyFactory(name="Lee Roofing"), "owner": UserFactory(name="Ann Rep"), "last_name": "Lee"}
    enrolled(campaign, [ContactFactory(attributes={"trade": trade}, **said), ContactFactory(last_name="Ray")])
    run(NOON)
    told = set(Message.objects.values_list("contact__last_name", "body", "segments"))
    assert told == {("Lee", f"Lee Lee Roofing Ann Rep Austin {trade.strip()}", 2), ("Ray", "Ray - - Austin -", 1)}


def test_what_is_known_of_somebody_is_put_together_once_however_many_conditions_ask(monkeypatch):
    asks = [edge(f"branch:{n}>end", **{"fact": "contact.title", "is": "equal", "value": n}) for n in ("a", "b", "c")]
    campaign = begun(drawing(node("branch", "branch"), node("end", "exit"), *asks, "branch:else>end"))
    enrolled(campaign, 2)
    facts, asked = people._facts, []
    monkeypatch.setattr(people, "_facts", lambda row: asked.append(row) or facts(row))
    run(NOON)
    assert len(asked) == 2
