"""What stood against a recorded call is judged by what stood when it was made."""

from datetime import timedelta

import pytest

from calls.choices import Scope
from calls.services import recording, terminal
from calls.tests.factories import LeaseFactory, callable_pair, first_point
from config.testing import NOON
from crm.choices import SuppressionReason
from crm.models import Suppression

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
CALLED = NOON - HOUR
BEFORE, AFTER = CALLED - HOUR / 2, CALLED + HOUR / 2


@pytest.fixture
def pair():
    return callable_pair()


def breaches(pair):
    told = recording.Told(
        call_session_id="ext-1", contact=pair.contact, project=pair.project, initiated_at=CALLED,
        number=pair.contact.primary_phone,
    )  # fmt: skip
    return recording.record(told=told, by=None, at=NOON)[0].outside_gate


def test_a_call_that_came_in_breaks_no_rule(pair):
    terminal.close(scope=Scope.CONTACT, subject=pair.contact, reason="Asked us to stop", at=BEFORE)
    told = recording.Told(
        call_session_id="ext-2", contact=pair.contact, project=pair.project, initiated_at=CALLED, direction="inbound",
        number=pair.contact.primary_phone,
    )  # fmt: skip

    assert recording.record(told=told, by=None, at=NOON)[0].outside_gate == []
    assert breaches(pair) == ["terminal_contact"]


def subject(scope, pair):
    return {
        Scope.PROJECT: pair.project, Scope.CONTACT: pair.contact, Scope.PAIR: pair,
        Scope.ENDPOINT: first_point(pair.contact).endpoint, Scope.EVERYONE: None,
    }[scope]  # fmt: skip


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize(("at", "stood"), [(BEFORE, True), (CALLED, False), (AFTER, False)])
def test_a_closing_counts_if_it_stood_when_the_call_was_made(pair, scope, at, stood):
    terminal.close(scope=scope, subject=subject(scope, pair), reason="Asked us to stop", at=at)

    assert breaches(pair) == ([f"terminal_{scope}"] if stood else [])


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize(("lifted_at", "stood"), [(BEFORE + HOUR / 4, False), (CALLED, True), (AFTER, True)])
def test_a_closing_that_was_lifted_since_stood_all_the_same(pair, scope, lifted_at, stood):
    closed, _ = terminal.close(scope=scope, subject=subject(scope, pair), reason="Asked us to stop", at=BEFORE)
    terminal.lift(session=closed, reason="Asked again", by=None, at=lifted_at)

    assert breaches(pair) == ([f"terminal_{scope}"] if stood else [])


@pytest.mark.parametrize(("taken_at", "stood"), [(BEFORE, True), (AFTER, False)])
def test_a_lease_counts_if_somebody_else_held_it_then(pair, taken_at, stood):
    LeaseFactory(pair=pair, taken_at=taken_at, expires_at=NOON)

    assert breaches(pair) == (["leased", "number_leased"] if stood else [])


@pytest.mark.parametrize(("at", "stood"), [(BEFORE, True), (AFTER, False)])
def test_a_suppression_counts_if_it_was_there_then(pair, at, stood):
    line = first_point(pair.contact).endpoint
    Suppression.objects.create(endpoint=line, reason=SuppressionReason.ASKED, source="test", at=at)

    assert breaches(pair) == (["endpoint_suppressed"] if stood else [])
