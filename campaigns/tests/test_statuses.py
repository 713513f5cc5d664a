"""What may be said of somebody in a campaign: in which order, under which name, and what whoever begins has."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError, transaction

from campaigns.models import Campaign, EnrollmentStatus
from campaigns.rules.drawings import DrawnNode
from campaigns.services import campaigns, goals, graphs, handling, statuses, templates
from campaigns.tests import campaigning
from campaigns.tests.campaigning import AT
from campaigns.tests.drawings import drawing, edge, node
from campaigns.tests.walks import begun, enrolled
from config.tests.clients import admin as an_admin
from crm.models import AuditEvent, User
from crm.tests.backoffice import form_of, page_url, signed_in
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
version, account, rep, draft = campaigning.version, campaigning.account, campaigning.rep, campaigning.draft
active = campaigning.active


def said(**fields) -> EnrollmentStatus:
    return statuses.put(at=AT, **fields)[0]


def in_order() -> list[str]:
    return list(EnrollmentStatus.objects.values_list("name", flat=True))


def test_a_new_status_comes_last_wherever_it_is_added():
    last, boss = in_order()[-1], signed_in(UserFactory(admin=True))
    said(name="By a program")
    assert an_admin().send("post", "enrollment-statuses/", {"name": "Over the API"})[0] == 201
    boss.post("/admin/campaigns/enrollmentstatus/add/", {"name": "In the back office", "place": "", "is_active": "on"})
    assert in_order()[-4:] == [last, "By a program", "Over the API", "In the back office"]
    assert statuses.first().name == "No Activity"
    said(name="First of all", place=1)
    assert statuses.first().name == "First of all"


def test_a_status_without_a_place_comes_last():
    row = EnrollmentStatus.objects.first()
    form = form_of(boss := signed_in(UserFactory(admin=True)), f"{page_url(row)}?tab=edit")
    boss.post(page_url(row), {**form, "place": ""})
    assert in_order()[-1] == row.name


def test_there_is_always_a_last_place_and_whoever_makes_room_for_it_keeps_the_order():
    before, boss = in_order(), UserFactory(admin=True)
    said(name="Zeta", place=statuses.FARTHEST)
    said(name="Yet farther", place=statuses.FARTHEST)
    assert statuses.put(name="Alpha", by=boss, at=AT)[0].place <= statuses.FARTHEST
    assert in_order() == [*before, "Yet farther", "Zeta", "Alpha"]
    assert statuses.first().name == before[0]
    statuses.edit(row=EnrollmentStatus.objects.get(name="Zeta"), changes={"place": None}, by=boss, at=AT)
    assert in_order()[-2:] == ["Alpha", "Zeta"]
    assert {event.actor_id for event in AuditEvent.objects.filter(operation="update", new__has_key="place")} == {
        boss.pk
    }


def test_the_form_says_what_whoever_begins_gets():
    page = signed_in(UserFactory(admin=True)).get("/admin/campaigns/enrollmentstatus/add/").content.decode()
    assert "Whoever begins gets the status in use with the smallest place. Empty: the last." in page


@pytest.mark.parametrize("name", ["No Activity", "no activity", " NO  ACTIVITY ", "No\tactivity"])
def test_neither_case_nor_white_space_makes_another_status(name):
    before, api, boss = in_order(), an_admin(), signed_in(UserFactory(admin=True))
    assert api.send("post", "enrollment-statuses/", {"name": name})[0] == 200
    said(name=name, place=None)
    boss.post("/admin/campaigns/enrollmentstatus/add/", {"name": name, "place": "", "is_active": "on"})
    assert in_order() == before  # it stays as it is written, and where it is
    assert said(name=name, place=7).place == 7

    with pytest.raises(statuses.Taken) as refusal:
        statuses.edit(row=said(name="Fresh"), changes={"name": name}, by=None, at=AT)
    assert refusal.value.details == {"name": "Taken."}


def test_the_database_knows_that_case_makes_no_other_status():
    with pytest.raises(IntegrityError, match="one_per_name"), transaction.atomic():
        EnrollmentStatus.objects.create(name="no activity", place=1)


def test_a_status_is_found_in_whatever_case():
    for name in ("Contacted", "contacted", "CONTACTED"):
        _, said = an_admin().send("get", f"enrollment-statuses/?name={name}")
        assert [row["name"] for row in said["results"]] == ["Contacted"], name


def test_a_stage_whose_status_is_switched_off_says_to_switch_it_on(draft: Campaign, rep: User) -> None:
    campaigns.redraw(row=draft, drawing=drawing(node("bdr", "stage"), node("end", "exit"), "bdr>end"), revision=None,
                     by=rep, at=AT)  # fmt: skip
    draft.refresh_from_db()
    EnrollmentStatus.objects.filter(name="Needs BDR").update(is_active=False)
    (fault,) = campaigns.faults_of(draft)
    assert (fault.code, fault.node, fault.field) == ("status_off", "bdr", "status")
    assert fault.message == "The status 'Needs BDR' is switched off: switch it on, or choose another."


def test_only_what_is_taken_is_called_taken() -> None:
    statuses.put(name="Contacted twice", at=AT)
    other, _ = statuses.put(name="Contacted", at=AT)
    with pytest.raises(statuses.Taken):
        statuses.edit(row=other, changes={"name": "Contacted twice"}, by=None, at=AT)
    with pytest.raises(IntegrityError, match="place"):
        statuses.edit(row=other, changes={"place": -1}, by=None, at=AT)


def test_a_status_that_graphs_or_histories_name_keeps_its_name():
    drawn = drawing(node("ask", "branch"), node("call", "stage", status="To call"), "ask:else>call",
                    edge("ask:met>call", fact="enrollment.status", value="Met", **{"is": "equal"}))  # fmt: skip
    for name in ("To call", "Met", "Had"):
        statuses.put(name=name, at=AT)
    (walk,) = enrolled(begun(drawn))
    handling.set_status([walk.pk], status=EnrollmentStatus.objects.get(name="Had"), by=None, at=AT)
    for name in ("To call", "Met", "Had"):
        row = EnrollmentStatus.objects.get(name=name)
        with pytest.raises(statuses.InUse, match=f"{name} is named by graphs"):
            statuses.edit(row=row, changes={"name": "Other"}, by=None, at=AT)
        assert statuses.edit(row=row, changes={"name": name, "place": 7}, by=None, at=AT).place == 7
    fresh, _ = statuses.put(name="Frehs", at=AT)
    assert statuses.edit(row=fresh, changes={"name": "Fresh"}, by=None, at=AT).name == "Fresh"


NAMED = 'Met "on site" \\ once'
STATUS = {"fact": "enrollment.status", "is": "equal", "value": NAMED}


def drawn_with(*nodes: DrawnNode, **condition) -> None:
    """Keep a draft with these nodes, and a branch that asks this; whether that makes sense is not asked of a draft."""
    parts = [node("ask", "branch"), node("end", "exit"), *nodes]
    graphs.new(drawing(*parts, edge("ask:met>end", **condition)))


@pytest.mark.parametrize("condition", [
    STATUS, {**STATUS, "value": NAMED.upper()}, {**STATUS, "value": f" {NAMED}\t"}, {"all": [{"any": [STATUS]}]},
    {**STATUS, "is": "among", "value": ["Others", NAMED]}, {**STATUS, "is": "other"}, {**STATUS, "is": "contains"},
    {"any": [7, {"all": "x"}, STATUS]},
], ids=str)  # fmt: skip
def test_a_status_that_a_condition_names_keeps_its_name(condition):
    row = said(name=NAMED)
    drawn_with(**condition)
    with pytest.raises(statuses.InUse):
        statuses.edit(row=row, changes={"name": "Other"}, by=None, at=AT)


@pytest.mark.parametrize("told", [NAMED, f" {NAMED}\n"])
def test_a_status_that_a_stage_names_keeps_its_name(told):
    row = said(name=NAMED)
    drawn_with(node("stage", "stage", status=told))
    with pytest.raises(statuses.InUse):
        statuses.edit(row=row, changes={"name": "Other"}, by=None, at=AT)


@pytest.mark.parametrize("name", ["fact", "value", "equal", "Site", "Owner", "enrollment.status", "Called"])
def test_a_status_that_nothing_names_is_renamed_whatever_else_graphs_say(name):
    row = said(name=name)
    title = {"fact": "contact.title", "is": "equal", "value": "Owner"}
    drawn_with(node("call", "stage", status="Called twice"), all=[STATUS, title])
    drawn_with(node("other", "stage", status=["Called"]), **{**STATUS, "value": {"Called": "Called"}})
    assert statuses.edit(row=row, changes={"name": "Fresh"}, by=None, at=AT).name == "Fresh"


def test_what_whoever_begins_has_is_refused_as_a_goal(draft: Campaign, active: Campaign, rep: User) -> None:
    for row in (draft, active):
        with pytest.raises(goals.ReachedAtOnce) as refusal:
            campaigns.edit(row=row, changes={"goal": statuses.first()}, by=rep, at=AT)
        assert refusal.value.details["goal"].startswith("Whoever begins has the status No Activity")
    with pytest.raises(goals.ReachedAtOnce):
        campaigns.create(name="Another", version=draft.version, by=rep, at=AT, goal=statuses.first())
    goal = EnrollmentStatus.objects.get(name="Attended")
    assert campaigns.edit(row=draft, changes={"goal": goal}, by=rep, at=AT).goal == goal


def test_a_goal_that_everybody_begins_with_by_now_is_a_fault_of_the_campaign(draft, account, rep):
    goal = said(name="Coming")
    campaigns.edit(row=draft, changes={"goal": goal}, by=rep, at=AT)
    assert campaigns.faults_of(draft) == []
    statuses.edit(row=goal, changes={"place": 0}, by=None, at=AT)
    draft.refresh_from_db()
    (fault,) = campaigns.faults_of(draft)
    assert (fault.code, fault.field) == ("reached_at_once", "goal")
    assert "Coming" in fault.message
    with pytest.raises(templates.HasFaults):
        campaigns.schedule(row=draft, starts_at=AT + timedelta(days=1), by=rep, at=AT)
    campaigns.edit(row=draft, changes={"name": "The goal stays"}, by=rep, at=AT)


def test_a_goal_that_nobody_gets_any_more_is_a_fault_of_the_campaign_and_refused_as_one(draft, account, rep):
    with pytest.raises(goals.GoalNotInUse, match="Nobody gets the status Gone any more"):
        campaigns.edit(row=draft, changes={"goal": said(name="Gone", is_active=False)}, by=rep, at=AT)
    draft.refresh_from_db()
    goal = said(name="Coming")
    campaigns.edit(row=draft, changes={"goal": goal}, by=rep, at=AT)
    statuses.edit(row=goal, changes={"is_active": False}, by=None, at=AT)
    draft.refresh_from_db()
    (fault,) = campaigns.faults_of(draft)
    assert (fault.code, fault.field) == ("goal_not_in_use", "goal")
    with pytest.raises(templates.HasFaults):
        campaigns.start(row=draft, by=rep, at=AT)


@pytest.mark.parametrize("need", ["goal", "stage"])
def test_a_status_that_a_campaign_that_has_begun_needs_stays_in_use(request, rep, need):
    row = said(name="Coming")
    if need == "goal":
        active = campaigns.edit(row=request.getfixturevalue("active"), changes={"goal": row}, by=rep, at=AT)
    else:
        active = begun(drawing(node("call", "stage", status=" Coming "), node("wait", "wait"), "call>wait"))
        drawn_with(node("other", "stage", status="Going"))  # of a draft
    with pytest.raises(statuses.StillGiven) as refusal:
        statuses.edit(row=row, changes={"is_active": False}, by=None, at=AT)
    assert refusal.value.details == {"is_active": "Campaigns need it."}
    assert not statuses.edit(row=said(name="Going"), changes={"is_active": False}, by=None, at=AT).is_active

    Campaign.objects.filter(pk=active.pk).update(status="completed", ended_at=AT)
    row.refresh_from_db()

    assert not statuses.edit(row=row, changes={"is_active": False}, by=None, at=AT).is_active


@pytest.mark.parametrize("way", ["edited", "added", "the first goes"])
def test_what_is_the_goal_of_a_campaign_that_has_begun_does_not_become_what_everybody_begins_with(active, rep, way):
    goal, no_activity = said(name="Coming", place=15), statuses.first()
    campaigns.edit(row=active, changes={"goal": goal}, by=rep, at=AT)
    ways = {
        "edited": partial(statuses.edit, row=goal, changes={"place": 0}, by=None, at=AT),
        "added": partial(said, name=" Coming ", place=0),
        "the first goes": partial(statuses.edit, row=no_activity, changes={"is_active": False}, by=None, at=AT),
    }
    with pytest.raises(statuses.IsGoal, match="the status Coming, which is the goal"):
        ways[way]()
    assert statuses.first() == no_activity
