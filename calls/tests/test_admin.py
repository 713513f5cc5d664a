"""The back office of calls: what happened is never changed, and what was said about it is corrected by services."""

from datetime import date, timedelta

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from calls.choices import EventKind, Scope
from calls.models import CallEvent, CallingHours, CallingPolicy, CallSession, Disposition, Lease, TerminalSession
from calls.services import leasing, outcomes, terminal, waterfalls
from calls.tests.factories import (
    CallSessionFactory,
    DispositionFactory,
    LeaseFactory,
    TerminalSessionFactory,
    callable_pair,
)
from config.kernel import clock
from config.kernel.admin.base import ClearlineAdmin
from config.testing import NOON
from crm.models import GateDecision, Touch, User
from crm.tests.backoffice import ask, form_of, list_url, model, page_url, signed_in
from crm.tests.factories import ContactFactory, ProjectFactory, TouchFactory, UserFactory

LABELS = sorted(one._meta.label_lower for one in admin.site._registry if one._meta.app_label == "calls")
SERVICE_OWNED = ["calls.callsession", "calls.lease", "calls.callinghours"]


@pytest.fixture(autouse=True)
def noon():
    """A Tuesday at noon; what a board remembers of another test is forgotten."""
    cache.clear()
    with clock.standing_at(NOON):
        yield


@pytest.fixture
def boss(db) -> Client:
    return signed_in(UserFactory(admin=True, name="Ada Admin"))


@pytest.fixture
def rep(db) -> User:
    return UserFactory(bdr=True, name="Rae Rep")


def fill(number: int) -> None:
    """So many more rows of every kind."""
    for _ in range(number):
        call = CallSessionFactory(pair=callable_pair())
        event = outcomes.conclude(session=call, disposition=DispositionFactory(), by=call.rep, at=NOON)
        TerminalSessionFactory(pair=call.pair, cause=event, by=call.rep)
        TerminalSessionFactory(scope=Scope.PROJECT, project=call.project, until=NOON + timedelta(days=3))
        LeaseFactory()
        CallingPolicy.objects.create(project=ProjectFactory(), day_cap=2)


def test_every_empty_list_opens(boss, subtests):
    for label in LABELS:
        with subtests.test(label):
            assert boss.get(list_url(label)).status_code == 200


def test_every_kind_of_row_is_listed_and_has_its_page(boss, subtests):
    fill(30)

    for label in LABELS:
        with subtests.test(label):
            assert boss.get(list_url(label)).status_code == 200
            assert boss.get(page_url(model(label)._default_manager.latest("pk"))).status_code == 200


def test_a_list_costs_the_same_queries_however_many_rows_it_shows(
    boss, subtests, monkeypatch, django_assert_max_num_queries
):
    monkeypatch.setattr(ClearlineAdmin, "list_per_page", 1000)
    costs = {label: [] for label in LABELS}
    for number in (3, 27):
        fill(number)
        for label in LABELS:
            with django_assert_max_num_queries(30) as queries:
                boss.get(list_url(label))
            costs[label].append(len(queries))

    for label, (few, many) in costs.items():
        with subtests.test(label):
            assert few == many


def test_what_a_service_owns_cannot_be_written_by_hand(boss, subtests):
    fill(1)

    for label in SERVICE_OWNED:
        with subtests.test(label):
            assert boss.get(reverse(f"admin:{label.replace('.', '_')}_add")).status_code == 403
            assert boss.post(page_url(model(label)._default_manager.first()), {}).status_code == 403


def test_nothing_is_deleted_here_not_even_by_an_admin(boss, subtests):
    fill(1)

    for label in LABELS:
        with subtests.test(label):
            row = model(label)._default_manager.first()
            delete = reverse(f"admin:{label.replace('.', '_')}_delete", args=[row.pk])
            assert boss.post(delete, {"post": "yes"}).status_code == 403


