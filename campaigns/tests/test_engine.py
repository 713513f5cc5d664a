"""The engine on a real database: what it writes is what the walk decided, once, whatever dies in between."""

from dataclasses import replace
from datetime import date, timedelta
from threading import Thread

import pytest
from django.db import OperationalError, connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from campaigns.models import (
    Campaign,
    CampaignCount,
    ContentTemplate,
    Enrollment,
    EnrollmentEvent,
    EnrollmentStep,
    Message,
    Settlement,
)
from campaigns.rules.drawings import DrawnNode
from campaigns.rules.history import replay
from campaigns.rules.steps import Steps
from campaigns.services import campaigns, counting, handling
from campaigns.services.engine import batches, running
from campaigns.tests import carriers
from campaigns.tests.drawings import drawing, edge, node
from campaigns.tests.factories import HappeningFactory, MessageFactory, SendingAccountFactory
from campaigns.tests.sending import send
from campaigns.tests.walks import begun, enrolled, paused, resumed, run, settle
from config.kernel import faults
from config.testing import NOON, in_own_connection
from crm.models import Contact
from crm.tests.factories import CompanyFactory, ContactFactory, SuppressionFactory, UserFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)

FUNNEL = drawing(
    node("begin", "stage", status="No Activity"), node("sms", "sms_send"), node("wait", "wait"),
    node("ask", "wait_for"), node("bdr", "stage", status="Needs BDR"), node("end", "exit", reason="Silent"),
    "begin>sms", "sms>wait", "wait>ask", "ask:happened>bdr", "ask:timeout>end",
)  # fmt: skip


def walk_of(enrollment):
    return Enrollment.objects.get(pk=enrollment.pk)


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
    assert (walk.state, walk.reason, walk.ended_at) == ("completed", "Silent", NOON + 5 * DAY)
    steps = EnrollmentStep.objects.filter(enrollment=walk).order_by("id").values_list("node__key", "outcome", "exit")
    assert list(steps) == [("sms", "delivered", "next"), ("wait", "over", "next"), ("ask", "timeout", "timeout")]


def assert_replays(walk):
    walk = walk_of(walk)
    told = replay(EnrollmentEvent.objects.filter(enrollment=walk).order_by("id"))
    status = walk.status.name if walk.status else ""
    assert (told.state, told.node, told.visit, told.status, told.reason) == (
        walk.state, walk.node_id, walk.visit, status, walk.reason,
    )  # fmt: skip


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
        ("completed", "Silent"), ("completed", "Silent"), ("exited", "replied"),
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


ASKING = drawing(
    node("sms", "sms_send"), node("ask", "wait_for"), node("again", "sms_send"),
    node("bdr", "stage", status="Needs BDR"), node("end", "exit", reason="Silent"),
    "sms>ask", "ask:happened>bdr", "ask:timeout>again", "again>end",
)  # fmt: skip


def answered_at_once(drawn):
    """Somebody gets the first message of ``drawn`` and answers, before the engine has heard of either."""
    campaign = begun(drawn)
    (walk,) = enrolled(campaign)
    run(NOON)
    settle("accepted", NOON)
    HappeningFactory(contact=walk.contact)
    run(NOON)
    return campaign, walk_of(walk)


def test_whoever_answers_before_the_engine_knows_that_they_got_it_has_answered_it():
    campaign, walk = answered_at_once(ASKING)
    assert (walk.state, walk.status.name, walk.last["outcome"]) == ("completed", "Needs BDR", "reply")
    assert not Settlement.objects.exists()
    assert_replays(walk)
    by_key = {n.key: counting.by_node(campaign).get(n.pk, {}) for n in campaign.graph.nodes.all()}
    assert (by_key["sms"]["held"], by_key["ask"].get("held", 0), by_key["ask"]["passed"]) == (0, 0, 1)


def test_an_answer_that_is_faster_than_the_note_of_what_was_sent_waits_for_it():
    (walk,) = enrolled(begun(ASKING))
    run(NOON)
    Message.objects.update(state="claimed")
    Message.objects.update(state="dispatching", ever_dispatched=True)
    HappeningFactory(contact=walk.contact)
    run(NOON)
    assert walk_of(walk).state == "waiting_send"
    Message.objects.update(state="accepted", settled_at=NOON)
    run(NOON)
    assert (walk_of(walk).state, walk_of(walk).status.name) == ("completed", "Needs BDR")


