"""What people do in the back office of calls: outcomes, closings, leases and rules change through their services."""

from datetime import date, timedelta

from calls.choices import EventKind, Scope
from calls.models import CallEvent, CallingHours, CallingPolicy, Disposition, Lease, TerminalSession
from calls.services import outcomes
from calls.tests import office
from calls.tests.factories import CallSessionFactory, LeaseFactory, callable_pair
from config.testing import NOON
from crm.tests.backoffice import ask, form_of, page_url, signed_in
from crm.tests.factories import ProjectFactory

noon, boss, rep = office.noon, office.boss, office.rep


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
