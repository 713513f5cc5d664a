"""Campaigns are made of a version, edited, seen by whom they concern, and drawn on."""

from datetime import date
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from campaigns.models import Campaign, ContentTemplate, EnrollmentStatus, Node, SendingAccount, TemplateVersion
from campaigns.rules.drawings import Drawing, DrawnNode
from campaigns.services import campaigns, drawing, graphs, handling, ownership, routes, templates
from campaigns.tests import campaigning
from campaigns.tests.campaigning import AT, GRAPH, LATER, SHORTER, in_status
from campaigns.tests.drawings import drawing as drawn
from campaigns.tests.drawings import node
from campaigns.tests.factories import CampaignFactory, HappeningFactory
from campaigns.tests.walks import enrolled, run, walk_of
from config.kernel.moments import YearOutOfRange
from config.testing import NOON
from crm.models import AuditEvent, User
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
version, account, rep = campaigning.version, campaigning.account, campaigning.rep
draft, active = campaigning.draft, campaigning.active


def drawing_of(row: Campaign) -> Drawing:
    row.refresh_from_db()
    return graphs.drawing_of(row.graph)


# Made and edited


def test_a_day_that_no_calendar_shows_is_refused(draft: Campaign, rep: User) -> None:
    with pytest.raises(YearOutOfRange) as refusal:
        campaigns.edit(row=draft, changes={"event_date": date(1, 1, 1)}, by=rep, at=AT)
    assert list(refusal.value.details) == ["event_date"]


def test_a_campaign_begins_with_a_copy_of_its_version(draft: Campaign, version: TemplateVersion, rep: User) -> None:
    assert (draft.status, draft.version, draft.owner, draft.sender) == ("draft", version, rep, None)
    assert drawing_of(draft).is_same(GRAPH)
    assert draft.graph_id != version.graph_id
    assert draft.graph.frozen_at is None
    assert campaigns.differences_of(draft) == []


def test_what_was_drawn_since_is_told_apart_from_the_version(draft: Campaign, rep: User) -> None:
    drawing.draw_graph(graph=draft.graph, drawing=SHORTER, revision=0, by=rep, at=AT)
    draft.refresh_from_db()
    found = {(each.kind, each.what, each.key) for each in campaigns.differences_of(draft)}
    assert ("removed", "node", "hello") in found
    assert graphs.drawing_of(draft.version.graph).is_same(GRAPH)  # type: ignore[union-attr]  # it has one


def test_a_name_is_taken_once_whatever_its_case(draft: Campaign, version: TemplateVersion) -> None:
    with pytest.raises(campaigns.NameTaken) as refusal:
        campaigns.create(name=" open HOUSE ", version=version, by=None, at=AT)
    assert refusal.value.details == {"name": "Taken."}


def test_an_archived_template_begins_nothing(version: TemplateVersion) -> None:
    templates.archive(row=version.template, by=None, at=AT)
    version.refresh_from_db()
    with pytest.raises(templates.IsArchived, match="take another template"):
        campaigns.create(name="Late", version=version, by=None, at=AT)


def test_what_is_changed_says_who_changed_it(draft: Campaign, rep: User) -> None:
    campaigns.edit(row=draft, changes={"event_hook": "Free lunch", "status": "active"}, by=rep, at=AT)
    draft.refresh_from_db()
    assert (draft.event_hook, draft.status) == ("Free lunch", "draft")
    assert AuditEvent.objects.filter(entity_id=draft.pk, operation="update").latest("at").actor == rep


@pytest.mark.parametrize(
    ("status", "may"),
    [
        ("draft", {"name", "event_date", "exclusive"}),
        ("active", {"name"}),
        ("paused", {"name", "event_date"}),
        ("draining", {"name"}),
        ("completed", {"name"}),
        ("archived", set()),
    ],
)
def test_what_can_be_edited_depends_on_the_status(draft, account, rep, status, may):
    row = draft if status == "draft" else in_status(campaigns.start(row=draft, by=rep, at=AT), status, rep)
    for name, value in {"name": "New", "event_date": date(2027, 1, 9), "exclusive": True}.items():
        if name in may:
            assert getattr(campaigns.edit(row=row, changes={name: value}, by=rep, at=AT), name) == value
        else:
            with pytest.raises(campaigns.WrongStatus) as refusal:
                campaigns.edit(row=row, changes={name: value}, by=rep, at=AT)
            assert set(refusal.value.details) == {name}


