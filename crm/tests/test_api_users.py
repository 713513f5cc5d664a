"""Those who work here over HTTP."""

import pytest

from config.tests import callers
from config.tests.clashes import gives_up_once
from config.tests.clients import admin as an_admin
from crm.services import accounts
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
admin, rep = callers.admin, callers.rep


def test_everybody_sees_and_changes_themselves_and_only_admins_the_others(admin, rep):
    path = f"users/{rep.user.pk}/"

    assert [user["id"] for user in rep.send("get", "users/")[1]["results"]] == [str(rep.user.pk)]
    assert rep.send("get", f"users/{admin.user.pk}/")[0] == 404
    assert rep.send("get", "users/me/")[1]["roles"] == ["bdr"]
    assert rep.send("patch", "users/me/", {"time_zone": "America/Chicago"})[1]["time_zone"] == "America/Chicago"
    assert rep.send("patch", "users/me/", {"role": "admin"})[0] == 400
    assert rep.send("patch", path, {"role": "admin"})[0] == 403
    assert rep.send("post", "users/", {})[0] == 403
    assert admin.send("patch", path, {"role": "admin"})[1]["roles"] == ["admin"]
    assert admin.send("patch", path, {"is_active": False})[1]["is_active"] is False
    assert rep.send("get", "users/me/")[0] == 401


def test_a_program_and_a_person_choose_among_the_same_time_zones(rep):
    assert rep.send("patch", "users/me/", {"time_zone": "UTC"})[0] == 200
    assert rep.send("patch", "users/me/", {"time_zone": "EST"})[0] == 400


def test_a_user_is_made_once_and_their_password_is_never_shown(admin):
    body = {"email": "new@example.com", "name": "New Rep", "role": "bdr", "password": "correct horse battery"}

    answer = admin.post("/api/v1/users/", body)
    again = admin.post("/api/v1/users/", body)

    assert (answer.status_code, answer.json()["roles"]) == (201, ["bdr"])
    assert (again.status_code, again.json()["error_code"]) == (409, "email_taken")
    assert "horse" not in answer.content.decode() + again.content.decode()
    assert admin.post("/api/v1/users/", {**body, "email": "b@example.com", "password": "short"}).status_code == 400


@pytest.mark.django_db(transaction=True)
def test_several_changes_of_a_user_are_tried_again_as_one(monkeypatch):
    admin, colleague = an_admin(), UserFactory(bdr=True)
    monkeypatch.setattr(accounts, "deactivate", gives_up_once(accounts.deactivate))

    status, said = admin.send("patch", f"users/{colleague.pk}/", {"name": "Sam Other", "is_active": False})

    assert (status, said["name"], said["is_active"]) == (200, "Sam Other", False)
