"""Who sees what: an admin everything, a BDR what they own or nobody owns, everybody else nothing."""

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser

from config.kernel.audit import acting
from config.kernel.ids import uuid7
from crm.models import (
    AuditEvent,
    Company,
    Consent,
    Contact,
    ContactPoint,
    Endpoint,
    GateDecision,
    HoursProfile,
    IntakeRun,
    Notice,
    Project,
    ProjectContact,
    ReviewItem,
    SourceRecord,
    Suppression,
    Touch,
)
from crm.tests.factories import (
    CompanyFactory,
    ConsentFactory,
    ContactFactory,
    ContactPointFactory,
    EndpointFactory,
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

pytestmark = pytest.mark.django_db


def decision(owner, at):
    told = {"at": at, "action": "dial", "channel": "call", "allowed": True, "ruleset": "r", "zones": "z"}
    return GateDecision.objects.create(id=uuid7(), contact=ContactFactory(owner=owner), **told)


def point(owner):
    return ContactPointFactory(contact=ContactFactory(owner=owner))


# A row that hangs on somebody's contact or project, or on nobody's.
OWNED = {
    Contact: lambda owner, at: ContactFactory(owner=owner),
    Project: lambda owner, at: ProjectFactory(owner=owner),
    ContactPoint: lambda owner, at: point(owner),
    Endpoint: lambda owner, at: point(owner).endpoint,
    Suppression: lambda owner, at: SuppressionFactory(endpoint=point(owner).endpoint),
    Touch: lambda owner, at: TouchFactory(contact=ContactFactory(owner=owner), at=at),
    Consent: lambda owner, at: ConsentFactory(contact=ContactFactory(owner=owner)),
    GateDecision: decision,
    ProjectContact: lambda owner, at: ProjectContactFactory(contact__owner=owner, project__owner=owner),
    SourceRecord: lambda owner, at: SourceRecordFactory(contact=ContactFactory(owner=owner)),
    ReviewItem: lambda owner, at: ReviewItemFactory(contact=ContactFactory(owner=owner)),
}
SHARED = {
    Company: lambda: CompanyFactory(),
    HoursProfile: lambda: HoursProfileFactory(),
    IntakeRun: lambda: IntakeRunFactory(),
}
SPECIAL = {AuditEvent, Notice}  # a notice is always somebody's


def test_every_queryset_that_hides_rows_is_in_this_matrix():
    hiding = {
        model
        for model in apps.get_app_config("crm").get_models()
        if hasattr(model._default_manager.none(), "visible_to")
    }

    assert hiding == {*OWNED, *SHARED, *SPECIAL}


@pytest.fixture
def users():
    return {
        "admin": UserFactory(admin=True),
        "superuser": UserFactory(is_superuser=True),
        "owner": UserFactory(bdr=True),
        "other": UserFactory(bdr=True),
        "inactive admin": UserFactory(admin=True, is_active=False),
        "inactive owner": UserFactory(bdr=True, is_active=False),
        "anonymous": AnonymousUser(),
    }


SEES = {
    "admin": {"owner's", "other's", "nobody's", "inactive owner's"},
    "superuser": {"owner's", "other's", "nobody's", "inactive owner's"},
    "owner": {"owner's", "nobody's"},
    "other": {"other's", "nobody's"},
    "inactive admin": set(),
    "inactive owner": set(),
    "anonymous": set(),
}


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__name__)
def test_one_sees_what_one_owns_or_nobody_owns_and_the_rest_does_not_exist(model, users, at):
    rows = {OWNED[model](users[name], at).pk: f"{name}'s" for name in ("owner", "other", "inactive owner")}
    rows[OWNED[model](None, at).pk] = "nobody's"

    for name, user in users.items():
        seen = model.objects.visible_to(user)

        assert {rows[pk] for pk in seen.values_list("pk", flat=True) if pk in rows} == SEES[name], name
        for pk, whose in rows.items():
            assert seen.filter(pk=pk).exists() is (whose in SEES[name])
            if whose not in SEES[name]:
                with pytest.raises(model.DoesNotExist):
                    seen.get(pk=pk)


@pytest.mark.parametrize("model", SHARED, ids=lambda model: model.__name__)
def test_what_belongs_to_everybody_is_seen_by_whoever_works_here(model, users):
    row = SHARED[model]()

    seers = {name for name, user in users.items() if model.objects.visible_to(user).filter(pk=row.pk).exists()}

    assert seers == {"admin", "superuser", "owner", "other"}


def test_of_the_audit_a_bdr_sees_their_own_deeds(users):
    for name in ("owner", "other"):
        with acting(user=users[name].pk):
            ContactFactory()

    def actors(name):
        events = AuditEvent.objects.visible_to(users[name]).filter(entity="crm.contact")
        return {event.actor for event in events}

    assert actors("owner") == {users["owner"]}
    assert actors("admin") == {users["owner"], users["other"]}
    assert actors("inactive owner") == actors("anonymous") == set()


def test_a_pair_is_seen_only_by_who_sees_both_its_contact_and_its_project(users):
    owner, other = users["owner"], users["other"]
    crossed = ProjectContactFactory(contact__owner=owner, project__owner=other)
    half = ProjectContactFactory(contact__owner=owner, project__owner=None)

    def seen(user):
        return set(ProjectContact.objects.visible_to(user))

    assert seen(owner) == {half}
    assert seen(other) == set()
    assert seen(users["admin"]) == {crossed, half}
    for user in [known for name, known in users.items() if name != "anonymous"]:
        assert {pair for pair in (crossed, half) if ProjectContact.objects.shows(pair, user)} == seen(user)


def test_a_shared_line_and_its_suppression_are_seen_by_each_who_sees_somebody_on_it(users):
    for name in ("owner", "other"):
        ContactFactory(phone="+15125550134", owner=users[name])
    line = Endpoint.objects.get()
    suppression = SuppressionFactory(endpoint=line)

    for name in ("owner", "other"):
        assert list(Endpoint.objects.visible_to(users[name])) == [line]
        assert list(Suppression.objects.visible_to(users[name])) == [suppression]
    stranger = UserFactory(bdr=True)
    assert not Endpoint.objects.visible_to(stranger).exists()
    assert not Suppression.objects.visible_to(stranger).exists()


def test_a_line_that_nobody_uses_belongs_to_nobody(users):
    line, theirs = EndpointFactory(), EndpointFactory(owner=ContactFactory(owner=users["other"]))
    suppression = SuppressionFactory(endpoint=line)

    assert list(Endpoint.objects.visible_to(users["owner"])) == [line]
    assert list(Suppression.objects.visible_to(users["owner"])) == [suppression]
    assert set(Endpoint.objects.visible_to(users["admin"])) == {line, theirs}
    assert not Endpoint.objects.visible_to(users["inactive owner"]).exists()


def test_a_review_of_two_people_is_seen_by_who_sees_both(users):
    item = ReviewItemFactory(contact=ContactFactory(owner=users["owner"]), other=ContactFactory(owner=users["other"]))

    assert not ReviewItem.objects.visible_to(users["owner"]).exists()
    assert ReviewItem.objects.visible_to(users["admin"]).get() == item


def test_deleted_rows_are_hidden_by_being_deleted_not_by_scope(users, at):
    gone = ContactFactory(owner=users["owner"], deleted_at=at)

    assert Contact.objects.visible_to(users["owner"]).get() == gone
    assert not Contact.objects.visible_to(users["owner"]).alive().exists()