def test_saying_again_what_is_so_is_no_change(active: Campaign, rep: User) -> None:
    assert campaigns.edit(row=active, changes={"exclusive": False, "sender": None}, by=rep, at=AT)


def test_only_its_owner_its_sender_and_admins_change_a_campaign(version: TemplateVersion, rep: User) -> None:
    other, boss, sender = UserFactory(bdr=True), UserFactory(admin=True), UserFactory(bdr=True)
    row = campaigns.create(name="Mine", version=version, by=rep, at=AT)
    campaigns.edit(row=row, changes={"sender": sender}, by=boss, at=AT)
    for by in (rep, sender, boss, None):
        campaigns.edit(row=row, changes={"description": str(by)}, by=by, at=AT)
    verbs: list[Any] = [campaigns.start, campaigns.pause, campaigns.resume, campaigns.drain, campaigns.complete]
    for verb in [*verbs, campaigns.archive, campaigns.bring_back, campaigns.unschedule]:
        with pytest.raises(ownership.NotYours, match="not yours"):
            verb(row=row, by=other, at=AT)
    with pytest.raises(ownership.NotYours):
        campaigns.edit(row=row, changes={"name": "Theirs"}, by=other, at=AT)
    with pytest.raises(ownership.NotYours):
        campaigns.redraw(row=row, drawing=SHORTER, revision=0, by=other, at=AT)


def test_a_rep_puts_nobody_elses_name_on_a_campaign(version: TemplateVersion, rep: User) -> None:
    other = UserFactory(bdr=True)
    for said in ({"owner": other}, {"owner": None}, {"sender": other}):
        with pytest.raises(ownership.NotYours, match="Only an admin"):
            campaigns.create(name="Lent", version=version, by=rep, at=AT, **said)
    row = campaigns.create(name="Mine", version=version, by=rep, at=AT, sender=rep)
    with pytest.raises(ownership.NotYours):
        campaigns.edit(row=row, changes={"sender": other}, by=rep, at=AT)
    given = campaigns.edit(row=row, changes={"sender": other}, by=UserFactory(admin=True), at=AT)
    assert campaigns.edit(row=given, changes={"description": "Theirs"}, by=rep, at=AT).sender == other


def test_a_sender_leaves_a_campaign_and_takes_it_from_nobody(version: TemplateVersion, rep: User) -> None:
    boss, lent = UserFactory(admin=True), UserFactory(bdr=True)
    row = campaigns.create(name="Lent", version=version, by=rep, at=AT)
    campaigns.edit(row=row, changes={"sender": lent}, by=boss, at=AT)
    for owner in (lent, None):
        with pytest.raises(ownership.NotYours, match="another owner") as refusal:
            campaigns.edit(row=row, changes={"owner": owner, "sender": None}, by=lent, at=AT)
        assert list(refusal.value.details) == ["owner"]
    left = campaigns.edit(row=row, changes={"sender": None}, by=lent, at=AT)
    assert (left.owner, left.sender) == (rep, None)
    assert campaigns.edit(row=row, changes={"owner": lent}, by=boss, at=AT).owner == lent


def test_with_a_sender_only_they_its_owner_and_admins_see_it(version: TemplateVersion, rep: User) -> None:
    boss, other = UserFactory(admin=True), UserFactory(bdr=True)
    row = campaigns.create(name="Mine", version=version, by=rep, at=AT)
    assert Campaign.objects.visible_to(other).filter(pk=row.pk).exists()
    campaigns.edit(row=row, changes={"sender": rep}, by=rep, at=AT)
    assert [Campaign.objects.visible_to(who).filter(pk=row.pk).exists() for who in (rep, boss, other)] == [1, 1, 0]
    seen = [type(row.graph).objects.visible_to(who).filter(pk=row.graph_id).exists() for who in (rep, boss, other)]
    assert seen == [True, True, False]


# Drawn on


