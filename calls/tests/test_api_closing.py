"""What forbids calling, and what admins decide about calling, over HTTP."""

import pytest

from calls.models import TerminalSession
from config.tests import callers
from crm.tests.factories import ContactFactory, ProjectFactory

pytestmark = pytest.mark.django_db
noon, admin, rep = callers.noon, callers.admin, callers.rep


CLOSE = {"scope": "contact", "reason": "Asked us to stop"}


def test_a_terminal_session_is_written_once_and_lifted_once_with_a_reason(admin):
    contact = ContactFactory()
    body = {**CLOSE, "contact": str(contact.pk), "terminal_id": "T-1", "until": "2026-07-01T00:00:00Z"}

    status, made = admin.send("post", "terminal-sessions/", body)
    again, known = admin.send("post", "terminal-sessions/", body)
    other = admin.send("post", "terminal-sessions/", {**body, "reason": "Something else"})

    assert (status, again, made) == (201, 200, known)
    assert (other[0], other[1]["error_code"], other[1]["details"][0]["field"]) == (409, "told_differently", "reason")
    lift = f"terminal-sessions/{made['id']}/lift/"
    assert admin.send("post", lift, {})[0] == 400
    assert admin.send("post", lift, {"reason": "They called."})[1]["lifted_at"] == "2026-06-16T18:00:00Z"
    assert admin.send("post", lift, {"reason": "They called."})[1]["error_code"] == "already_lifted"
    assert admin.send("get", "terminal-lifts/")[1]["results"][0]["reason"] == "They called."
    assert admin.get("/api/v1/terminal-sessions/", {"standing": "true"}).json()["results"] == []


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({}, "contact"),
        ({"scope": "everyone", "contact": "theirs"}, "contact"),
        ({"scope": "project", "contact": "theirs"}, "contact"),
        ({"contact": "theirs", "until": "2026-06-01T00:00:00Z"}, "until"),
        ({"contact": "theirs", "reason": " "}, "reason"),
        ({"scope": "galaxy"}, "scope"),
    ],
)
def test_a_closing_that_makes_no_sense_is_refused_by_its_field(admin, facts, field):
    contact = ContactFactory()
    facts = {name: str(contact.pk) if value == "theirs" else value for name, value in facts.items()}

    status, said = admin.send("post", "terminal-sessions/", {**CLOSE, **facts})

    assert status == 400
    assert [detail["field"] for detail in said["details"]] == [field]
    assert not TerminalSession.objects.exists()


def test_reps_see_what_is_closed_but_do_not_close(rep):
    assert rep.send("post", "terminal-sessions/", {**CLOSE, "contact": str(ContactFactory().pk)})[0] == 403


def test_dispositions_are_made_changed_and_retired_never_deleted(admin, rep):
    status, made = admin.send(
        "post", "dispositions/", {"name": "Moved away", "retry_after": 86400, "sentiment": "none"}
    )
    again, known = admin.send("post", "dispositions/", {"name": "Moved away", "key": None, "reached": True})

    assert (status, again, made["id"]) == (201, 200, known["id"])
    assert (known["retry_after"], known["reached"]) == (86400, True)
    path = f"dispositions/{made['id']}/"
    assert admin.send("patch", path, {"is_active": False})[1]["is_active"] is False
    assert admin.send("patch", path, {"key": 4})[1]["error_code"] == "already_exists"
    assert admin.send("patch", path, {"retry_after": -1})[0] == 400
    assert admin.send("patch", path, {"terminal_scope": "everyone"})[0] == 400
    assert admin.send("delete", path)[0] == 405
    assert rep.send("patch", path, {"is_active": True})[0] == 403


def test_the_policy_for_all_is_changed_and_a_projects_own_is_made_and_dropped(admin):
    project = ProjectFactory()
    everybodys = admin.get("/api/v1/calling-policies/", {"default": "true"}).json()["results"][0]

    status, own = admin.send("post", "calling-policies/", {"project": str(project.pk), "day_cap": 1})
    again, known = admin.send("post", "calling-policies/", {"project": str(project.pk), "cooldown": 172800})

    assert (status, again, own["id"]) == (201, 200, known["id"])
    assert (known["day_cap"], known["cooldown"]) == (1, 172800)
    assert admin.send("patch", f"calling-policies/{own['id']}/", {"day_cap": 0})[0] == 400
    status, refusal = admin.send("post", "calling-policies/", {"project": str(project.pk), "cooldown": 0})
    assert (status, refusal["error_code"], refusal["details"][0]["field"]) == (400, "looser_than_all", "cooldown")
    assert admin.send("patch", f"calling-policies/{everybodys['id']}/", {"week_cap": 8})[1]["week_cap"] == 8
    assert admin.send("delete", f"calling-policies/{own['id']}/") == (204, None)
    assert admin.send("delete", f"calling-policies/{everybodys['id']}/")[1]["error_code"] == "needs_default"
