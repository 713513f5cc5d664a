"""The verbs that take a campaign from status to status, and who else is at it meanwhile."""

import re
import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from campaigns import tasks
from campaigns.choices import CampaignStatus
from campaigns.models import Campaign, Enrollment, SendingAccount
from campaigns.services import campaigns, starting, templates
from campaigns.tests import campaigning
from campaigns.tests.campaigning import AT, LATER, in_status
from campaigns.tests.factories import CampaignFactory
from campaigns.tests.walks import enrolled
from config.kernel import clock
from crm.models import AuditEvent, Notice, User
from crm.tests.factories import ContactFactory

pytestmark = pytest.mark.django_db
version, account, rep = campaigning.version, campaigning.account, campaigning.rep
draft, active = campaigning.draft, campaigning.active
VERBS = {
    campaigns.start: {"draft", "scheduled"}, campaigns.pause: {"active", "draining"},
    campaigns.resume: {"paused", "draining", "completed"}, campaigns.drain: {"active", "paused"},
    campaigns.complete: {"active", "paused", "draining"}, campaigns.archive: {"draft", "scheduled", "completed"},
    campaigns.bring_back: {"archived"}, campaigns.unschedule: {"scheduled"},
}  # fmt: skip


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


def test_what_is_completed_in_a_pause_has_stood_still_since_that_began(active: Campaign, rep: User) -> None:
    hour = timedelta(hours=1)
    row = campaigns.complete(row=campaigns.pause(row=active, by=rep, at=LATER), by=rep, at=LATER + hour)
    row = campaigns.resume(row=row, by=rep, at=LATER + 2 * hour)
    assert row.pauses[-1] == [LATER.isoformat(), (LATER + 2 * hour).isoformat()]
    row = campaigns.complete(row=row, by=rep, at=LATER + 3 * hour)
    row = campaigns.resume(row=row, by=rep, at=LATER + 4 * hour)
    assert row.pauses[-1] == [(LATER + 3 * hour).isoformat(), (LATER + 4 * hour).isoformat()]


def test_its_history_says_what_people_did_and_nothing_of_machinery(active: Campaign, rep: User) -> None:
    campaigns.pause(row=active, by=rep, at=LATER)
    campaigns.resume(row=active, by=rep, at=LATER)
    events = AuditEvent.objects.filter(entity_id=active.pk, operation="update")
    assert {column for one in events for column in one.new} == {"status", "started_at", "paused_at"}


@pytest.mark.parametrize(("status", "epochs"), [("paused", 1), ("completed", 1), ("draining", 0)])
def test_only_who_stood_still_is_let_go_bit_by_bit(active: Campaign, rep: User, status: str, epochs: int) -> None:
    row = campaigns.resume(row=in_status(active, status, rep), by=rep, at=LATER)
    assert (row.status, row.epoch - active.epoch, row.ended_at) == ("active", epochs, None)


def test_a_paused_campaign_that_drains_lets_its_people_go_too(active: Campaign, rep: User) -> None:
    row = campaigns.drain(row=in_status(active, "paused", rep), by=rep, at=LATER)
    assert (row.status, row.epoch, row.resumed_at) == ("draining", active.epoch + 1, LATER)


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
    (told,) = Notice.objects.filter(user=rep)
    assert told.text == f"{draft.name} did not start as it was scheduled. The graph has 1 fault: mend them first."
    assert str(draft.pk) in told.link


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


@pytest.mark.parametrize("status", ["completed", "archived"])
def test_whoever_is_in_a_campaign_that_is_over_leaves_it_and_may_be_in_another(
    active: Campaign, rep: User, status: str
) -> None:
    Campaign.objects.filter(pk=active.pk).update(exclusive=True)
    walks = enrolled(active, 3)
    other = CampaignFactory(exclusive=True)
    assert starting.to_be_left() == []
    assert starting.let_leave(campaign=active.pk, at=AT) == 0
    over = in_status(active, status, rep)
    if status == "completed":
        with pytest.raises(campaigns.WrongStatus, match="just leaving"):
            campaigns.resume(row=over, by=rep, at=LATER)
    assert starting.to_be_left() == [active.pk]
    assert [starting.let_leave(campaign=active.pk, at=LATER, size=2) for _ in range(3)] == [2, 1, 0]
    assert starting.to_be_left() == []
    told = Enrollment.objects.filter(campaign=active).values_list("state", "reason", "ended_at")
    assert set(told) == {("exited", "campaign_ended", LATER)}
    assert len(enrolled(other, [walk.contact for walk in walks])) == 3
    if status == "completed":
        assert campaigns.resume(row=over, by=rep, at=LATER).status == "active"


def test_a_campaign_that_is_over_is_emptied_by_itself(active: Campaign, rep: User) -> None:
    (walk,) = enrolled(active)
    in_status(active, "completed", rep)
    with clock.standing_at(LATER):
        tasks.take_people_in()
    walk.refresh_from_db()
    assert (walk.state, walk.reason) == ("exited", "campaign_ended")


def test_whether_somebody_is_still_in_a_campaign_is_asked_without_a_look_at_who_has_left(
    active: Campaign, rep: User
) -> None:
    enrolled(active, 60)
    Enrollment.objects.update(state="exited", ended_at=AT, wake_at=None)
    in_status(active, "completed", rep)
    enrolled(CampaignFactory(), 30)  # the next one has people who are on their way
    draining = CampaignFactory(status="draining")
    with CaptureQueriesContext(connection) as asked:
        assert (starting.to_be_left(), starting.let_leave(campaign=active.pk, at=LATER)) == ([], 0)
        assert starting.finish_drained(at=LATER) == 1
        campaigns.resume(row=active, by=rep, at=LATER)
    plans = [plan_of(one["sql"]) for one in asked if '."ended_at" IS NULL' in one["sql"]]
    assert (len(plans), draining.enrollments.count()) == (4, 0)
    for plan in plans:
        assert set(re.findall(r"campaigns_enrollment_\w+", plan)) == {"campaigns_enrollment_one_live"}, plan
        assert re.search(r"Index Cond: \(campaign_id =", plan), plan


def plan_of(sql: str) -> str:
    """As of a large table: so few rows could be found in any way."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE campaigns_enrollment, campaigns_campaign")
        for other_way in ("seqscan", "bitmapscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{other_way} = off")
        cursor.execute(f"EXPLAIN {sql}")
        return "\n".join(line for (line,) in cursor.fetchall())


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
