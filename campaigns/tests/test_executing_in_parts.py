"""A campaign carried out on one channel, and the rest later; or while some wait for a place of their company."""

import pytest

from campaigns.admin.campaign_verbs import VERBS
from campaigns.models import Campaign, Enrollment, Execution, Message, SendingAccount
from campaigns.services import executing, graphs, templates
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import CampaignFactory, SendingAccountFactory
from campaigns.tests.walks import begun, enrolled, run, settle
from config.kernel import clock
from config.testing import NOON
from crm.tests.factories import CompanyFactory, ContactFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    SendingAccountFactory()
    SendingAccountFactory(channel="email")
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
