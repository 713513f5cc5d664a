"""A campaign carried out on somebody's word: as a whole or on one channel, once, with an account and a word to them."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import tasks
from campaigns.choices import CampaignStatus
from campaigns.models import Campaign, ContentTemplate, Enrollment, EnrollmentEvent, Execution, Message
from campaigns.services import campaigns, counting, enrolling, executing, graphs, starting
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import CampaignFactory, SendingAccountFactory
from campaigns.tests.walks import begun, enrolled, run, settle
from config.kernel.errors import DomainError
from config.testing import NOON
from config.tests.clients import rep as a_rep
from crm.models import Notice
from crm.services import notices
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

BOTH = drawing(
    node("sms", "sms_send"), node("ring", "call_task"), node("mail", "email_send", content="mail"), node("end", "exit"),
    "sms>ring", "ring>mail", "mail>end",
)  # fmt: skip


@pytest.fixture
def campaign() -> Campaign:
    SendingAccountFactory()
    SendingAccountFactory(channel="email")
    return begun(BOTH)


def carried_out(campaign: Campaign, channel: str = "", by: object = None) -> Execution:
    return executing.begin(campaign=campaign, channel=channel, by=by, at=NOON)


def result_of(execution: Execution) -> dict[str, int]:
    execution.refresh_from_db()
    return executing.result(execution)


def test_the_whole_graph_is_carried_out_and_accounted_for(campaign):
    enrolled(campaign, 4)
    execution = carried_out(campaign)
    assert not executing.look(execution.pk, at=NOON)  # nobody has begun
    run(NOON)
    assert not executing.look(execution.pk, at=NOON)  # messages are under way
    one, two, three, four = Message.objects.order_by("id")
    settle("accepted", NOON, [one])
    settle("blocked", NOON, [two], reason="sms.do_not_text")
    settle("rejected", NOON, [three])
    settle("uncertain", NOON, [four])
    run(NOON)
    assert not executing.look(execution.pk, at=NOON)
    settle("accepted", NOON)
    Message.objects.filter(pk=four.pk).update(state="not_sent_presumed")  # waits for a person, and nobody for it
    run(NOON)
    assert executing.look(execution.pk, at=NOON)
    assert result_of(execution) == {"sent": 3, "skipped": 0, "blocked": 1, "failed": 2}
    assert not executing.is_ok(execution)
    assert not executing.look(execution.pk, at=NOON)


@pytest.mark.parametrize("channel", ["sms", "email"])
def test_on_one_channel_everything_else_is_passed_over(campaign, channel):
    enrolled(campaign, 3)
    execution = carried_out(campaign, channel)
    run(NOON)
    assert set(Message.objects.values_list("channel", flat=True)) == {channel}
    settle("delivered", NOON)
    run(NOON)
    assert set(Enrollment.objects.values_list("state", "execution")) == {("completed", execution.pk)}
    assert executing.look(execution.pk, at=NOON)
    assert result_of(execution) == {"sent": 3, "skipped": 6, "blocked": 0, "failed": 0}
    assert executing.is_ok(execution)
    passed = EnrollmentEvent.objects.filter(data__outcome="skipped").values_list("node__key", flat=True)
    assert set(passed) == {"sms", "ring", "mail"} - {{"sms": "sms", "email": "mail"}[channel]}
    assert sum(numbers.get("skipped", 0) for numbers in counting.by_node(campaign).values()) == 6


def test_whoever_is_enrolled_later_begins_on_the_same_channel_and_others_stay_as_they_began(campaign):
    (early,) = enrolled(campaign)
    run(NOON)  # before any execution: the whole graph
    (later,) = enrolled(campaign)
    first = carried_out(campaign, "email")
    run(NOON)
    settle("accepted", NOON)
    run(NOON)
    assert set(Message.objects.filter(enrollment=early).values_list("channel", flat=True)) == {"sms", "email"}
    assert set(Message.objects.filter(enrollment=later).values_list("channel", flat=True)) == {"email"}
    settle("accepted", NOON)
    run(NOON)
    assert executing.look(first.pk, at=NOON)
    assert result_of(first)["sent"] == 1
    (last,) = enrolled(campaign)
    run(NOON)
    assert (last := Enrollment.objects.get(pk=last.pk)).execution_id == first.pk
    assert Message.objects.get(enrollment=last).channel == "email"
    enrolled(campaign)
    again = carried_out(campaign)
    run(NOON)
    assert Message.objects.filter(enrollment__execution=again).get().channel == "sms"


def test_of_a_send_that_was_tried_again_the_last_try_counts(campaign):
    (walk,) = enrolled(campaign)
    execution = carried_out(campaign, "sms")
    run(NOON)
    settle("blocked", NOON, reason="sms.hours", retry_at=NOON)
    run(NOON)
    run(NOON)
    assert Message.objects.filter(enrollment=walk).count() == 2
    settle("accepted", NOON)
    run(NOON)
    assert executing.look(execution.pk, at=NOON)
    assert result_of(execution) == {"sent": 1, "skipped": 2, "blocked": 0, "failed": 0}


def test_whoever_needs_somebody_has_failed():
    SendingAccountFactory()
    campaign = begun(drawing(node("sms", "sms_send"), node("end", "exit"), "sms>end"))
    enrolled(campaign)
    execution = carried_out(campaign)
    ContentTemplate.objects.update(archived_at=NOON)
    run(NOON)
    assert executing.look(execution.pk, at=NOON)
    assert result_of(execution) == {"sent": 0, "skipped": 0, "blocked": 0, "failed": 1}


def test_a_new_campaign_is_started():
    running = begun(drawing(node("sms", "sms_send"), node("end", "exit"), "sms>end"))
    drawn = graphs.drawing_of(running.graph)
    SendingAccountFactory()
    draft = CampaignFactory(graph=graphs.new(drawn), status=CampaignStatus.DRAFT, started_at=None)
    enrolled(draft)
    execution = carried_out(draft)
    draft.refresh_from_db()
    assert (draft.status, draft.started_at, draft.execution) == ("active", NOON, execution)


def test_what_cannot_be_carried_out_is_refused_with_what_to_do(campaign):
    def refusal(**asked):
        with pytest.raises(DomainError) as refused:
            carried_out(campaign, **asked)
        return refused.value.code, str(refused.value)

    assert refusal() == ("not_executable", f"Nobody waits to begin {campaign}: enrol people first.")
    enrolled(campaign)
    assert refusal(channel="voicemail")[0] == "no_such_send"
    assert refusal(by=UserFactory(bdr=True))[0] == "not_yours"
    campaigns.pause(row=campaign, by=None, at=NOON)
    assert refusal() == ("not_executable", f"{campaign} is paused. Resume it first.")
    campaigns.resume(row=campaign, by=None, at=NOON)
    carried_out(campaign)
    code, why = refusal()
    assert code == "not_executable"
    assert "wait until that is over" in why
    campaigns.pause(row=campaign, by=None, at=NOON)  # it cannot come to its end
    assert refusal() == ("not_executable", f"{campaign} is paused. Resume it first.")


def test_of_what_is_over_is_said_how_people_begin_in_it_again(campaign):
    for verb, said in [
        (campaigns.drain, "draining. Resume it first."), (campaigns.complete, "completed. Resume it first."),
        (campaigns.archive, "archived. Bring it back first."),
    ]:  # fmt: skip
        verb(row=campaign, by=None, at=NOON)
        with pytest.raises(executing.NotExecutable, match=said):
            carried_out(campaign)
        with pytest.raises(enrolling.NotOpen, match=said):
            enrolled(campaign)


def test_a_campaign_that_ends_meanwhile_ends_its_execution_once_everybody_has_left(campaign):
    enrolled(campaign, 2)
    execution = carried_out(campaign)
    run(NOON)
    (one, _) = Message.objects.order_by("id")
    settle("accepted", NOON, [one])
    enrolled(campaign)
    campaigns.complete(row=campaign, by=None, at=NOON)
    assert not executing.look(execution.pk, at=NOON)
    starting.let_leave(campaign=campaign.pk, at=NOON)
    assert executing.look(execution.pk, at=NOON)
    execution.refresh_from_db()
    assert (execution.state, execution.error) == ("failed", "The campaign was completed meanwhile.")
    assert not executing.is_ok(execution)
    assert (result_of(execution), execution.waiting) == ({"sent": 1, "skipped": 2, "blocked": 0, "failed": 0}, 0)


def test_its_starter_is_told_once(campaign):
    starter = UserFactory(admin=True)
    enrolled(campaign, 2)
    carried_out(campaign, "sms", by=starter)
    run(NOON)
    settle("accepted", NOON)
    run(NOON)
    tasks.close_executions()
    tasks.close_executions()
    notice = Notice.objects.get()
    assert notice.user == starter
    assert notice.text == f"{campaign}: 2 sent, 4 skipped, 0 blocked, 0 failed."
    assert notice.link == f"/admin/campaigns/campaign/{campaign.pk}/change/"
    assert notices.see(user=UserFactory(), at=NOON) == []
    assert notices.see(user=starter, at=NOON) == [(notice.text, notice.link)]
    assert notices.see(user=starter, at=NOON) == []


def test_the_account_costs_the_same_for_more_people(campaign):
    enrolled(campaign, 3)
    execution = carried_out(campaign)
    run(NOON)
    settle("accepted", NOON)
    with CaptureQueriesContext(connection) as few:
        executing.counted(execution.pk)
    assert len(few) == 2


@pytest.mark.django_db(transaction=True)
def test_of_those_who_ask_at_once_one_gets_an_execution(campaign, threads):
    enrolled(campaign, 2)

    def ask() -> str:
        try:
            return carried_out(campaign).state
        except DomainError as refusal:
            return refusal.code

    assert sorted(threads(*[ask] * 4)) == ["not_executable"] * 3 + ["running"]
    assert Execution.objects.count() == 1


def test_over_http_it_answers_at_once_and_is_followed():
    SendingAccountFactory()
    caller = a_rep()
    campaign = begun(BOTH, owner=caller.user)
    enrolled(campaign, 2)
    answer = caller.post(f"/api/v1/campaigns/{campaign.pk}/execute/", {"channel": "sms"})
    assert (answer.status_code, answer.json()["state"], answer.json()["result"]) == (202, "running", None)
    assert caller.post(f"/api/v1/campaigns/{campaign.pk}/execute/", {}).status_code == 409
    run(NOON)
    settle("accepted", NOON)
    run(NOON)
    tasks.close_executions()
    said = caller.get(answer["Location"]).json()
    assert said["state"] == "done"
    assert said["result"] == {"ok": True, "sent": 2, "skipped": 4, "blocked": 0, "failed": 0}
    (notice,) = caller.get("/api/v1/notices/?unseen=yes").json()["results"]
    assert re.search("2 sent", notice["text"])
    assert caller.post("/api/v1/notices/see/", {}).json() == {"seen": 1}
    assert caller.get("/api/v1/notices/?unseen=yes").json()["results"] == []
    assert a_rep().get("/api/v1/notices/").json()["results"] == []


@pytest.mark.parametrize("told", [{"channel": "call"}, {"channel": 5}, {"chanel": "sms"}])
def test_over_http_what_is_no_channel_is_refused(told):
    caller = a_rep()
    campaign = begun(BOTH, owner=caller.user)
    assert caller.post(f"/api/v1/campaigns/{campaign.pk}/execute/", told).status_code == 400


def test_the_back_office_carries_out_and_tells(client, campaign):
    client.force_login(UserFactory(admin=True))
    enrolled(campaign)
    address = f"/admin/campaigns/campaign/{campaign.pk}"
    assert "SMS only" in client.get(f"{address}/do/execute/").content.decode()
    answer = client.post(f"{address}/do/execute/", {"channel": "email", "confirm": "yes"}, follow=True)
    (message,) = answer.context["messages"]
    assert "is being carried out: people begin now" in message.message
    assert Execution.objects.get().channel == "email"
    run(NOON)
    settle("accepted", NOON)
    run(NOON)
    tasks.close_executions()
    client.get("/admin/jsi18n/")  # what a page fetches by itself is told nothing
    assert Notice.objects.unseen().exists()
    assert "1 sent, 2 skipped" in client.get("/admin/crm/contact/", headers={"Accept": "text/html"}).content.decode()
    page = client.get(f"{address}/change/").content.decode()
    assert "Executions" in page
    assert "1 sent, 2 skipped" not in page  # it was told once