def test_only_a_draft_is_drawn_on(draft: Campaign, account: SendingAccount, rep: User) -> None:
    assert drawing_of(campaigns.redraw(row=draft, drawing=SHORTER, revision=0, by=rep, at=AT)).is_same(SHORTER)
    with pytest.raises(graphs.DrawnMeanwhile):
        drawing.draw_graph(graph=draft.graph, drawing=GRAPH, revision=0, by=rep, at=AT)
    campaigns.schedule(row=draft, starts_at=LATER, by=rep, at=AT)
    with pytest.raises(campaigns.WrongStatus, match="Unschedule it first"):
        drawing.draw_graph(graph=draft.graph, drawing=GRAPH, revision=1, by=rep, at=AT)


def test_the_graph_of_a_campaign_that_started_never_changes(active: Campaign, rep: User) -> None:
    with pytest.raises(campaigns.WrongStatus):
        campaigns.redraw(row=active, drawing=SHORTER, revision=None, by=rep, at=AT)
    active.graph.refresh_from_db()
    assert active.graph.frozen_at == AT
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        Node.objects.filter(graph=active.graph).update(name="Other")


def test_what_hinders_it_is_named_with_its_node(draft: Campaign, rep: User) -> None:
    eve = DrawnNode("eve", "wait", "", {"mode": "event", "days": -1, "time": "09:00"})
    wrong = drawn(node("hello", "sms_send"), eve, node("end", "exit"), "hello>eve", "eve>end")
    campaigns.redraw(row=draft, drawing=wrong, revision=None, by=rep, at=AT)
    assert {(fault.code, fault.node) for fault in campaigns.faults_of(draft)} == {
        ("no_sender", "hello"), ("no_event", "eve"),
    }  # fmt: skip
    SendingAccount.objects.create(name="Line", channel="sms", provider="sms", address="+15125550100")
    row = campaigns.edit(row=draft, changes={"event_date": date(2027, 1, 9)}, by=rep, at=AT)
    assert campaigns.faults_of(row) == []


def test_a_text_that_the_campaign_would_have_to_finish_is_a_fault_until_it_does(
    draft: Campaign, account: SendingAccount, rep: User
) -> None:
    ContentTemplate.objects.filter(channel="sms").update(body="At {{event.place}}, {{sender.name|us}}")
    (fault,) = campaigns.faults_of(draft)
    assert (fault.code, fault.node, "event.place: say it in the campaign" in fault.message) == (
        "unsaid_tag", draft.graph.nodes.get(type="sms_send").key, True,
    )  # fmt: skip
    assert campaigns.faults_of(campaigns.edit(row=draft, changes={"event_place": "Hall"}, by=rep, at=AT)) == []


def test_an_account_of_a_colleague_sends_for_nobody_else(draft: Campaign, account: SendingAccount, rep: User) -> None:
    SendingAccount.objects.update(user=UserFactory(bdr=True))
    assert [fault.code for fault in campaigns.faults_of(draft)] == ["no_sender"]
    SendingAccount.objects.update(user=rep)
    row = campaigns.edit(row=draft, changes={"sender": rep}, by=rep, at=AT)
    assert campaigns.faults_of(row) == []
    SendingAccount.objects.update(is_active=False)
    assert [fault.code for fault in campaigns.faults_of(row)] == ["no_sender"]


@pytest.mark.parametrize("told", ["news", "a status"])
def test_whoever_was_told_of_in_a_draft_walks_what_was_drawn_since(told: str) -> None:
    campaign = CampaignFactory(graph=graphs.new(drawn(node("old", "wait"))), status="draft", started_at=None)
    one, other = enrolled(campaign, 2)
    if told == "news":
        HappeningFactory(contact=one.contact, kind="call_outcome", data={"disposition": "Busy"})
        run(NOON)
    else:
        handling.set_status([one.pk], status=EnrollmentStatus.objects.create(name="Called", place=99), by=None, at=NOON)
    campaigns.redraw(row=campaign, drawing=drawn(node("new", "wait")), revision=None, by=None, at=NOON)
    campaigns.start(row=campaign, by=None, at=NOON)
    run(NOON)
    assert [(walk_of(walk).state, walk_of(walk).node.key) for walk in (one, other)] == [("waiting", "new")] * 2
    with CaptureQueriesContext(connection) as asked:
        routes.map_of(campaign.graph_id)
    assert len(asked) == 0, "what is frozen is not asked again"