def test_what_the_same_wake_was_about_to_send_does_not_go_out_to_whoever_has_answered():
    two = drawing(node("sms", "sms_send"), node("next", "sms_send"), node("end", "exit"), "sms>next", "next>end")
    campaign, walk = answered_at_once(two)
    assert (walk.state, walk.reason) == ("exited", "replied")
    assert Message.objects.count() == 1
    assert_replays(walk)
    assert sum(counted.get("held", 0) for counted in counting.by_node(campaign).values()) == 0


def test_an_answer_ends_the_walk_and_takes_back_what_has_not_gone_out():
    campaign = begun(FUNNEL)
    (walk,) = enrolled(campaign)
    run(NOON)
    news = HappeningFactory(contact=walk.contact)
    run(NOON)
    message = Message.objects.get()
    assert (walk_of(walk).reason, message.state) == ("replied", "cancelled")
    assert not Settlement.objects.exists()
    news.refresh_from_db()
    assert news.handled_at == NOON


@pytest.mark.parametrize(
    ("event", "news"), [("call_outcome", ["call_outcome", "reply"]), ("reply", ["reply", "reply"])]
)
def test_of_what_happens_between_two_looks_nothing_is_passed_over(event, news):
    """Heard together it ends as heard one by one: the answer ends the walk that the first news has led on."""
    drawn = drawing(
        node("ask", "wait_for", event=event), node("sms", "sms_send"), node("end", "exit"),
        "ask:happened>sms", "ask:timeout>end", "sms>end",
    )  # fmt: skip
    campaign = begun(drawn)
    (walk,) = enrolled(campaign)
    run(NOON)
    for kind in news:
        HappeningFactory(contact=walk.contact, kind=kind)
    run(NOON)
    assert (walk_of(walk).state, walk_of(walk).reason) == ("exited", "replied")
    assert not Message.objects.exists()
    assert_replays(walk)
    assert sum(counted.get("held", 0) for counted in counting.by_node(campaign).values()) == 0


def test_what_has_ended_stays_as_it_ended_whatever_comes_late():
    campaign = begun(FUNNEL)
    (walk,) = enrolled(campaign)
    run(NOON)
    settle("uncertain", NOON)
    HappeningFactory(contact=walk.contact)
    run(NOON)
    Contact.objects.filter(pk=walk.contact_id).update(do_not_text=True)
    Message.objects.update(state="delivered", settled_at=NOON + DAY)
    run(NOON + DAY)
    assert (walk_of(walk).reason, walk_of(walk).ended_at) == ("replied", NOON)
    assert EnrollmentEvent.objects.filter(enrollment=walk, kind="exited").count() == 1
    assert not Settlement.objects.exists()


def test_a_suppression_since_they_were_enrolled_stops_them_and_an_older_one_does_not():
    campaign = begun(FUNNEL)
    new, old = ContactFactory(phone="+15125550101"), ContactFactory(phone="+15125550102")
    SuppressionFactory(endpoint=old.points.get().endpoint, at=NOON - DAY)
    walks = {walk.contact_id: walk for walk in enrolled(campaign, [new, old])}
    SuppressionFactory(endpoint=new.points.get().endpoint, at=NOON)
    for contact in (new, old):
        HappeningFactory(contact=contact, kind="reachability")
    run(NOON)
    assert walk_of(walks[new.pk]).reason == "suppressed"
    assert walk_of(walks[old.pk]).state == "waiting_send"


def test_what_is_blocked_for_a_time_goes_out_later_as_another_message():
    campaign = begun(FUNNEL)
    (walk,) = enrolled(campaign)
    run(NOON)
    settle("blocked", NOON, reason="outside_hours", retry_at=NOON + DAY)
    run(NOON)
    assert (walk_of(walk).state, walk_of(walk).wake_at) == ("waiting", NOON + DAY)
    run(NOON + DAY)
    assert sorted(key.rpartition("/")[2] for key in Message.objects.values_list("dedupe_key", flat=True)) == ["0", "1"]
    assert EnrollmentStep.objects.count() == 1


def test_what_is_blocked_again_and_again_is_tried_again_and_again():
    (walk,) = enrolled(begun(drawing(node("sms", "sms_send"))))
    for day in range(4):
        run(NOON + day * DAY)
        assert (walk_of(walk).state, Message.objects.count()) == ("waiting_send", day + 1)
        settle("blocked", NOON + day * DAY, reason="outside_hours", retry_at=NOON + (day + 1) * DAY)
        run(NOON + day * DAY)
    assert (walk_of(walk).state, walk_of(walk).visit) == ("waiting", 1)


