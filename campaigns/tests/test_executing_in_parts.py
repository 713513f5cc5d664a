"""A campaign carried out on one channel, and the rest later; or while some wait for a place of their company."""

from datetime import timedelta

import pytest

from campaigns.admin import campaign_page
from campaigns.admin.campaign_verbs import VERBS
from campaigns.models import Campaign, Enrollment, Execution, Message, SendingAccount
from campaigns.services import campaigns, executing, graphs, handling, templates
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import CampaignFactory, SendingAccountFactory
from campaigns.tests.walks import begun, enrolled, run, settle
from config.kernel import clock
from config.testing import NOON
from config.tests.clients import admin as an_admin
from crm.models import Notice
from crm.tests.factories import CompanyFactory, ContactFactory, UserFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def senders():
    for channel in ("sms", "email"):
        SendingAccountFactory(channel=channel)


@pytest.fixture
def campaign() -> Campaign:
    return begun(
        drawing(node("sms", "sms_send"), node("mail", "email_send", content="mail"), node("end", "exit"),
                "sms>mail", "mail>end")
    )  # fmt: skip


def carried_out(campaign: Campaign, channel: str = "") -> Execution:
    return executing.begin(campaign=campaign, channel=channel, by=None, at=NOON)


def result_of(execution: Execution) -> dict[str, int]:
    execution.refresh_from_db()
    return executing.result(execution)


def test_behind_an_execution_on_one_channel_the_way_back_to_the_whole_graph_is_open(campaign):
    """Also while nobody waits: it is over at once, and whoever is enrolled then walks the whole graph."""
    enrolled(campaign)
    on_one = carried_out(campaign, "sms")
    run(NOON)
    settle("accepted", NOON)
    run(NOON)
    assert executing.look(on_one.pk, at=NOON)
    with pytest.raises(executing.NotExecutable, match="Nobody waits"):
        carried_out(campaign, "sms")
    whole = carried_out(campaign)
    assert executing.look(whole.pk, at=NOON)
    assert (executing.is_ok(Execution.objects.get(pk=whole.pk)), set(result_of(whole).values())) == (True, {0})
    with pytest.raises(executing.NotExecutable, match="Nobody waits"):
        carried_out(campaign)
    (later,) = enrolled(campaign)
    run(NOON)
    settle("accepted", NOON)
    run(NOON)
    assert set(Message.objects.filter(enrollment=later).values_list("channel", flat=True)) == {"sms", "email"}


def test_whoever_waits_for_a_place_of_their_company_keeps_no_execution_open():
    campaign = begun(drawing(node("sms", "sms_send"), node("wait", "wait"), "sms>wait"), company_limit=1)
    enrolled(campaign, ContactFactory.create_batch(2, company=CompanyFactory()))
    execution = carried_out(campaign)
    assert not executing.look(execution.pk, at=NOON)
    run(NOON)
    assert not executing.look(execution.pk, at=NOON)
    settle("accepted", NOON)
    run(NOON)
    Campaign.objects.update(places_given_to=campaign.pk)  # somebody has one that is not theirs yet
    assert not executing.look(execution.pk, at=NOON)
    Campaign.objects.update(places_given_to=None)
    assert executing.look(execution.pk, at=NOON)
    assert result_of(execution)["sent"] == 1
    assert Enrollment.objects.filter(state="pending").exists()


def test_whoever_waits_for_the_pace_keeps_no_execution_open():
    campaign = begun(drawing(node("sms", "sms_send"), node("wait", "wait"), "sms>wait"), starts_per_day=2)
    enrolled(campaign, 5)
    execution = carried_out(campaign)
    assert not executing.look(execution.pk, at=NOON)  # somebody begins now
    run(NOON)
    assert not executing.look(execution.pk, at=NOON)
    settle("accepted", NOON)
    run(NOON)
    assert executing.look(execution.pk, at=NOON)
    assert result_of(execution)["sent"] == 1
    execution.refresh_from_db()
    again = carried_out(campaign, "sms")
    assert executing.is_ok(execution)
    assert executing.look(again.pk, at=NOON)
    again.refresh_from_db()
    assert (executing.is_ok(again), again.waiting) == (False, 4)  # nobody was carried along
    run(NOON + DAY)
    assert set(Message.objects.filter(state="pending").values_list("enrollment__execution", flat=True)) == {again.pk}