def test_a_rep_sees_calls_of_people_they_see_and_their_own(rep):
    other = UserFactory(bdr=True)
    hidden = CallSessionFactory(pair=callable_pair(contact=_person("Hidden Person", owner=other)), rep=other)
    free = CallSessionFactory(pair=callable_pair(contact=_person("Free Person")), rep=other)
    mine = CallSessionFactory(pair=callable_pair(contact=_person("Called By Me", owner=other)), rep=rep)
    client = signed_in(rep)

    codes = [client.get(page_url(call)).status_code for call in (hidden, free, mine)]
    listed = client.get("/admin/calls/callsession/").content.decode()

    assert codes == [404, 200, 200]
    assert "Hidden Person" not in listed
    assert "Free Person" in listed
    assert "Called By Me" not in listed  # the call is theirs to see, the person is not


def _person(name: str, **fields):
    return ContactFactory(name=name, phone=f"+1512555{1000 + len(name) * 7 + ord(name[0]):04}", **fields)


def test_a_rep_sees_their_own_lease_only(rep):
    mine, other = LeaseFactory(user=rep), LeaseFactory()
    client = signed_in(rep)

    assert client.get("/admin/calls/lease/").context["cl"].result_list == [mine]
    assert client.get(page_url(other)).status_code == 404
    assert client.get(f"/admin/calls/lease/{mine.pk}/do/release/").status_code == 403


# Pages


def test_the_page_of_a_person_says_whether_they_can_be_called_and_why_not(boss):
    pair = callable_pair()
    url = f"/admin/calls/callsession/explain_contact/{pair.contact_id}/"

    free = boss.get(url).content.decode()
    TouchFactory(contact=pair.contact, at=NOON - timedelta(hours=1))
    busy = boss.get(url).content.decode()

    assert "Can be called now" in free
    assert "0 of 3 times" in free
    assert "Cannot be called now" in busy
    assert "Called a short while ago" in busy
    assert "1 of 3 times" in busy


def test_a_pair_is_explained_with_the_colleague_who_has_it(boss):
    pair = callable_pair()
    leasing.take(pair=pair, user=UserFactory(bdr=True, name="Sol Sales"), at=NOON)

    said = boss.get(f"/admin/calls/callsession/explain_pair/{pair.pk}/").content.decode()

    assert "A colleague is with them" in said
    assert "Sol Sales has it" in said


def test_panels_show_a_rep_nothing_that_is_not_theirs(rep):
    pair = callable_pair(contact=_person("Hidden Person", owner=UserFactory(bdr=True)))
    client, base = signed_in(rep), "/admin/calls/callsession"
    secret = ProjectFactory(owner=UserFactory(bdr=True))

    hidden = [
        f"{base}/explain_contact/{pair.contact_id}/",
        f"{base}/explain_pair/{pair.pk}/",
        f"{base}/waterfall/{secret.pk}/",
    ]

    assert [client.get(url).status_code for url in hidden] == [404, 404, 404]


def test_the_waterfall_of_a_project_is_asked_for_and_shown_once_it_is_counted(boss):
    pair = callable_pair()
    url = f"/admin/calls/callsession/waterfall/{pair.project_id}/"

    before = boss.get(url).content.decode()
    waterfalls.count_all(at=NOON)
    after = boss.get(url).content.decode()

    assert "A worker will count it" in before
    assert "In a project" in after
    assert "Callable now" in after


def test_a_call_shows_its_events_its_receipt_and_what_it_caused(boss, rep):
    pair = callable_pair()
    lease = leasing.take(pair=pair, user=rep, at=NOON)
    call = CallSessionFactory(pair=pair, rep=rep, decision_id=lease.decision_id)
    not_interested = Disposition.objects.get(key=2)
    outcomes.conclude(session=call, disposition=not_interested, by=rep, at=NOON, note="Prefers e-mail")

    said = boss.get(page_url(call)).content.decode()

    assert "Outcome: Connected, not interested" in said
    assert "Prefers e-mail" in said
    assert "What it caused" in said
    assert "Receipt of the gate" in said
    assert "Chicago (US-TX)" in said


