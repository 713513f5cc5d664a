"""Whoever dials may be killed at any named point of it, or lose the database there: a call is begun once at most, and
its rep finds it again.

A process of its own kills itself with SIGKILL at the point; what the telephone company was asked is in a file.
"""

from pathlib import Path

import pytest

from calls.models import CallSession, Lease
from calls.providers import Handover
from calls.tests.desk import MINUTE, Rep
from calls.tests.factories import callable_pair, first_point
from crm.models import Touch
from integrations.tests.dying import cut_at, killed_at

pytestmark = pytest.mark.django_db(transaction=True)
NEVER_DIALED = "dial.before_commit"
DIALED = ["dial.after_commit", "dial.after_handover"]


class Line:
    """``calls.providers.VoiceProvider`` that keeps the references of all calls which it began."""

    label = "Test line"

    def __init__(self, path: str) -> None:
        self.ledger = Path(path)

    def begin(self, *, to: str, extension: str, reference: str) -> Handover:
        with self.ledger.open("a") as ledger:
            ledger.write(f"{reference}\n")
        return Handover(kind="link", url=f"tel:{to}")

    def begun(self) -> list[str]:
        return self.ledger.read_text().split() if self.ledger.exists() else []


@pytest.fixture
def line(settings, tmp_path):
    options = {"path": str(tmp_path / "line")}
    settings.PROVIDERS = {**settings.PROVIDERS, "voice": {"BACKEND": f"{__name__}.Line", "OPTIONS": options}}
    return Line(**options)


@pytest.fixture
def rep():
    """A rep who has taken the only person there is."""
    callable_pair()
    rep = Rep()
    assert rep.does("next")["phase"] == "previewing"
    return rep


def dials(rep):
    return rep.ask("dial", point=str(first_point(Lease.objects.get().contact).pk))


@pytest.mark.parametrize("struck_at", [killed_at, cut_at])
def test_a_call_that_was_not_written_never_was_and_may_be_begun(line, rep, struck_at):
    assert struck_at(NEVER_DIALED, lambda: dials(rep))

    assert not CallSession.objects.exists()
    assert not Touch.objects.exists()
    assert not line.begun()
    assert rep.state()["phase"] == "previewing"

    assert dials(rep).status_code == 200
    call = CallSession.objects.get()
    assert line.begun() == [str(call.pk)]
    assert Touch.objects.get().source_id == call.pk


def test_a_call_that_was_not_written_keeps_its_person_from_nobody(line, rep):
    assert killed_at(NEVER_DIALED, lambda: dials(rep))
    rep.does("release")

    colleague = Rep()
    colleague.does("next")

    assert dials(colleague).status_code == 200
    assert len(line.begun()) == 1


@pytest.mark.parametrize("struck_at", [killed_at, cut_at])
@pytest.mark.parametrize("point", DIALED)
def test_a_call_that_was_written_counts_is_at_the_desk_and_is_not_begun_again(line, rep, point, struck_at):
    assert struck_at(point, lambda: dials(rep))

    call, begun = CallSession.objects.get(), line.begun()
    assert begun == ([] if (struck_at, point) == (killed_at, "dial.after_commit") else [str(call.pk)])
    assert (Touch.objects.get().source_id, Touch.objects.get().counts) == (call.pk, True)
    assert (rep.state()["phase"], rep.state()["session"]) == ("dialing", str(call.pk))
    refused = dials(rep)
    assert (refused.status_code, refused.json()["error_code"]) == (409, "finish_first")
    assert Rep().ask("next").json()["error_code"] == "nothing_callable"

    rep.at += MINUTE
    rep.saves("No answer")
    assert not Lease.objects.exists()
    assert (CallSession.objects.count(), Touch.objects.count(), line.begun()) == (1, 1, begun)