def test_a_batch_costs_as_many_statements_for_many_as_for_one():
    def cost(people):
        campaign = begun(FUNNEL)
        enrolled(campaign, people)
        running.run(at=NOON)  # whatever is read once per process
        settle("accepted", NOON)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            batches.settled(campaign.pk, at=NOON)
        return len(asked)

    assert cost(1) == cost(40)


def test_nobody_moves_once_a_pause_is_committed_and_waits_keep_what_was_left():
    campaign = begun(FUNNEL)
    (walk,) = enrolled(campaign)
    run(NOON)
    settle("accepted", NOON)
    run(NOON)
    paused(campaign, NOON + DAY)
    assert run(NOON + 3 * DAY) == 0
    resumed(campaign, NOON + 10 * DAY)
    run(NOON + 10 * DAY)
    assert walk_of(walk).wake_at == NOON + 11 * DAY
    assert (walk_of(walk).state, walk_of(walk).epoch) == ("waiting", 1)


def test_a_call_that_is_heard_of_before_they_are_let_go_shortens_no_wait():
    campaign = begun(FUNNEL)
    (walk,) = enrolled(campaign)
    run(NOON)
    settle("accepted", NOON)
    run(NOON)
    paused(campaign, NOON + DAY)
    resumed(campaign, NOON + 10 * DAY)
    HappeningFactory(contact=walk.contact, kind="call_outcome", data={"disposition": "No answer"})
    batches.heard(at=NOON + 10 * DAY)
    run(NOON + 10 * DAY)
    assert (walk_of(walk).state, walk_of(walk).wake_at) == ("waiting", NOON + 11 * DAY)
    assert walk_of(walk).last["disposition"] == "No answer"


def test_what_was_about_to_go_out_before_a_pause_is_written_anew_and_spread(settings, tmp_path):
    carrier = carriers.install(settings, tmp_path)
    SendingAccountFactory()
    ContentTemplate.objects.create(key="when", channel="sms", name="When", body="On {{event.date}}.")
    campaign = begun(drawing(node("sms", "sms_send", content="when")), event_date=date(2026, 7, 1), spread_minutes=60)
    walks = enrolled(campaign, [ContactFactory(phone=f"+151255501{number:02}") for number in range(20)])
    run(NOON)
    Enrollment.objects.update(epoch=1)  # not before the first start, but in the middle of it
    Campaign.objects.update(epoch=1, pauses=[[NOON.isoformat(), NOON.isoformat()]])
    row = campaigns.pause(row=Campaign.objects.get(pk=campaign.pk), by=None, at=NOON)
    campaigns.edit(row=row, changes={"event_date": date(2026, 8, 1)}, by=None, at=NOON)
    resumed(campaign, NOON + timedelta(hours=1))

    send(NOON + timedelta(hours=1))
    assert not carrier.rows()  # nobody was let go yet
    for minutes in range(60, 121, 10):
        run(NOON + timedelta(minutes=minutes))
        send(NOON + timedelta(minutes=minutes))
        run(NOON + timedelta(minutes=minutes))
        if minutes == 90:
            assert 2 < len(carrier.rows()) < 18

    assert {row["body"] for row in carrier.rows()} == {"On Saturday, August 1, 2026."}
    assert len(carrier.rows()) == len(walks)
    assert counting.numbers(campaign)["state:completed"] == len(walks)
    for walk in walks:
        assert_replays(walk)


def in_the_middle(campaign):
    """Not before its first start."""
    Enrollment.objects.update(epoch=1)
    Campaign.objects.update(epoch=1, pauses=[[NOON.isoformat(), NOON.isoformat()]])
    campaign.refresh_from_db()


@pytest.mark.parametrize("let_go_first", [True, False])
def test_what_was_about_to_go_out_to_whoever_is_paused_by_hand_is_written_anew_too(let_go_first):
    campaign = begun(drawing(node("sms", "sms_send")), spread_minutes=0)
    (walk,) = enrolled(campaign)
    run(NOON)
    in_the_middle(campaign)
    handling.pause([walk.pk], by=None, at=NOON)
    paused(campaign, NOON)
    resumed(campaign, NOON + DAY)
    if let_go_first:
        run(NOON + DAY)
        assert (walk_of(walk).state, walk_of(walk).paused_from) == ("paused", "waiting")
    handling.resume([walk.pk], by=None, at=NOON + DAY)
    run(NOON + DAY)
    assert list(Message.objects.order_by("id").values_list("state", flat=True)) == ["cancelled", "pending"]
    assert walk_of(walk).state == "waiting_send"
    assert_replays(walk)
    assert counting.numbers(campaign)["state:waiting_send"] == 1


