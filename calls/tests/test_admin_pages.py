"""What the pages of the back office say about calls, people, pairs, projects and receipts."""

from datetime import timedelta

from calls.choices import Scope
from calls.models import CallSession, Disposition
from calls.services import leasing, outcomes, terminal, waterfalls
from calls.tests import office
from calls.tests.factories import CallSessionFactory, callable_pair
from calls.tests.office import person
from config.testing import NOON
from crm.models import GateDecision, Touch
from crm.tests.backoffice import page_url, signed_in
from crm.tests.factories import ProjectFactory, TouchFactory, UserFactory

noon, boss, rep = office.noon, office.boss, office.rep


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
    pair = callable_pair(contact=person("Hidden Person", owner=UserFactory(bdr=True)))
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
