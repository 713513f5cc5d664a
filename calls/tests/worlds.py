"""Random small worlds in which everything collides: shared lines, closed scopes, touches at the edge of a window."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from hypothesis import strategies as st

from calls.choices import CooldownScope, Scope
from calls.models import CallingPolicy, Lease, TerminalLift, TerminalSession
from config.kernel.ids import uuid7
from config.testing import NOON
from crm.choices import Channel, EndpointKind, PointState, SuppressionReason
from crm.models import (
    Contact,
    ContactPoint,
    Endpoint,
    HoursProfile,
    Project,
    ProjectContact,
    Suppression,
    Touch,
    User,
)

OPEN, SHUT = "America/Chicago US-TX", "Pacific/Guam US-GU"  # at NOON (18:00 UTC) it is 4 in the morning on Guam
HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)

WHEN = st.sampled_from([None, NOON - HOUR, NOON, NOON + TICK, NOON + HOUR])
AGES = st.sampled_from(
    [age + slip for age in (HOUR / 2, HOUR, 24 * HOUR, 25 * HOUR, 168 * HOUR) for slip in (-TICK, 0 * TICK, TICK)]
)
RARELY = st.sampled_from([False] * 7 + [True])


@dataclass
class World:
    """What was drawn: ask about ``pairs`` as ``user`` at NOON."""

    user: User
    other: User
    projects: list[Project]
    contacts: list[Contact]
    lines: list[Endpoint]
    points: list[ContactPoint]
    pairs: list[ProjectContact]


@contextmanager
def undone() -> Iterator[None]:
    """Whatever happens inside never was: one example leaves nothing to the next."""
    with transaction.atomic():
        try:
            yield
        finally:
            transaction.set_rollback(True)


def build(draw: st.DrawFn) -> World:
    """Draw a world and write it in bulk: a property needs hundreds of them."""
    projects = Project.objects.bulk_create(
        Project(
            project_id=f"P-{number}",
            call_suppressed=draw(RARELY),
            next_call_eligible_at=draw(WHEN),
            deleted_at=NOON if draw(RARELY) else None,
        )
        for number in range(2)
    )
    contacts = Contact.objects.bulk_create(
        Contact(name=f"Person {number}", do_not_call=draw(RARELY), deleted_at=NOON if draw(RARELY) else None)
        for number in range(draw(st.integers(1, 3)))
    )
    profiles = [HoursProfile.objects.get_or_create(key=key)[0] for key in (OPEN, SHUT)]
    lines = Endpoint.objects.bulk_create(
        Endpoint(
            kind=EndpointKind.PHONE,
            value=f"+1512555010{number}",
            hours_profile=draw(st.sampled_from([profiles[0], profiles[0], profiles[1], None])),
            failed_until=draw(WHEN) if draw(RARELY) else None,
        )
        for number in range(3)
    )
    points = ContactPoint.objects.bulk_create(
        ContactPoint(
            contact=contact,
            endpoint=line,
            kind=EndpointKind.PHONE,
            state=draw(st.sampled_from([PointState.GOOD] * 4 + [PointState.WRONG_PERSON])),
        )
        for contact in contacts
        for line in draw(st.lists(st.sampled_from(lines), max_size=3, unique_by=id))
    )
    pairs = ProjectContact.objects.bulk_create(
        ProjectContact(
            project=project,
            contact=contact,
            suppress_for_project=draw(RARELY),
            callback_at=draw(WHEN) if draw(st.booleans()) else None,
        )
        for contact in contacts
        for project in draw(st.lists(st.sampled_from(projects), min_size=1, max_size=2, unique_by=id))
    )
    users = User.objects.bulk_create(
        User(email=f"rep{number}@example.com", name=f"Rep {number}") for number in range(2)
    )
    world = World(users[0], users[1], projects, contacts, lines, points, pairs)
    _policies(world, draw)
    _closures(world, draw)
    _touches(world, draw)
    _leases(world, draw)
    return world


def _policies(world: World, draw: st.DrawFn) -> None:
    CallingPolicy.objects.all().delete()
    CallingPolicy.objects.bulk_create(
        CallingPolicy(
            project=project,
            cooldown=draw(st.sampled_from([timedelta(0), HOUR, 24 * HOUR])),
            cooldown_scope=draw(st.sampled_from(CooldownScope.values)),
            day_cap=draw(st.integers(1, 3)),
            week_cap=draw(st.integers(1, 4)),
        )
        for project in [None, *world.projects]
        if project is None or draw(st.booleans())
    )


def _closures(world: World, draw: st.DrawFn) -> None:
    subjects = {
        Scope.PROJECT: world.projects,
        Scope.CONTACT: world.contacts,
        Scope.PAIR: world.pairs,
        Scope.ENDPOINT: world.lines,
        Scope.EVERYONE: [None],
    }
    sessions, lifted = [], []
    for _ in range(draw(st.integers(0, 3))):
        scope = draw(st.sampled_from([scope for scope in Scope if scope != Scope.EVERYONE] * 5 + [Scope.EVERYONE]))
        subject = draw(st.sampled_from(subjects[scope]))
        named = {} if scope == Scope.EVERYONE else {scope.value: subject}
        begun, lifts = NOON - timedelta(days=1), draw(RARELY)
        sessions.append(TerminalSession(scope=scope, reason="Closed", at=begun, until=draw(WHEN), **named))
        lifted += [TerminalLift(session=sessions[-1], at=NOON, reason="A mistake")] if lifts else []
    TerminalSession.objects.bulk_create(sessions)
    TerminalLift.objects.bulk_create(lifted)
    Suppression.objects.bulk_create(
        Suppression(
            endpoint=line,
            channel=draw(st.sampled_from(["", Channel.CALL.value, Channel.SMS.value])),
            reason=SuppressionReason.ASKED,
            source="test",
        )
        for line in world.lines
        if draw(RARELY)
    )


def _touches(world: World, draw: st.DrawFn) -> None:
    Touch.objects.bulk_create(
        Touch(
            contact=draw(st.sampled_from(world.contacts)),
            endpoint=draw(st.sampled_from(world.lines)),
            project=draw(st.sampled_from([*world.projects, None])),
            channel=draw(st.sampled_from([Channel.CALL, Channel.CALL, Channel.SMS])),
            at=NOON - draw(AGES),
            counts=not draw(RARELY),
            source="test",
            source_id=uuid7(),
        )
        for _ in range(draw(st.integers(0, 6)))
    )


def _leases(world: World, draw: st.DrawFn) -> None:
    if world.points and draw(st.booleans()):
        point = draw(st.sampled_from(world.points))
        pair = next(pair for pair in world.pairs if pair.contact_id == point.contact_id)
        Lease.objects.create(
            pair=pair,
            contact_id=pair.contact_id,
            endpoint_id=point.endpoint_id,
            user=draw(st.sampled_from([world.user, world.other])),
            taken_at=NOON - HOUR,
            expires_at=draw(st.sampled_from([NOON, NOON + TICK, NOON + HOUR])),
            decision_id=uuid7(),
        )