def test_a_call_made_against_the_rules_says_which(boss):
    call = CallSessionFactory(pair=callable_pair(), outside_gate=["outside_hours", "day_cap"])

    assert "Against the rules" in boss.get("/admin/calls/callsession/").content.decode()
    assert "Outside calling hours" in boss.get(page_url(call)).content.decode()


def test_timelines_tell_of_calls_and_of_what_is_to_come(boss, rep):
    pair = callable_pair()
    call = CallSessionFactory(pair=pair, rep=rep)
    outcomes.conclude(
        session=call, disposition=Disposition.objects.get(key=3), by=rep, at=NOON, callback_at=NOON + timedelta(days=2)
    )

    for row in (pair.contact, pair.project, pair):
        said = boss.get(page_url(row)).content.decode()
        assert "Outbound call: Call back" in said
        assert "Coming up" in said
        assert "Callback to" in said


def test_older_parts_of_a_timeline_are_fetched_without_gaps(boss):
    pair = callable_pair()
    for hours in range(30):
        CallSessionFactory(pair=pair, initiated_at=NOON - timedelta(hours=hours), number=f"call {hours}")
    url, seen = f"/admin/crm/contact/{pair.contact_id}/timeline/", 0
    while url:
        said = boss.get(url).content.decode()
        seen += said.count("Outbound call:")
        url = said.split('hx-get="')[1].split('"')[0].replace("&amp;", "&") if 'hx-get="' in said else ""

    assert seen == 30


# Verbs


def test_calls_to_finish_are_found_and_finished(boss, rep):
    call = CallSessionFactory(pair=callable_pair(), rep=rep, initiated_at=NOON - timedelta(hours=3))
    recent = CallSessionFactory(pair=callable_pair(), rep=rep)
    client = signed_in(rep)

    waiting = client.get("/admin/calls/callsession/?finish=yes").context["cl"].result_list
    ask(client, call, "conclude", disposition=str(Disposition.objects.get(key=4).pk), note="Rang out")

    call.now.refresh_from_db()
    assert waiting == [call]
    assert recent not in waiting
    assert (call.now.disposition.name, call.now.notes) == ("No answer", "Rang out")


def test_an_outcome_that_promises_a_call_asks_when(rep):
    call = CallSessionFactory(pair=callable_pair(), rep=rep)

    said = ask(signed_in(rep), call, "conclude", disposition=str(Disposition.objects.get(key=3).pk)).content.decode()

    call.now.refresh_from_db()
    assert "When shall they be called back?" in said
    assert call.now.disposition is None


def test_an_admin_corrects_an_outcome_with_a_reason_and_what_it_made_is_lifted(boss, rep):
    call = CallSessionFactory(pair=callable_pair(), rep=rep)
    outcomes.conclude(session=call, disposition=Disposition.objects.get(key=2), by=rep, at=NOON - timedelta(hours=1))
    right = str(Disposition.objects.get(key=1).pk)

    refused = signed_in(rep).get(f"/admin/calls/callsession/{call.pk}/do/correct/")
    silent = ask(boss, call, "correct", disposition=right, reason="")
    ask(boss, call, "correct", disposition=right, reason="The rep slipped")

    call.now.refresh_from_db()
    assert refused.status_code == 403
    assert "This field is required" in silent.content.decode()
    assert call.now.disposition.key == 1
    assert (
        not TerminalSession.objects.standing(NOON).filter(scope=Scope.PAIR, reason__contains="not interested").exists()
    )


def test_taking_an_outcome_back_leaves_the_call_open(boss, rep):
    call = CallSessionFactory(pair=callable_pair(), rep=rep)
    outcomes.conclude(session=call, disposition=Disposition.objects.get(key=9), by=rep, at=NOON - timedelta(hours=1))

    ask(boss, call, "take-back", reason="Another person answered")

    call.now.refresh_from_db()
    call.contact.refresh_from_db()
    assert call.now.disposition is None
    assert not call.contact.do_not_call


def test_a_note_is_added_to_a_call_at_any_time(rep):
    call = CallSessionFactory(pair=callable_pair(), rep=rep)

    ask(signed_in(rep), call, "note", text="Left at noon")

    assert CallEvent.objects.get(session=call, kind=EventKind.NOTE).facts["note"] == "Left at noon"


