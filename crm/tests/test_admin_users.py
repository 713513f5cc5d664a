"""Accounts in the back office: made, locked, unlocked and retired by admins."""

import pytest
from django.contrib import admin

from crm.models import AuditEvent, User
from crm.tests import backoffice
from crm.tests.backoffice import ask, form_of, page_url, signed_in
from crm.tests.factories import UserFactory

LABELS = sorted(model._meta.label_lower for model in admin.site._registry if model._meta.app_label == "crm")
SERVICE_OWNED = [
    "crm.auditevent", "crm.consent", "crm.contactpoint", "crm.endpoint", "crm.gatedecision", "crm.hoursprofile",
    "crm.intakerun", "crm.reviewitem", "crm.sourcerecord", "crm.suppression", "crm.touch",
]  # fmt: skip
CONTACTS = "/admin/crm/contact/"

boss, rep = backoffice.boss, backoffice.rep


def test_an_admin_lets_somebody_in_with_a_role(boss):
    said = {"email": "New@Clearline.example", "name": "Nia New", "role": "bdr", "time_zone": "America/Denver"}

    weak = boss.post("/admin/crm/user/add/", {**said, "password": "short"})
    boss.post("/admin/crm/user/add/", {**said, "password": "a rather long pass phrase"})

    new = User.objects.get(email="new@clearline.example")
    assert "too short" in weak.content.decode()
    assert list(new.groups.values_list("name", flat=True)) == ["bdr"]
    assert new.check_password("a rather long pass phrase")
    assert "a rather long" not in str(list(AuditEvent.objects.values_list("new", flat=True)))


def test_nobody_locks_themselves_or_the_last_admin_out(boss):
    me = User.objects.get(name="Ada Admin")

    myself = ask(boss, me, "deactivate")
    url = f"{page_url(me)}?tab=edit"
    last = boss.post(url, {**form_of(boss, url), "role": "bdr"})

    me.refresh_from_db()
    assert "You cannot deactivate your own account" in myself.content.decode()
    assert "is the only admin" in last.content.decode()
    assert me.is_active
    assert me.is_admin


@pytest.mark.parametrize("zone", ["UTC", "EST"])
def test_the_form_keeps_the_zone_that_somebody_has(boss, rep, zone):
    User.objects.filter(pk=rep.pk).update(time_zone=zone)
    url = f"{page_url(rep)}?tab=edit"

    boss.post(url, {**form_of(boss, url), "name": "Rae Renamed"})

    rep.refresh_from_db()
    assert (rep.name, rep.time_zone) == ("Rae Renamed", zone)
    assert f'<option value="{zone}" selected' in boss.get(url).content.decode()


def test_a_deactivated_user_is_out_at_once(boss, rep):
    client = signed_in(rep)
    assert client.get("/admin/").status_code == 200

    ask(boss, rep, "deactivate")

    assert client.get("/admin/").status_code == 302


def test_whoever_comes_back_signs_in_anew_and_others_stay_signed_in(boss, rep):
    client, colleague = signed_in(rep), signed_in(UserFactory(bdr=True))

    ask(boss, rep, "deactivate")
    ask(boss, rep, "activate")

    assert client.get("/admin/").status_code == 302
    assert client.get("/api/v1/users/me/").status_code == 401
    assert colleague.get("/admin/").status_code == 200
    assert signed_in(rep).get("/admin/").status_code == 200


def test_a_session_that_began_while_its_user_was_deactivated_is_none_when_they_come_back(boss, rep):
    ask(boss, rep, "deactivate")
    client = signed_in(rep)

    ask(boss, rep, "activate")

    assert client.get("/admin/").status_code == 302


def test_a_new_password_ends_every_session(boss, rep):
    client = signed_in(rep)

    differing = ask(boss, rep, "password", password="a rather long pass phrase", again="another")
    ask(boss, rep, "password", password="a rather long pass phrase", again="a rather long pass phrase")

    rep.refresh_from_db()
    assert "not the same" in differing.content.decode()
    assert rep.check_password("a rather long pass phrase")
    assert client.get("/admin/").status_code == 302
