"""Campaigns that people walk through, for tests: drawn, enrolled, begun, and moved by the engine at a moment."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from campaigns.choices import SETTLED, CampaignStatus
from campaigns.models import Campaign, ContentTemplate, Enrollment, EnrollmentEvent, EnrollmentStatus, Message
from campaigns.rules.drawings import Drawing
from campaigns.rules.history import replay
from campaigns.services import enrolling, graphs, letting_go
from campaigns.services.engine import running
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import CampaignFactory
from config.kernel import clock
from config.testing import NOON
from crm.models import Contact
from crm.tests.factories import ContactFactory

FUNNEL = drawing(
    node("begin", "stage", status="No Activity"), node("sms", "sms_send"), node("wait", "wait"),
    node("ask", "wait_for"), node("bdr", "stage", status="Needs BDR"), node("end", "exit", reason="Silent"),
    "begin>sms", "sms>wait", "wait>ask", "ask:happened>bdr", "ask:timeout>end",
)  # fmt: skip


def begun(drawn: Drawing, *, at: datetime = NOON, **fields: Any) -> Campaign:
    """Return a campaign that runs ``drawn``, with the contents and statuses that graphs for tests name."""
    ContentTemplate.objects.get_or_create(
        key="hello", channel="sms", name="Hello", body="Hi {{contact.first_name|there}}"
    )
    ContentTemplate.objects.get_or_create(
        key="mail", channel="email", name="Mail", subject="Hello", body="Dear you: https://clearline.example/"
    )
    for place, name in enumerate(("No Activity", "Needs BDR"), start=1):
        EnrollmentStatus.objects.get_or_create(name=name, defaults={"place": place})
    with clock.standing_at(at):
        campaign: Campaign = CampaignFactory(graph=graphs.new(drawn, frozen_at=at), started_at=at, **fields)
    return campaign


def enrolled(campaign: Campaign, contacts: int | Iterable[Contact] = 1, *, at: datetime = NOON) -> list[Enrollment]:
    """Enrol these, or as many made up ones, and return their walks in the order of the contacts."""
    who = ContactFactory.create_batch(contacts) if isinstance(contacts, int) else list(contacts)
    audience = {"contacts": [str(contact.pk) for contact in who]}
    run = enrolling.begin(campaign=campaign, audience=audience, by=None, at=at)
    while enrolling.take(run.pk, at=at):
        pass
    return list(Enrollment.objects.filter(run=run).order_by("contact_id"))


def run(at: datetime) -> int:
    """Let backlogs go and the engine do what is due at ``at``."""
    for campaign in letting_go.unfinished():
        while letting_go.let_go(campaign=campaign, at=at):
            pass
    return running.run(at=at)[0]


def settle(state: str, at: datetime, messages: Iterable[Message] | None = None, **said: Any) -> None:
    """Let this have become of messages, by default of all that wait."""
    rows = (
        Message.objects.filter(pk__in=[m.pk for m in messages]) if messages else Message.objects.filter(state="pending")
    )
    sent = state not in {"blocked", "cancelled", "expired"}
    ways = ["claimed", "dispatching", state] if sent else [state]
    ids = list(rows.values_list("pk", flat=True))
    for way in ways:
        Message.objects.filter(pk__in=ids).update(state=way, ever_dispatched=sent and way != "claimed")
    Message.objects.filter(pk__in=ids).update(settled_at=at if state in SETTLED else None, **said)


def paused(campaign: Campaign, at: datetime) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(status=CampaignStatus.PAUSED, paused_at=at)


def resumed(campaign: Campaign, at: datetime) -> None:
    campaign.refresh_from_db()
    letting_go.begin_epoch(campaign, since=campaign.paused_at or at, at=at)
    campaign.status = CampaignStatus.ACTIVE
    campaign.save()


def walk_of(walk: Enrollment) -> Enrollment:
    return Enrollment.objects.get(pk=walk.pk)


def assert_replays(walk: Enrollment) -> None:
    """What the history of ``walk`` says is what its row says."""
    walk = walk_of(walk)
    told = replay(EnrollmentEvent.objects.filter(enrollment=walk).order_by("id"))
    status = walk.status.name if walk.status else ""
    assert (told.state, told.node, told.visit, told.status, told.stage, told.reason) == (
        walk.state, walk.node_id, walk.visit, status, walk.stage, walk.reason,
    )  # fmt: skip
