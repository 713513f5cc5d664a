"""The verbs of a campaign: made of a version, edited, drawn on, moved from status to status."""

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from campaigns.choices import CampaignStatus
from campaigns.models import Campaign, Enrollment, Node, SendingAccount, TemplateVersion
from campaigns.rules.drawings import Drawing, DrawnNode
from campaigns.services import campaigns, contents, drawing, graphs, starting, templates
from campaigns.tests.drawings import drawing as drawn
from campaigns.tests.drawings import node
from crm.models import AuditEvent, User
from crm.tests.factories import ContactFactory, UserFactory

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
LATER = AT + timedelta(days=1)
GRAPH = drawn(node("hello", "sms_send"), node("pause", "wait"), node("end", "exit"), "hello>pause", "pause>end")
SHORTER = drawn(node("end", "exit"))


@pytest.fixture
def version() -> TemplateVersion:
    contents.put(key="hello", channel="sms", name="Hello", body="Hello {{contact.first_name|there}}", at=AT)
    template = templates.create(name="Invitation", drawing=GRAPH, by=None, at=AT)
    return templates.publish(row=template, by=None, at=AT)


@pytest.fixture
def account() -> SendingAccount:
    return SendingAccount.objects.create(name="Line", channel="sms", provider="sms", address="+15125550100")


@pytest.fixture
def rep() -> User:
    return UserFactory(bdr=True)


@pytest.fixture
def draft(version: TemplateVersion, rep: User) -> Campaign:
    return campaigns.create(name="Open house", version=version, by=rep, at=AT)


@pytest.fixture
def active(draft: Campaign, account: SendingAccount, rep: User) -> Campaign:
    return campaigns.start(row=draft, by=rep, at=AT)


def drawing_of(row: Campaign) -> Drawing:
    row.refresh_from_db()
    return graphs.drawing_of(row.graph)


def in_status(row: Campaign, status: str, rep: User) -> Campaign:
    """Take an active campaign to ``status`` by its verbs."""
    verbs: dict[str, Any] = {
        "paused": [campaigns.pause], "draining": [campaigns.drain], "completed": [campaigns.complete],
        "archived": [campaigns.complete, campaigns.archive],
    }  # fmt: skip
    for verb in verbs.get(status, []):
        row = verb(row=row, by=rep, at=AT)
    assert row.status == status
    return row


# Made and edited


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
    with pytest.raises(campaigns.Nameless):
        campaigns.edit(row=draft, changes={"name": "  "}, by=None, at=AT)


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
        with pytest.raises(campaigns.NotYours, match="not yours"):
            verb(row=row, by=other, at=AT)
    with pytest.raises(campaigns.NotYours):
        campaigns.edit(row=row, changes={"name": "Theirs"}, by=other, at=AT)
    with pytest.raises(campaigns.NotYours):
        campaigns.redraw(row=row, drawing=SHORTER, revision=0, by=other, at=AT)


def test_a_rep_puts_nobody_elses_name_on_a_campaign(version: TemplateVersion, rep: User) -> None:
    other = UserFactory(bdr=True)
    for said in ({"owner": other}, {"owner": None}, {"sender": other}):
        with pytest.raises(campaigns.NotYours, match="Only an admin"):
            campaigns.create(name="Lent", version=version, by=rep, at=AT, **said)
    row = campaigns.create(name="Mine", version=version, by=rep, at=AT, sender=rep)
    with pytest.raises(campaigns.NotYours):
        campaigns.edit(row=row, changes={"sender": other}, by=rep, at=AT)
    given = campaigns.edit(row=row, changes={"sender": other}, by=UserFactory(admin=True), at=AT)
    assert campaigns.edit(row=given, changes={"description": "Theirs"}, by=rep, at=AT).sender == other


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


def test_an_account_of_a_colleague_sends_for_nobody_else(draft: Campaign, account: SendingAccount, rep: User) -> None:
    SendingAccount.objects.update(user=UserFactory(bdr=True))
    assert [fault.code for fault in campaigns.faults_of(draft)] == ["no_sender"]
    SendingAccount.objects.update(user=rep)
    row = campaigns.edit(row=draft, changes={"sender": rep}, by=rep, at=AT)
    assert campaigns.faults_of(row) == []
    SendingAccount.objects.update(is_active=False)
    assert [fault.code for fault in campaigns.faults_of(row)] == ["no_sender"]


