"""Every page of the back office knows what happened to its row."""

from datetime import timedelta

import pytest
from django.contrib import admin

from config.kernel.audit import acting
from crm.models import AuditEvent, Endpoint, ProjectContact
from crm.services import points
from crm.tests import backoffice
from crm.tests.backoffice import form_of, page_url, signed_in
from crm.tests.factories import ContactFactory, IntakeRunFactory, ProjectContactFactory, ProjectFactory, UserFactory

LABELS = sorted(model._meta.label_lower for model in admin.site._registry if model._meta.app_label == "crm")
SERVICE_OWNED = [
    "crm.auditevent", "crm.consent", "crm.contactpoint", "crm.endpoint", "crm.gatedecision", "crm.hoursprofile",
    "crm.intakerun", "crm.reviewitem", "crm.sourcerecord", "crm.suppression", "crm.touch",
]  # fmt: skip
CONTACTS = "/admin/crm/contact/"

boss, rep = backoffice.boss, backoffice.rep


def test_history_shows_who_changed_what_from_what_to_what(boss, rep):
    person = ContactFactory(title="Owner")
    client = signed_in(rep)
    url = f"{page_url(person)}?tab=edit"
    client.post(url, {**form_of(client, url), "title": "Director"})

    shown = boss.get(f"/admin/crm/contact/{person.pk}/history/").content.decode()

    assert "Rae Rep" in shown
    assert "Owner</del>" in shown
    assert "Director</ins>" in shown


def test_a_history_keeps_silent_about_parts_in_projects_one_does_not_see(boss, rep):
    person = ContactFactory(owner=rep)
    for project in (ProjectFactory(name="Open Tower"), ProjectFactory(name="Secret", owner=UserFactory(bdr=True))):
        pair = ProjectContactFactory(contact=person, project=project)
        ProjectContact.objects.filter(pk=pair.pk).update(suppress_reason=f"said of {project.name}")
    url = f"/admin/crm/contact/{person.pk}/history/"

    seen, whole = (client.get(url).content.decode() for client in (signed_in(rep), boss))

    assert "said of Open Tower" in seen
    assert "said of Secret" not in seen
    assert "said of Secret" in whole


def test_a_history_is_the_whole_life_with_lost_numbers_and_lines_that_rest(boss, rep, at):
    person, stranger = ContactFactory(name="Pat Sample"), ContactFactory(phone="+13105550134")
    with acting(user=rep.pk, ip="192.0.2.7", user_agent="Browser/7 (Example)"):
        lost = points.add_point(contact=person, kind="phone", value="+12145550134", label="old desk", at=at)
        points.remove_point(point=lost, at=at)
    line = points.add_point(contact=person, kind="phone", value="+15125550134", at=at).endpoint
    points.mark_failed(endpoint=line, until=at + timedelta(days=3), at=at)
    Endpoint.objects.filter(pk=line.pk).update(owner=stranger)
    points.remove_point(point=stranger.points.get(), at=at)

    shown = boss.get(f"/admin/crm/contact/{person.pk}/history/").content.decode()

    assert shown.count("old desk") == 2  # its birth and its end
    assert "Browser/7 (Example)" in shown
    assert "2026-06-19 18:00 UTC" in shown
    assert f"{stranger}</ins>" in shown
    assert "+13105550134" not in shown


@pytest.mark.parametrize("page", ["history", "timeline"])
@pytest.mark.parametrize("at", ["2026-06-16T12:00:00+00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
@pytest.mark.parametrize("key", ["", "no key", "01890000-0000-7000-8000-000000000000/lifted"])
def test_a_place_in_a_history_that_makes_no_sense_is_a_page_all_the_same(boss, page, at, key):
    url = f"/admin/crm/contact/{ContactFactory().pk}/{page}/"

    assert boss.get(url, {"at": at, "key": key}).status_code == 200


def test_a_row_that_came_in_bulk_has_its_creation_in_its_history(boss):
    with acting(service="intake", bulk=True):
        person = ContactFactory(source="permits")
    assert not AuditEvent.objects.filter(entity_id=person.pk).exists()

    assert "Contact created" in boss.get(f"/admin/crm/contact/{person.pk}/history/").content.decode()


def test_numbers_that_came_in_bulk_have_their_birth_in_the_history_also_those_that_are_gone(boss, at):
    with acting(service="intake", bulk=True):
        person = ContactFactory(source="permits")
        lost = points.add_point(contact=person, kind="phone", value="+12145550134", label="old desk", at=at)
        points.add_point(contact=person, kind="phone", value="+12145550135", label="new desk", at=at)
    points.remove_point(point=lost, at=at)

    shown = boss.get(f"/admin/crm/contact/{person.pk}/history/").content.decode()

    assert (shown.count("old desk"), shown.count("new desk")) == (2, 1)
    assert shown.count("Contact point created") == 2


def test_an_account_that_does_not_balance_says_so(boss):
    good = IntakeRunFactory(rows_done=3, counts={"rows.created": 2, "rows.refused": 1})
    bad = IntakeRunFactory(rows_done=5, counts={"rows.created": 2})

    assert "Balances" in boss.get(page_url(good)).content.decode()
    assert "Off by 3" in boss.get(page_url(bad)).content.decode()


def test_refused_rows_are_downloaded_as_far_as_they_are_committed(boss, rep, tmp_path):
    file = tmp_path / "permits.csv.refused.csv"
    file.write_bytes(b"NAME,_reason\r\nX,No name\r\nhalf a li")
    run = IntakeRunFactory(refused_file=str(file), refused_bytes=25, warned_bytes=9, warned_file="/nowhere/w.csv")
    url = f"/admin/crm/intakerun/{run.pk}/refused.csv"

    said = boss.get(page_url(run)).content.decode()
    sent = boss.get(url)

    assert url in said
    assert "on the machine that read the file: /nowhere/w.csv" in said
    assert b"".join(sent.streaming_content) == b"NAME,_reason\r\nX,No name\r\n"
    assert sent.headers["Content-Disposition"].startswith("attachment")
    assert signed_in(rep).get(url).status_code in {403, 404}
    assert boss.get(f"/admin/crm/intakerun/{run.pk}/warnings.csv").status_code == 404


@pytest.mark.parametrize(("path", "status", "words"), [
    ("/admin/crm/contact/01890000-0000-7000-8000-000000000000/change/", 404, "There is nothing here"),
    ("/admin/crm/contact/no-key/change/", 404, "There is nothing here"),
    ("/admin/crm/user/", 403, "This is not yours to do"),
    ("/admin/crm/contact/?name__contains=a", 400, "That request makes no sense here"),
])  # fmt: skip
def test_refusals_are_pages_for_people(rep, path, status, words):
    response = signed_in(rep).get(path)

    assert response.status_code == status
    assert words in response.content.decode()
