import re

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.test import RequestFactory

from crm.models import AuditEvent, User

pytestmark = pytest.mark.django_db

PASSWORD = re.compile(r"(\S+@clearline\.example)\s+([a-z2-9]{4}(?:-[a-z2-9]{4}){3})")


@pytest.fixture(autouse=True)
def on_a_desk(settings):
    settings.DEBUG = True


def run(capsys, **options):
    call_command("demo_users", **options)
    return dict(PASSWORD.findall(capsys.readouterr().out))


def signs_in(email, password):
    return authenticate(RequestFactory().post("/"), username=email, password=password) is not None


def test_an_admin_and_two_bdrs_in_two_time_zones_may_sign_in_with_what_is_shown(capsys):
    shown = run(capsys)

    assert all(signs_in(email, password) for email, password in shown.items())
    admin, *bdrs = User.objects.order_by("email")
    assert (admin.email, admin.name, admin.sees_everything) == ("admin@clearline.example", "Demo Admin", True)
    assert [bdr.sees_everything for bdr in bdrs] == [False, False]
    assert all(bdr.has_perm("calls.use_call_desk") for bdr in bdrs)
    assert len({bdr.time_zone for bdr in bdrs}) == 2
    assert len(set(shown.values())) == 3


def test_a_second_run_shows_no_password_and_changes_none(capsys):
    shown = run(capsys)

    assert run(capsys) == {}
    assert User.objects.count() == 3
    assert all(signs_in(email, password) for email, password in shown.items())


def test_reset_makes_new_passwords_and_unlocks(capsys):
    before = run(capsys)

    after = run(capsys, reset=True)

    assert before.keys() == after.keys()
    assert all(signs_in(email, password) for email, password in after.items())
    assert not any(signs_in(email, password) for email, password in before.items())


def test_demo_users_are_refused_where_it_is_not_a_desk(settings):
    settings.DEBUG = False

    with pytest.raises(CommandError, match="createsuperuser"):
        call_command("demo_users")

    assert not User.objects.exists()


def test_no_password_reaches_the_audit(capsys):
    shown = run(capsys)

    events = list(AuditEvent.objects.filter(entity="crm.user"))
    assert {event.service for event in events} == {"demo_users"}
    assert not any("password" in (event.new or {}) for event in events)
    assert not any(password in str(event.new) for event in events for password in shown.values())
