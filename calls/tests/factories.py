"""Made-up telephone work. Only what is required, sensible links, no randomness."""

from datetime import timedelta
from typing import Any

import factory
from factory.django import DjangoModelFactory

from calls.choices import CallSource, Direction, EventKind, Scope
from calls.models import CallEvent, CallingPolicy, CallSession, Disposition, Lease, TerminalSession
from calls.services import hints, status
from config.kernel.ids import uuid7
from config.testing import NOON
from crm.models import Contact, ContactPoint, ProjectContact
from crm.tests.factories import ProjectContactFactory, UserFactory


class DispositionFactory(DjangoModelFactory):
    class Meta:
        model = Disposition

    name = factory.Sequence("Outcome {}".format)


class CallingPolicyFactory(DjangoModelFactory):
    """The policy for all, changed; ``project=`` makes one of a project's own."""

    class Meta:
        model = CallingPolicy
        django_get_or_create = ("project",)

    project = None

    @classmethod
    def _create(cls, model_class: type[CallingPolicy], *args: Any, project: Any = None, **terms: Any) -> CallingPolicy:
        row, _ = model_class.objects.update_or_create(project=project, defaults=terms)
        return row


class TerminalSessionFactory(DjangoModelFactory):
    """Closes its ``pair`` for ever, unless told otherwise."""

    class Meta:
        model = TerminalSession

    scope = Scope.PAIR
    reason = "Asked us to stop"
    at = NOON - timedelta(days=1)


class LeaseFactory(DjangoModelFactory):
    class Meta:
        model = Lease

    pair = factory.SubFactory(ProjectContactFactory)
    contact = factory.SelfAttribute("pair.contact")
    endpoint = factory.LazyAttribute(lambda lease: first_point(lease.contact).endpoint)
    user = factory.SubFactory(UserFactory)
    taken_at = NOON
    expires_at = NOON + timedelta(minutes=5)
    decision_id = factory.LazyFunction(uuid7)


class CallSessionFactory(DjangoModelFactory):
    """A call that was dialed at noon, with its first event and its status."""

    class Meta:
        model = CallSession

    call_session_id = factory.Sequence("call-{}".format)
    pair = factory.SubFactory(ProjectContactFactory)
    contact = factory.SelfAttribute("pair.contact")
    project = factory.SelfAttribute("pair.project")
    rep = factory.SubFactory(UserFactory, bdr=True)
    point = factory.LazyAttribute(lambda call: first_point(call.contact))
    endpoint = factory.LazyAttribute(lambda call: call.point.endpoint if call.point else None)
    number = factory.LazyAttribute(lambda call: str(call.point or ""))
    direction = Direction.OUTBOUND
    initiated_at = NOON
    source = CallSource.DESK

    @classmethod
    def _create(cls, model_class: type[CallSession], *args: Any, **fields: Any) -> CallSession:
        session = super()._create(model_class, *args, **fields)
        CallEvent.objects.create(session=session, kind=EventKind.INITIATED, at=session.initiated_at)
        status.rebuild(session)
        return session


def first_point(contact: Contact) -> ContactPoint:
    point = ContactPoint.objects.filter(contact=contact, kind="phone").primary_first().first()
    assert point
    return point


def callable_pair(**fields: Any) -> ProjectContact:
    """A pair in Austin whom anybody may call at noon, with true hints."""
    pair = ProjectContactFactory(**fields)
    hints.refresh(at=NOON, pair_ids=[pair.pk])
    pair.refresh_from_db()
    return pair
