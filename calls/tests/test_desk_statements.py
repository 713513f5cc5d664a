"""How many statements a rep's deeds take: each with the session, the person signed in, and where they stand after it.

In a test the outermost transaction of a deed counts as two more, and so does that in which the session is kept.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calls.models import CallSession, Disposition, Lease
from calls.services import walking
from calls.tests.desk import MINUTE, Rep
from calls.tests.factories import callable_pair, first_point
from config.kernel import clock
from config.testing import NOON
from crm.models import Contact
from crm.tests.factories import give_point

pytestmark = pytest.mark.django_db


@pytest.fixture
def rep(monkeypatch) -> Rep:
    """Somebody whose process has worked before, so that it knows the law; four people can be called, on two numbers."""
    monkeypatch.setattr(walking, "KNOWN", 3600)
    for place in range(4):
        give_point(callable_pair().contact, "phone", f"+1512555017{place}")
    rep = Rep()
    rep.does("next"), rep.does("release"), rep.page()
    return rep


def statements(work: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as asked:
        work()
    return len(asked)


def test_no_deed_takes_more_statements_than_it_needs(rep):
    no_answer, do_not_call = (str(Disposition.objects.get(name=name).pk) for name in ("No answer", "Do not call"))

    def deed(name: str, **said: Any) -> int:
        return statements(lambda: rep.does(name, **said))

    taken = {"next": deed("next")}
    person = Contact.objects.get(pk=Lease.objects.get().contact_id)
    taken |= {"state": statements(rep.state), "page": statements(rep.page), "heartbeat": deed("heartbeat")}
    taken |= {"draft": deed("draft", pair=rep.state()["pair"], text="Asks for a brochure")}
    taken |= {"dial": deed("dial", point=str(first_point(person).pk))}
    call, rep.at = str(CallSession.objects.get().pk), rep.at + MINUTE
    taken |= {"answered": deed("happened", session=call, kind="answered")}
    taken |= {"outcome": deed("outcome", session=call, disposition=no_answer, note="Rang out")}
    taken |= {"undo": deed("undo", session=call)}
    taken |= {"do not call": deed("outcome", session=call, disposition=do_not_call)}
    taken |= {"next one": deed("next"), "later": deed("skip", pair=rep.state()["pair"], why="later")}
    rep.does("next")
    taken |= {"bad number": deed("skip", pair=rep.state()["pair"], why="bad_number")}
    taken |= {"release": deed("release")}

    assert taken == {
        "next": 23,
        "state": 16,
        "page": 17,
        "heartbeat": 18,
        "draft": 4,
        "dial": 28,
        "answered": 26,
        "outcome": 31,
        "undo": 36,
        "do not call": 42,
        "next one": 24,
        "later": 27,
        "bad number": 37,
        "release": 15,
    }


def test_taking_and_keeping_somebody_through_the_api_takes_few_statements(rep):
    def post(path: str) -> int:
        url = f"/api/v1/eligible-calls/{path}/"
        with clock.standing_at(NOON):
            return statements(lambda: rep.client.post(url, {}, content_type="application/json"))

    assert [post("lease"), post("heartbeat"), post("release")] == [8, 5, 3]