# From status to status


def test_what_has_a_fault_neither_starts_nor_is_scheduled_nor_goes_on(draft, rep):
    with pytest.raises(templates.HasFaults):
        campaigns.start(row=draft, by=rep, at=AT)
    with pytest.raises(templates.HasFaults):
        campaigns.schedule(row=draft, starts_at=LATER, by=rep, at=AT)
    draft.refresh_from_db()
    assert (draft.status, draft.graph.frozen_at) == ("draft", None)
    line = SendingAccount.objects.create(name="Line", channel="sms", provider="sms", address="+15125550100")
    campaigns.pause(row=campaigns.start(row=draft, by=rep, at=AT), by=rep, at=AT)
    line.is_active = False
    line.save()
    with pytest.raises(templates.HasFaults):
        campaigns.resume(row=draft, by=rep, at=AT)


def test_a_pause_ends_with_a_new_epoch_and_the_backlog_to_let_go(active: Campaign, rep: User) -> None:
    paused = campaigns.pause(row=active, by=rep, at=LATER)
    assert (paused.status, paused.paused_at, paused.epoch) == ("paused", LATER, active.epoch)
    Campaign.objects.filter(pk=paused.pk).update(let_go_to=paused.pk)
    resumed = campaigns.resume(row=paused, by=rep, at=LATER + timedelta(hours=1))
    assert (resumed.status, resumed.epoch, resumed.let_go_to) == ("active", active.epoch + 1, None)
    assert resumed.resumed_at == LATER + timedelta(hours=1)


@pytest.mark.parametrize(("status", "epochs"), [("paused", 1), ("completed", 1), ("draining", 0)])
def test_only_who_stood_still_is_let_go_bit_by_bit(active: Campaign, rep: User, status: str, epochs: int) -> None:
    row = campaigns.resume(row=in_status(active, status, rep), by=rep, at=LATER)
    assert (row.status, row.epoch - active.epoch, row.ended_at) == ("active", epochs, None)


def test_a_paused_campaign_that_drains_lets_its_people_go_too(active: Campaign, rep: User) -> None:
    row = campaigns.drain(row=in_status(active, "paused", rep), by=rep, at=LATER)
    assert (row.status, row.epoch, row.resumed_at) == ("draining", active.epoch + 1, LATER)


VERBS = {
    campaigns.start: {"draft", "scheduled"}, campaigns.pause: {"active", "draining"},
    campaigns.resume: {"paused", "draining", "completed"}, campaigns.drain: {"active", "paused"},
    campaigns.complete: {"active", "paused", "draining"}, campaigns.archive: {"draft", "scheduled", "completed"},
    campaigns.bring_back: {"archived"}, campaigns.unschedule: {"scheduled"},
}  # fmt: skip


@pytest.mark.parametrize("verb", list(VERBS), ids=lambda verb: verb.__name__)
@pytest.mark.parametrize("status", CampaignStatus.values)
def test_every_verb_is_done_in_its_statuses_and_refused_in_all_others(draft, account, rep, verb, status):
    row = draft
    if status == "scheduled":
        row = campaigns.schedule(row=draft, starts_at=LATER, by=rep, at=AT)
    elif status != "draft":
        row = in_status(campaigns.start(row=draft, by=rep, at=AT), status, rep)
    if status in VERBS[verb]:
        verb(row=row, by=rep, at=LATER)
    else:
        with pytest.raises(campaigns.WrongStatus) as refusal:
            verb(row=row, by=rep, at=LATER)
        assert refusal.value.facts["status"] == status
        assert str(refusal.value).endswith(".")
    row.refresh_from_db()
    assert (row.status == status) is (status not in VERBS[verb])


def test_out_of_the_archive_comes_a_draft_only_if_it_never_started(draft, account, rep):
    again = campaigns.bring_back(row=campaigns.archive(row=draft, by=rep, at=AT), by=rep, at=AT)
    assert again.status == "draft"
    row = in_status(campaigns.start(row=again, by=rep, at=AT), "archived", rep)
    assert campaigns.bring_back(row=row, by=rep, at=AT).status == "completed"


