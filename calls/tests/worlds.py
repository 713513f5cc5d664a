"""Random small worlds in which everything collides: shared lines, closed scopes, touches at the edge of a window."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from hypothesis import strategies as st

from calls.choices import CooldownScope, Scope
from calls.models import CallingPolicy, Lease, TerminalLift, TerminalSession
from calls.services import deciding
from config.kernel.gate import Verdict
from config.kernel.ids import uuid7
from config.testing import NOON
from crm.choices import Channel, EndpointKind, PointState, SuppressionReason
from crm.models import Contact, ContactPoint, Endpoint, HoursProfile, Project, ProjectContact, Suppression, Touch, User

OPEN, SHUT = "America/Chicago US-TX", "Pacific/Guam US-GU"  # at NOON (18:00 UTC) it is 4 in the morning on Guam
HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)

WHEN = st.sampled_from([None, NOON - HOUR, NOON, NOON + TICK, NOON + HOUR])
AGES = st.sampled_from(
    [age + slip for age in (HOUR / 2, HOUR, 24 * HOUR, 25 * HOUR, 168 * HOUR) for slip in (-TICK, 0 * TICK, TICK)]
)
RARELY = st.sampled_from([False] * 7 + [True])


@dataclass
class Street:
    """People who may share lines; nobody of another street has one of theirs."""

    contacts: list[Contact]
    lines: list[Endpoint]


@dataclass
class World:
    """What was drawn: ask about ``pairs`` as ``user`` at NOON."""

    user: User
    others: list[User]
    projects: list[Project]
    streets: list[Street]
    points: list[ContactPoint]
    pairs: list[ProjectContact]

    @property
    def contacts(self) -> list[Contact]:
        return [contact for street in self.streets for contact in street.contacts]

    @property
    def lines(self) -> list[Endpoint]:
        return [line for street in self.streets for line in street.lines]

    def verdicts(self, *, user_id: UUID | None = None) -> dict[ProjectContact, list[Verdict]]:
        """What the pure face of the gate says of each pair with each of its numbers (or none), asked once for all."""
        points = deciding.points_of([contact.pk for contact in self.contacts])
        approaches = {
            pair: [
                deciding.approach_of(pair=pair, contact_id=pair.contact_id, point=point)
                for point in points[pair.contact_id] or [None]
            ]
            for pair in self.pairs
        }
        said = iter(deciding.judge([one for each in approaches.values() for one in each], user_id=user_id, at=NOON))
        return {pair: list(itertools.islice(said, len(each))) for pair, each in approaches.items()}


@contextmanager
def undone() -> Iterator[None]:
    """Whatever happens inside never was: one example leaves nothing to the next."""
    with transaction.atomic():
        try:
            yield
        finally:
            transaction.set_rollback(True)


def build(draw: st.DrawFn, streets: int = 3) -> World:
    """Draw a world and write it in bulk: a property needs many of them.

    Several streets, because a question costs the same for three as for one; they have projects and policies in common.
    """
    projects = Project.objects.bulk_create(
        Project(
            project_id=f"P-{number}",
            call_suppressed=draw(RARELY),
            next_call_eligible_at=draw(WHEN),
            deleted_at=NOON if draw(RARELY) else None,
        )
        for number in range(3)
    )
    contacts = [
        [
            Contact(name=f"Person {number}", do_not_call=draw(RARELY), deleted_at=NOON if draw(RARELY) else None)
            for number in range(draw(st.integers(1, 3)))
        ]
        for _ in range(streets)
    ]
    profiles = [HoursProfile.objects.get_or_create(key=key)[0] for key in (OPEN, SHUT)]
    lines = [
        [
            Endpoint(
                kind=EndpointKind.PHONE,
                value=f"+151255501{street}{number}",
                hours_profile=draw(st.sampled_from([profiles[0], profiles[0], profiles[1], None])),
                failed_until=draw(WHEN) if draw(RARELY) else None,
            )
            for number in range(3)
        ]
        for street in range(streets)
    ]
    Contact.objects.bulk_create(itertools.chain(*contacts))
    Endpoint.objects.bulk_create(itertools.chain(*lines))
    world = World(User(), [], projects, list(map(Street, contacts, lines)), [], [])
    world.points = ContactPoint.objects.bulk_create(
        ContactPoint(
            contact=contact,
            endpoint=line,
            kind=EndpointKind.PHONE,
            state=draw(st.sampled_from([PointState.GOOD] * 4 + [PointState.WRONG_PERSON])),
        )
        for street in world.streets
        for contact in street.contacts
        for line in draw(st.lists(st.sampled_from(street.lines), max_size=3, unique_by=id))
    )
    world.pairs = ProjectContact.objects.bulk_create(
        ProjectContact(
            project=project,
            contact=contact,
            suppress_for_project=draw(RARELY),
            callback_at=draw(WHEN) if draw(st.booleans()) else None,
        )
        for contact in world.contacts
        for project in draw(st.lists(st.sampled_from(projects), min_size=1, max_size=2, unique_by=id))
    )
    world.user, *world.others = User.objects.bulk_create(
        User(email=f"rep{number}@example.com", name=f"Rep {number}") for number in range(1 + streets)
    )
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
    scopes = [scope for scope in Scope if scope != Scope.EVERYONE] * (5 * len(world.streets)) + [Scope.EVERYONE]
    for _ in range(draw(st.integers(0, 3 * len(world.streets)))):
        scope = draw(st.sampled_from(scopes))
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
            contact=draw(st.sampled_from(street.contacts)),
            endpoint=draw(st.sampled_from(street.lines)),
            project=draw(st.sampled_from([*world.projects, None])),
            channel=draw(st.sampled_from([Channel.CALL, Channel.CALL, Channel.SMS])),
            at=NOON - draw(AGES),
            counts=not draw(RARELY),
            source="test",
            source_id=uuid7(),
        )
        for street in world.streets
        for _ in range(draw(st.integers(0, 6)))
    )


def _leases(world: World, draw: st.DrawFn) -> None:
    free = [world.user]  # nobody has two
    for street, other in zip(world.streets, world.others, strict=True):
        points = [point for point in world.points if point.contact in street.contacts]
        if not points or not draw(st.booleans()):
            continue
        point, user = draw(st.sampled_from(points)), draw(st.sampled_from([*free, other]))
        free = [one for one in free if one is not user]
        pair = next(pair for pair in world.pairs if pair.contact_id == point.contact_id)
        Lease.objects.create(
            pair=pair,
            contact_id=pair.contact_id,
            endpoint_id=point.endpoint_id,
            user=user,
            taken_at=NOON - HOUR,
            expires_at=draw(st.sampled_from([NOON, NOON + TICK, NOON + HOUR])),
            decision_id=uuid7(),
        )