def test_people_projects_pairs_and_numbers_are_closed_and_opened_by_admins(boss, rep):
    pair = callable_pair()
    subjects = [pair.contact, pair.project, pair, pair.contact.points.first().endpoint]

    refused = signed_in(rep).get(f"/admin/crm/contact/{pair.contact_id}/do/close/")
    for row in subjects:
        ask(boss, row, "close", reason="Asked for quiet", until="2026-07-01T09:00")
    closed = TerminalSession.objects.standing(NOON).count()
    for session in TerminalSession.objects.all():
        ask(boss, session, "lift", reason="Agreed again")

    assert refused.status_code == 403
    assert closed == 4
    assert not TerminalSession.objects.standing(NOON).exists()


def test_calling_can_be_closed_for_everyone(boss):
    boss.post("/admin/calls/terminalsession/add/", {"reason": "Storm warning", "until": ""})

    session = TerminalSession.objects.get()
    assert (session.scope, session.reason, session.until) == ("everyone", "Storm warning", None)


def test_a_closing_that_would_be_over_before_it_begins_is_refused_in_words(boss):
    pair = callable_pair()

    said = ask(boss, pair, "close", reason="Too late", until="2020-01-01T09:00").content.decode()

    assert "over before it begins" in said
    assert not TerminalSession.objects.exists()


def test_an_admin_releases_a_lease(boss):
    lease = LeaseFactory()

    ask(boss, lease, "release")

    assert not Lease.objects.exists()


# Rules


def test_an_outcome_is_changed_through_its_service_and_a_key_is_given_once(boss):
    row = Disposition.objects.get(key=4)
    url = f"{page_url(row)}?tab=edit"
    seen = form_of(boss, url)

    taken = boss.post(url, {**seen, "key": "1"})
    boss.post(url, {**seen, "retry_after": "1 00:00:00"})

    row.refresh_from_db()
    assert taken.status_code == 200
    assert row.key == 4
    assert row.retry_after == timedelta(days=1)


def test_a_projects_policy_can_only_be_stricter(boss):
    project = ProjectFactory()
    said = {"project": str(project.pk), "cooldown": "2 00:00:00", "cooldown_scope": "contact", "week_cap": "10"}

    looser = boss.post("/admin/calls/callingpolicy/add/", {**said, "day_cap": "9"})
    boss.post("/admin/calls/callingpolicy/add/", {**said, "day_cap": "2"})

    assert "The rule for all says 3." in looser.content.decode()
    assert CallingPolicy.objects.get(project=project).day_cap == 2


def test_looking_a_law_up_again_puts_a_new_row_in_its_place(boss):
    old = CallingHours.objects.filter(replaced_at=None).first()

    ahead = ask(boss, old, "verify", verified_on="2027-01-01", source="Statute")
    ask(boss, old, "verify", verified_on="2026-06-15", source="Statute, looked up")

    old.refresh_from_db()
    new = CallingHours.objects.get(rule_id=old.rule_id, replaced_at=None)
    assert "on a day to come" in ahead.content.decode()
    assert old.replaced_at == NOON
    assert (new.verified_on, new.windows, new.source) == (date(2026, 6, 15), old.windows, "Statute, looked up")


def test_receipts_are_readable(boss):
    pair = callable_pair()
    leasing.take(pair=pair, user=UserFactory(bdr=True), at=NOON)
    receipt = GateDecision.objects.latest("id")

    said = boss.get(page_url(receipt)).content.decode()

    assert "1 day" in said
    assert "3 touches" in said
    assert "Chicago (US-TX)" in said
    assert not Touch.objects.exists()


def test_a_closed_project_says_so_on_its_page(boss):
    project = ProjectFactory()
    terminal.close(scope=Scope.PROJECT, subject=project, reason="Quiet until spring", at=NOON)

    assert "Quiet until spring" in boss.get(page_url(project)).content.decode()
    assert CallSession.objects.count() == 0
