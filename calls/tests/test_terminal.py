"""Closing and opening again."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from calls.choices import Scope, TerminalKind
from calls.models import TerminalLift, TerminalSession
from calls.services import deciding, queue, terminal
from calls.tests.factories import callable_pair, first_point
from config.kernel.errors import DomainError
from config.kernel.gate import Asked, gate
from config.testing import NOON
from crm.choices import Channel
from crm.tests.factories import ContactFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair():
    return callable_pair()


def subject_of(scope, pair):
    return {
        Scope.PROJECT: pair.project, Scope.CONTACT: pair.contact, Scope.PAIR: pair,
        Scope.ENDPOINT: pair.contact.points.get().endpoint, Scope.EVERYONE: None,
    }[scope]  # fmt: skip


def close(scope, pair, **options):
    return terminal.close(scope=scope, subject=subject_of(scope, pair), reason="Asked us to stop", at=NOON, **options)


def codes(pair, at=NOON):
    explained = queue.explain(pair=pair, user=UserFactory(admin=True), at=at)
    return {block.code for block in [*explained.blocks, *(b for point in explained.points for b in point.blocks)]}


@pytest.mark.parametrize("scope", Scope)
def test_each_scope_closes_its_subject_until_its_end_and_not_longer(scope, pair):
    close(scope, pair, until=NOON + timedelta(hours=1))

    assert codes(pair) == {f"terminal_{scope}"}
    assert codes(pair, NOON + timedelta(hours=1)) == set()


@pytest.mark.parametrize("scope", Scope)
def test_a_lift_opens_again_and_happens_once(scope, pair):
    session, _ = close(scope, pair)
    terminal.lift(session=session, reason="A mistake", by=None, at=NOON)

    assert codes(pair) == set()
    with pytest.raises(terminal.AlreadyLifted):
        terminal.lift(session=session, reason="Again", by=None, at=NOON)


def test_the_database_sets_lifted_at_and_never_takes_it_back(pair):
    session, _ = close(Scope.PAIR, pair)
    TerminalLift.objects.create(session=session, at=NOON, reason="By SQL")
    session.refresh_from_db()

    assert session.lifted_at == NOON
    with pytest.raises(IntegrityError, match="lifted once"), transaction.atomic():
        TerminalSession.objects.filter(pk=session.pk).update(lifted_at=None)


def test_the_database_refuses_a_lift_that_nobody_answers_for(pair):
    session, _ = close(Scope.PAIR, pair)
    with pytest.raises(IntegrityError, match="by its TerminalLift"), transaction.atomic():
        TerminalSession.objects.filter(pk=session.pk).update(lifted_at=NOON)

    TerminalLift.objects.create(session=close(Scope.CONTACT, pair)[0], at=NOON, reason="Another one")
    with pytest.raises(IntegrityError, match="by its TerminalLift"), transaction.atomic():
        TerminalSession.objects.filter(pk=session.pk).update(lifted_at=NOON)


def test_the_database_takes_only_the_moment_of_the_lift(pair):
    session, _ = close(Scope.PAIR, pair)
    lift = TerminalLift.objects.create(session=session, at=NOON, reason="By SQL")

    with pytest.raises(IntegrityError, match="lifted once"), transaction.atomic():
        TerminalSession.objects.filter(pk=session.pk).update(lifted_at=lift.at + timedelta(seconds=1))


def test_the_database_refuses_one_that_is_born_lifted(pair):
    with pytest.raises(IntegrityError, match="not born lifted"), transaction.atomic():
        TerminalSession.objects.create(scope=Scope.PAIR, pair=pair, reason="Wrong", at=NOON, lifted_at=NOON)


def test_the_same_id_again_returns_the_stored_session(pair):
    first, created = close(Scope.PAIR, pair, terminal_id="T-1")
    second, again = close(Scope.PAIR, pair, terminal_id="T-1")

    assert (first, created, again) == (second, True, False)


def test_the_same_id_with_other_facts_names_them(pair):
    close(Scope.PAIR, pair, terminal_id="T-1")

    with pytest.raises(terminal.ToldDifferently) as refusal:
        close(Scope.PAIR, pair, terminal_id="T-1", until=NOON + timedelta(days=1))
    assert list(refusal.value.details) == ["until"]
    with pytest.raises(terminal.ToldDifferently) as refusal:
        close(Scope.PAIR, pair, terminal_id="T-1", kind=TerminalKind.RETRY)
    assert list(refusal.value.details) == ["kind"]


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("reason", {"reason": " "}),
        ("until", {"until": NOON}),
        ("pair", {"subject": None}),
        ("scope", {"scope": Scope.EVERYONE}),
    ],
)
def test_nonsense_is_refused_by_field(pair, field, options):
    with pytest.raises(DomainError) as refusal:
        terminal.close(**{"scope": Scope.PAIR, "subject": pair, "reason": "Because", "at": NOON, **options})

    assert field in refusal.value.details


def test_the_database_refuses_a_scope_without_its_subject(pair):
    with pytest.raises(IntegrityError, match="calls_terminal_subject_of_scope"), transaction.atomic():
        TerminalSession.objects.create(scope=Scope.PROJECT, pair=pair, reason="Wrong", at=NOON)


@pytest.mark.parametrize("scope", Scope)
def test_whoever_does_not_see_a_subject_does_not_see_that_it_is_closed(scope):
    owner, stranger = UserFactory(bdr=True), UserFactory(bdr=True)
    pair = callable_pair(contact=ContactFactory(owner=owner, phone="+15125550171"), project=ProjectFactory(owner=owner))
    closing, _ = close(scope, pair)

    seers = [user for user in (owner, stranger, UserFactory(admin=True)) if _sees(user, closing)]

    assert (owner in seers, stranger in seers, len(seers)) == (
        True,
        scope == Scope.EVERYONE,
        2 + (scope == Scope.EVERYONE),
    )


def _sees(user, closing):
    return TerminalSession.objects.visible_to(user).filter(pk=closing.pk).exists()


@pytest.mark.parametrize("scope", Scope)
def test_of_two_that_end_together_the_first_is_named(scope, pair):
    first, *others = [close(scope, pair)[0] for _ in range(3)]

    point = first_point(pair.contact)
    approach = deciding.approach_of(pair=pair, contact_id=pair.contact_id, point=point)
    [verdict] = gate.decide([approach], asked=Asked(at=NOON, channel=Channel.CALL.value, user_id=None))

    assert len(others) == TerminalSession.objects.count() - 1 == 2
    assert verdict.facts[f"terminal.{scope}"] == str(first.pk)