def test_what_was_written_for_a_walk_that_ended_in_a_pause_waits_for_nothing(settings, tmp_path):
    carrier = carriers.install(settings, tmp_path)
    SendingAccountFactory()
    drawn = drawing(node("sms", "sms_send"), node("end", "exit"), "sms>end")
    campaign = begun(replace(drawn, on_reply="end"))
    (walk,) = enrolled(campaign, [ContactFactory(phone="+15125550123")])
    run(NOON)
    in_the_middle(campaign)
    paused(campaign, NOON)
    HappeningFactory(contact=walk.contact)
    run(NOON)
    resumed(campaign, NOON + timedelta(hours=1))
    run(NOON + timedelta(hours=1))
    send(NOON + timedelta(hours=1))
    assert (walk_of(walk).state, Message.objects.get().state, carrier.rows()) == ("completed", "blocked", [])


def test_after_a_pause_what_has_come_due_is_spread():
    campaign = begun(FUNNEL, spread_minutes=60)
    walks = enrolled(campaign, 40)
    paused(campaign, NOON)
    resumed(campaign, NOON + DAY)
    # People who were to begin before the pause have been in epoch 0; a first start spreads nobody, a resumption does
    Enrollment.objects.update(epoch=0)
    campaign.pauses, campaign.epoch = [[NOON.isoformat(), NOON.isoformat()], *campaign.pauses], 2
    campaign.save()
    Enrollment.objects.update(epoch=1)
    run(NOON + DAY)
    woken = sorted(Enrollment.objects.filter(state="pending").values_list("wake_at", flat=True))
    assert len(woken) > 35
    assert NOON + DAY < woken[0] <= woken[-1] < NOON + DAY + timedelta(hours=1)
    middle = woken[len(woken) // 2] - (NOON + DAY)
    assert timedelta(minutes=15) < middle < timedelta(minutes=45)
    for minutes in range(1, 61):
        running.run(at=NOON + DAY + timedelta(minutes=minutes))
    assert Enrollment.objects.filter(state="waiting_send").count() == len(walks)


def test_whoever_waits_for_the_day_of_an_event_is_not_later_for_a_pause_that_was_over_before():
    eve = DrawnNode("eve", "wait", "", {"mode": "event", "days": -1, "time": "09:00"})
    campaign = begun(
        drawing(eve, node("end", "exit"), "eve>end"), event_date=(NOON + 3 * DAY).date(), spread_minutes=10_080,
        epoch=1, pauses=[[NOON.isoformat(), NOON.isoformat()]],
    )  # fmt: skip
    enrolled(campaign, 20)
    run(NOON)
    (due,) = set(Enrollment.objects.values_list("wake_at", flat=True))
    paused(campaign, NOON + timedelta(hours=1))
    resumed(campaign, NOON + timedelta(hours=2))
    run(due)
    assert set(Enrollment.objects.values_list("state", flat=True)) == {"completed"}


def test_of_one_company_as_many_are_on_the_way_as_the_campaign_says():
    campaign = begun(drawing(node("sms", "sms_send")), company_limit=2)
    company = CompanyFactory()
    enrolled(campaign, ContactFactory.create_batch(5, company=company))
    for done in (2, 4, 5):
        run(NOON)
        assert Message.objects.count() == done
        settle("accepted", NOON)
    run(NOON)
    assert set(Enrollment.objects.values_list("state", flat=True)) == {"completed"}


@pytest.fixture
def of_one_company():
    """One of three on the way, two waiting for a place."""
    campaign = begun(drawing(node("wait", "wait")), company_limit=1)
    enrolled(campaign, ContactFactory.create_batch(3, company=CompanyFactory()))
    run(NOON)
    return Campaign.objects.get(pk=campaign.pk)


def waiting_for_a_place():
    return list(Enrollment.objects.filter(state="pending").order_by("id").values_list("pk", flat=True))


def test_whoever_leaves_without_a_place_frees_none(of_one_company):
    first, _ = waiting_for_a_place()
    handling.leave([first], reason="Moved away", by=None, at=NOON)
    run(NOON)
    assert Enrollment.objects.filter(state="waiting").count() == 1


@pytest.mark.parametrize(("limit", "begin"), [(2, 2), (None, 3), (1, 1)])
def test_as_many_more_begin_as_the_campaign_says_now(of_one_company, limit, begin):
    campaigns.edit(row=of_one_company, changes={"company_limit": limit}, by=None, at=NOON)
    run(NOON)
    assert Enrollment.objects.filter(state="waiting").count() == begin


def test_whoever_was_paused_while_a_place_became_free_takes_it_later(of_one_company):
    held = waiting_for_a_place()
    handling.pause(held, by=None, at=NOON)
    run(NOON + 2 * DAY)
    handling.resume(held, by=None, at=NOON + 3 * DAY)
    run(NOON + 3 * DAY)
    assert sorted(Enrollment.objects.values_list("state", flat=True)) == ["completed", "pending", "waiting"]


def test_one_walk_that_cannot_be_moved_stops_nobody_else(monkeypatch):
    campaign = begun(FUNNEL)
    walks = enrolled(campaign, 3)
    poisoned = walks[1].pk
    arrive = Steps.arrive

    def poison(steps, key):
        if steps.standing.id == poisoned:
            raise RuntimeError("a bug")
        arrive(steps, key)

    monkeypatch.setattr(Steps, "arrive", poison)
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


def test_a_campaign_that_fails_is_in_no_other_ones_way(monkeypatch):
    broken, sound = begun(FUNNEL), begun(FUNNEL)
    enrolled(broken), enrolled(sound)
    due = batches.due

    def failing(campaign, **told):
        if campaign == broken.pk:
            raise RuntimeError("a bug")
        return due(campaign, **told)

    monkeypatch.setattr(batches, "due", failing)
    running.run(at=NOON)
    assert Enrollment.objects.get(campaign=sound).state == "waiting_send"


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
    assert reasons == {"owner": "yes", "Clerk": "no"}


def test_who_looks_after_nobody_in_particular_is_looked_after_by_the_owner_of_the_campaign():
    rep, colleague = UserFactory(bdr=True), UserFactory(bdr=True)
    campaign = begun(drawing(node("sms", "sms_send", content="owner")), owner=rep)
    ContentTemplate.objects.create(key="owner", channel="sms", name="Owner", body="Ask {{owner.name}}, {{owner.email}}")
    enrolled(campaign, [ContactFactory(owner=None, title="Nobody's"), ContactFactory(owner=colleague, title="Theirs")])
    run(NOON)
    said = dict(Message.objects.values_list("contact__title", "body"))
    assert said == {f"{t}": f"Ask {u.name}, {u.email}" for t, u in (("Nobody's", rep), ("Theirs", colleague))}


@pytest.mark.django_db(transaction=True)
def test_many_engines_at_once_move_everybody_once(threads):
    campaign = begun(FUNNEL)
    walks = enrolled(campaign, 120)
    threads(*[lambda: running.run(at=NOON, size=7)] * 6)
    assert Message.objects.count() == len(walks)
    assert Enrollment.objects.filter(state="waiting_send").count() == len(walks)
    assert counting.numbers(campaign)["state:waiting_send"] == len(walks)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("why", ["due", "settled", "heard"])
def test_a_pause_waits_for_the_batch_that_is_being_written(monkeypatch, why):
    """Committed while a batch moves people it would be a pause in which somebody moved (E9)."""
    campaign = begun(FUNNEL)
    (walk,) = enrolled(campaign)
    if why != "due":
        run(NOON)
        settle("accepted", NOON) if why == "settled" else HappeningFactory(contact=walk.contact)
    waited = []

    @in_own_connection
    def somebody():
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '250ms'")
        try:
            campaigns.pause(row=campaign, by=None, at=NOON)
        except OperationalError:
            waited.append(why)

    def strike(name):
        if name == "engine.before_commit" and not waited:
            other = Thread(target=somebody)
            other.start()
            other.join()

    monkeypatch.setattr(faults, "strike", strike)
    running.run(at=NOON)
    assert waited == [why]


@pytest.mark.django_db(transaction=True)
def test_what_one_engine_has_heard_no_other_one_follows(monkeypatch):
    """Followed twice, an answer that was waited for would end the walk that it has led on."""
    (walk,) = enrolled(begun(ASKING))
    HappeningFactory(contact=walk.contact)
    others = []

    @in_own_connection
    def somebody():
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '250ms'")
        others.append(batches.heard(at=NOON))

    def strike(name):
        if name == "engine.before_commit" and not others:
            other = Thread(target=somebody)
            other.start()
            other.join()

    monkeypatch.setattr(faults, "strike", strike)
    assert batches.heard(at=NOON) == 1
    assert others == [0]