@pytest.mark.parametrize("rule", [{"company_limit": 1}, {"starts_per_day": 2}])
def test_who_had_still_to_begin_is_told_beside_the_result(rule):
    boss = an_admin()
    campaign = begun(drawing(node("sms", "sms_send"), node("wait", "wait"), "sms>wait"), **rule)
    enrolled(campaign, ContactFactory.create_batch(5, company=CompanyFactory()))
    execution = executing.begin(campaign=campaign, channel="", by=boss.user, at=NOON)
    run(NOON)
    settle("accepted", NOON)
    run(NOON)
    executing.look(execution.pk, at=NOON)
    _, said = boss.send("get", f"executions/{execution.pk}/")
    assert (said["state"], said["waiting"]) == ("done", 4)
    assert said["result"] == {"ok": True, "sent": 1, "skipped": 0, "blocked": 0, "failed": 0}
    assert Notice.objects.get().text.endswith(
        "1 sent, 0 skipped, 0 blocked, 0 failed. 4 still wait to begin or to go on."
    )
    (shown,) = (one for one in campaign_page.sections(campaign) if one.title == "Executions")
    assert [shown.headers[-1], str(shown.rows[0][-1])] == ["Waiting", "4"]


def test_on_one_channel_who_sends_on_another_is_no_matter(client, campaign):
    draft = CampaignFactory(graph=graphs.new(graphs.drawing_of(campaign.graph)), status="draft", started_at=None)
    enrolled(draft)
    SendingAccount.objects.filter(channel="sms").update(is_active=False)
    for channel in ("", "sms"):
        with pytest.raises(templates.HasFaults) as refused:
            carried_out(draft, channel)
        assert [fault.code for fault in refused.value.faults] == ["no_sender"]
    client.force_login(admin := UserFactory(admin=True))
    (offered,) = (verb for verb in VERBS if verb.name == "execute")
    assert offered.hindrance(draft, admin) == ""
    with clock.standing_at(NOON):
        client.post(f"/admin/campaigns/campaign/{draft.pk}/do/execute/", {"channel": "email", "confirm": "yes"})
    run(NOON)
    assert Message.objects.get().channel == "email"


class TestWithoutAnybodyWhoSendsEmail:
    @pytest.fixture(autouse=True)
    def nobody_sends_email(self, campaign):
        SendingAccount.objects.filter(channel="email").update(is_active=False)

    def paused_and_resumed(self, campaign):
        """Return what is in the way of that, each by its node."""
        try:
            campaigns.resume(row=campaigns.pause(row=campaign, by=None, at=NOON), by=None, at=NOON)
        except templates.HasFaults as refused:
            return [(fault.code, fault.node) for fault in refused.faults]
        return []

    def is_over(self, execution):
        run(NOON)
        settle("accepted", NOON)
        run(NOON)
        return executing.look(execution.pk, at=NOON)

    @pytest.mark.parametrize("status", ["paused", "completed"])
    def test_what_is_carried_out_by_text_alone_goes_on(self, campaign, client, status):
        enrolled(campaign)
        carried_out(campaign, "sms")
        run(NOON)
        enrolled(campaign)  # who begins as the others have
        if status == "paused":
            assert self.paused_and_resumed(campaign) == []
            campaigns.pause(row=campaign, by=None, at=NOON)
        else:
            handling.leave(Enrollment.objects.values_list("pk", flat=True), reason="Moved away", by=None, at=NOON)
            campaigns.complete(row=campaign, by=None, at=NOON)
        client.force_login(UserFactory(admin=True))
        client.post(f"/admin/campaigns/campaign/{campaign.pk}/do/resume/", {"confirm": "yes"})
        assert Campaign.objects.get().status == "active"

    @pytest.mark.parametrize("walks", [True, False])
    def test_what_somebody_walks_as_a_whole_does_not(self, campaign, walks):
        """Whoever began before anything was carried out walks it so, whatever was asked for since."""
        (walk,) = enrolled(campaign)
        run(NOON)
        enrolled(campaign)
        assert self.is_over(carried_out(campaign, "sms"))
        if not walks:
            handling.leave([walk.pk], reason="Moved away", by=None, at=NOON)
        assert self.paused_and_resumed(campaign) == ([("no_sender", "mail")] if walks else [])

    @pytest.mark.parametrize("channel", ["", "email"])
    def test_what_runs_is_carried_out_on_no_channel_on_which_nobody_sends(self, campaign, channel):
        enrolled(campaign)
        assert self.is_over(carried_out(campaign, "sms"))
        enrolled(campaign)
        with pytest.raises(templates.HasFaults) as refused:
            carried_out(campaign, channel)
        assert [fault.code for fault in refused.value.faults] == ["no_sender"]
        assert carried_out(campaign, "sms").channel == "sms"