def test_a_campaign_is_scheduled_for_a_time_to_come(draft: Campaign, account: SendingAccount, rep: User) -> None:
    with pytest.raises(campaigns.WrongTime) as refusal:
        campaigns.schedule(row=draft, starts_at=AT, by=rep, at=AT)
    assert set(refusal.value.details) == {"starts_at"}
    campaigns.schedule(row=draft, starts_at=LATER, by=rep, at=AT)
    assert starting.start_due(at=LATER - timedelta(seconds=1)) == 0
    assert starting.start_due(at=LATER) == 1
    assert starting.start_due(at=LATER) == 0
    draft.refresh_from_db()
    assert (draft.status, draft.started_at) == ("active", LATER)


def test_what_got_a_fault_since_it_was_scheduled_is_a_draft_again(draft, account, rep, caplog):
    campaigns.schedule(row=draft, starts_at=LATER, by=rep, at=AT)
    SendingAccount.objects.update(is_active=False)
    assert starting.start_due(at=LATER) == 0
    draft.refresh_from_db()
    assert (draft.status, draft.starts_at) == ("draft", None)
    assert "was to start and has faults: 1" in caplog.text


def test_a_drained_campaign_is_completed_when_everybody_has_left_and_not_before(draft, active, rep):
    walk = Enrollment.objects.create(
        campaign=active, graph=active.graph, contact=ContactFactory(), enrolled_at=AT, state="paused"
    )
    assert starting.finish_drained(at=AT) == 0
    campaigns.drain(row=active, by=rep, at=AT)
    assert starting.finish_drained(at=LATER) == 0
    Enrollment.objects.filter(pk=walk.pk).update(state="exited", ended_at=AT)
    assert starting.finish_drained(at=LATER) == 1
    active.refresh_from_db()
    assert (active.status, active.ended_at) == ("completed", LATER)
    assert starting.finish_drained(at=LATER) == 0


def test_a_campaign_is_never_deleted(draft: Campaign) -> None:
    with pytest.raises(DatabaseError, match="Archive it"), transaction.atomic():
        draft.delete()


def test_the_database_knows_the_ways_too(draft: Campaign) -> None:
    with pytest.raises(DatabaseError, match="never goes from draft to paused"), transaction.atomic():
        Campaign.objects.filter(pk=draft.pk).update(status="paused", paused_at=AT)


@pytest.mark.django_db(transaction=True)
def test_a_pause_waits_for_whoever_moves_people_and_keeps_the_next_one_out(active: Campaign, rep: User) -> None:
    """An engine's batch holds the campaign FOR SHARE: a pause is committed before it, or after it, never meanwhile."""
    holds, may_go, order = threading.Event(), threading.Event(), []

    def batch() -> None:
        with transaction.atomic():
            Campaign.objects.raw("SELECT id FROM campaigns_campaign WHERE id = %s FOR SHARE", [active.pk])[0]
            holds.set()
            may_go.wait(10)
            order.append("batch")
        connection.close()

    def pause() -> None:
        campaigns.pause(row=active, by=rep, at=LATER)
        order.append("pause")
        connection.close()

    threads = [threading.Thread(target=batch), threading.Thread(target=pause)]
    threads[0].start()
    assert holds.wait(10)
    threads[1].start()
    threads[1].join(0.3)
    assert threads[1].is_alive()
    may_go.set()
    for thread in threads:
        thread.join(10)
    assert order == ["batch", "pause"]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_resume_at_once_one_is_told_that_it_runs(active: Campaign, rep: User) -> None:
    paused = campaigns.pause(row=active, by=rep, at=LATER)
    holds, may_go, told = threading.Event(), threading.Event(), []

    def first() -> None:
        with transaction.atomic():
            campaigns.resume(row=paused, by=rep, at=LATER)
            holds.set()
            may_go.wait(10)
        connection.close()

    def second() -> None:
        try:
            campaigns.resume(row=paused, by=rep, at=LATER)
        except campaigns.WrongStatus as refusal:
            told.append(refusal.facts["status"])
        connection.close()

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert holds.wait(10)
    threads[1].start()
    threads[1].join(0.3)
    may_go.set()
    for thread in threads:
        thread.join(10)
    paused.refresh_from_db()
    assert (told, paused.epoch) == (["active"], active.epoch + 1)
