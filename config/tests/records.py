"""Rows for every resource of the API, each reached through a contact or project that ``owner`` owns."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from calls.choices import EventKind, Scope
from calls.models import CallEvent, CallingHours, CallStatus, TerminalLift
from calls.tests.factories import (
    CallingPolicyFactory,
    CallSessionFactory,
    DispositionFactory,
    LeaseFactory,
    TerminalSessionFactory,
)
from campaigns.models import (
    CallTask,
    Campaign,
    Conversation,
    Enrollment,
    EnrollmentRun,
    Execution,
    LedgerDay,
    Message,
    SendingAccount,
    SendingStop,
    Template,
)
from campaigns.services import campaigns, contents, statuses, templates
from campaigns.tests.drawings import drawing, node
from config.kernel.ids import uuid7
from config.testing import NOON
from crm.models import AuditEvent, Contact, ContactPoint, GateDecision, Notice, Project, ProjectContact
from crm.tests.factories import (
    CompanyFactory,
    ConsentFactory,
    ContactFactory,
    HoursProfileFactory,
    IntakeRunFactory,
    ProjectContactFactory,
    ProjectFactory,
    ReviewItemFactory,
    SourceRecordFactory,
    SuppressionFactory,
    TouchFactory,
    UserFactory,
)

Make = Callable[[Any], Any]
_numbers = iter(range(10_000, 99_999))


def contact(owner: Any) -> Contact:
    return ContactFactory(owner=owner, phone=f"+1303{next(_numbers):07}"[:12].replace("+13030", "+13032"))


def project(owner: Any) -> Project:
    return ProjectFactory(owner=owner)


def pair(owner: Any) -> ProjectContact:
    return ProjectContactFactory(project=project(owner), contact=contact(owner))


def point(owner: Any) -> ContactPoint:
    found = contact(owner).points.first()
    assert found
    return found


def decision(owner: Any) -> GateDecision:
    return GateDecision.objects.create(
        id=uuid7(), at=NOON, action="dial", channel="call", allowed=False, codes=["do_not_call"],
        contact=contact(owner), facts={"contact.do_not_call": True}, ruleset="x", zones="x",
    )  # fmt: skip


def change(owner: Any) -> AuditEvent:
    row = contact(owner)
    row.title = "Foreman"
    row.save()
    return AuditEvent.objects.get(entity_id=row.pk, operation="update", new__has_key="title")


def call(owner: Any) -> Any:
    session = CallSessionFactory(pair=pair(owner))
    CallEvent.objects.create(session=session, kind=EventKind.RINGING, at=NOON + timedelta(seconds=3))
    return session


def hours(owner: Any) -> CallingHours:
    return CallingHours.objects.create(
        rule_id=f"TEST-{next(_numbers)}", jurisdiction="US-TX", channels=["call"], windows=["09:00-21:00"] * 7,
        verified_on=date(2026, 1, 1), expires_on=date(2027, 1, 1), source="A made-up law",
    )  # fmt: skip


def closed(owner: Any) -> Any:
    return TerminalSessionFactory(scope=Scope.CONTACT, contact=contact(owner))


def lease(owner: Any) -> Any:
    # The API lists live leases only, and asks the clock.
    return LeaseFactory(pair=pair(owner), expires_at=NOON + timedelta(days=36_500))


def template() -> Template:
    return templates.create(name=f"Template {next(_numbers)}", drawing=drawing(node("end", "exit")), by=None, at=NOON)


def campaign(owner: Any) -> Campaign:
    version = templates.publish(row=template(), by=None, at=NOON)
    return campaigns.create(
        name=f"Campaign {next(_numbers)}", version=version, owner=owner, sender=owner, by=None, at=NOON
    )


def walk(owner: Any) -> Enrollment:
    row = campaign(owner)
    return Enrollment.objects.create(campaign=row, graph=row.graph, contact=contact(owner), enrolled_at=NOON)


def task(owner: Any) -> CallTask:
    row = walk(owner)
    where = row.graph.nodes.get()
    return CallTask.objects.create(enrollment=row, node=where, visit=1, contact=row.contact, priority=2)


def conversation(owner: Any) -> Conversation:
    return Conversation.objects.create(contact=contact(owner), last_at=NOON, last_direction="inbound")


def message(owner: Any) -> Message:
    thread = conversation(owner)
    return Message.objects.create(
        direction="inbound", channel="sms", contact=thread.contact, conversation=thread, body="Yes",
        state="received", not_before=NOON,
    )  # fmt: skip


def account(owner: Any) -> SendingAccount:
    return SendingAccount.objects.create(
        name="Line", channel="sms", provider="sms", address=f"+1512555{next(_numbers)}"
    )


def notice(owner: Any) -> Notice:
    return Notice.objects.create(user=owner or UserFactory(bdr=True), at=NOON, text="It is done.")


MAKE: dict[str, Make] = {
    "users": lambda owner: UserFactory(bdr=True),
    "companies": lambda owner: CompanyFactory(),
    "contacts": contact,
    "contact-points": point,
    "endpoints": lambda owner: point(owner).endpoint,
    "projects": project,
    "project-contacts": pair,
    "source-records": lambda owner: SourceRecordFactory(contact=contact(owner), raw={"name": "Somebody"}),
    "suppressions": lambda owner: SuppressionFactory(endpoint=point(owner).endpoint),
    "consents": lambda owner: ConsentFactory(contact=contact(owner)),
    "touches": lambda owner: TouchFactory(contact=contact(owner), at=NOON),
    "gate-decisions": decision,
    "audit-log": change,
    "review-items": lambda owner: ReviewItemFactory(contact=contact(owner)),
    "intake-runs": lambda owner: IntakeRunFactory(),
    "hours-profiles": lambda owner: HoursProfileFactory(key=f"America/Chicago US-{next(_numbers)}"),
    "call-sessions": call,
    "call-events": lambda owner: call(owner).events.first(),
    "call-statuses": lambda owner: CallStatus.objects.get(session=call(owner)),
    "terminal-sessions": closed,
    "terminal-lifts": lambda owner: TerminalLift.objects.create(session=closed(owner), at=NOON, reason="A mistake"),
    "dispositions": lambda owner: DispositionFactory(),
    "calling-policies": lambda owner: CallingPolicyFactory(project=project(owner)),
    "calling-hours": hours,
    "leases": lease,
    "notices": notice,
    "campaigns": campaign,
    "enrollments": walk,
    "enrollment-runs": lambda owner: EnrollmentRun.objects.create(campaign=campaign(owner), audience={"contacts": []}),
    "executions": lambda owner: Execution.objects.create(campaign=campaign(owner)),
    "call-tasks": task,
    "conversations": conversation,
    "messages": message,
    "ledger-days": lambda owner: LedgerDay.objects.create(
        provider=f"provider-{next(_numbers)}", day=NOON.date(), tried_at=NOON, compared_at=NOON
    ),
    "sending-accounts": account,
    "sending-stops": lambda owner: SendingStop.objects.create(reason="Wrong text", at=NOON, lifted_at=NOON),
    "templates": lambda owner: template(),
    "template-versions": lambda owner: templates.publish(row=template(), by=None, at=NOON),
    "graphs": lambda owner: template().draft,
    "contents": lambda owner: contents.put(key=f"text-{next(_numbers)}", channel="sms", name="A", body="A", at=NOON)[0],
    "enrollment-statuses": lambda owner: statuses.put(name=f"Status {next(_numbers)}", at=NOON)[0],
}
EVERYBODYS = {"companies", "hours-profiles", "dispositions", "calling-hours"} | {
    *("templates", "template-versions", "graphs", "contents", "enrollment-statuses", "sending-stops"),
}
THEIR_OWN = {"notices"}  # each is somebody's
ADMINS = {"audit-log", "intake-runs", "sending-accounts", "ledger-days"}  # a BDR has no permission to look
