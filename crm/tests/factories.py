"""Made-up people, companies and projects. Only what is required, sensible links, no randomness."""

from typing import Any

import factory
import pghistory
from django.contrib.auth.models import Group
from factory.django import DjangoModelFactory

from config.kernel.ids import uuid7
from config.kernel.writing import birth, together
from crm.choices import Channel, EndpointKind, PointKind, Role, SuppressionReason
from crm.models import (
    Company,
    Consent,
    Contact,
    ContactAlias,
    ContactPoint,
    Endpoint,
    HoursProfile,
    IntakeRun,
    OtherName,
    Project,
    ProjectContact,
    ReviewItem,
    SourceRecord,
    Suppression,
    Touch,
    User,
)
from crm.services.normalization.companies import parse_company
from crm.services.normalization.emails import parse_email
from crm.services.normalization.phones import parse_phone
from crm.services.normalization.places import from_phone, profile_key

PASSWORD = "correct horse battery staple"
CENTRAL = "America/Chicago US-TX"


class Born(DjangoModelFactory):
    """Makes a row by one statement that PostgreSQL knows by heart: tests make tens of thousands. Where somebody acts,
    the ORM writes it, which tells the audit who."""

    class Meta:
        abstract = True

    @classmethod
    def _create(cls, model_class: type[Any], *args: Any, **fields: Any) -> Any:
        with pghistory.context() as told:
            if told.metadata:
                return super()._create(model_class, *args, **fields)
        row = model_class(*args, **fields)
        together(birth(row))
        return row


class UserFactory(DjangoModelFactory):
    """``UserFactory(admin=True)``, ``UserFactory(bdr=True)``; without a trait somebody who may do nothing."""

    class Meta:
        model = User

    class Params:
        admin = factory.Trait(role=Role.ADMIN.value, is_staff=True)
        bdr = factory.Trait(role=Role.BDR.value, is_staff=True)

    email = factory.Sequence("user{}@clearline.example".format)
    name = factory.Sequence("Rep Number {}".format)
    password = PASSWORD

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, role: str = "", **fields: Any) -> User:
        user = model_class.objects.create_user(*args, **fields)
        if role:
            user.groups.add(Group.objects.get(name=role))
        return user


class CompanyFactory(Born):
    class Meta:
        model = Company

    name = factory.Sequence("Company {} LLC".format)
    name_key = factory.LazyAttribute(lambda company: parse_company(company.name).key)


class HoursProfileFactory(DjangoModelFactory):
    """Somebody in Texas, in Central time, unless ``key`` says otherwise; "" is the unknown place."""

    class Meta:
        model = HoursProfile
        django_get_or_create = ("key",)

    key = CENTRAL


class EndpointFactory(Born):
    """A phone number of Austin with the hours of its area code; ``email=True`` makes a mailbox of it."""

    class Meta:
        model = Endpoint

    class Params:
        email = factory.Trait(
            kind=EndpointKind.EMAIL, value=factory.Sequence("person{}@example.com".format), hours_profile=None
        )

    kind = EndpointKind.PHONE
    value = factory.Sequence(lambda n: f"+1512{200 + n // 10000 % 800:03}{n % 10000:04}")
    hours_profile = factory.LazyAttribute(
        lambda line: (
            HoursProfileFactory(key=profile_key(from_phone(line.value))) if line.kind == EndpointKind.PHONE else None
        )
    )


class ContactFactory(Born):
    """A person; ``phone=`` and ``email=`` give them a primary point each, on that endpoint, made if new."""

    class Meta:
        model = Contact

    first_name = "Alex"
    last_name = factory.Sequence("Sample{}".format)
    name = factory.LazyAttribute(lambda person: f"{person.first_name} {person.last_name}".strip())

    @classmethod
    def _create(
        cls, model_class: type[Contact], *args: Any, phone: str = "", email: str = "", **fields: Any
    ) -> Contact:
        given = {kind: value for kind, value in ((EndpointKind.PHONE, phone), (EndpointKind.EMAIL, email)) if value}
        primary = {f"primary_{kind}": _normal(kind, value) for kind, value in given.items()}
        person = super()._create(model_class, *args, **{**fields, **primary})
        for kind, value in given.items():
            give_point(person, kind, value, is_primary=True)
        return person


def _normal(kind: str, value: str) -> str:
    return parse_phone(value).e164 if kind == EndpointKind.PHONE else parse_email(value)


def give_point(person: Contact, kind: str, value: str, **fields: Any) -> ContactPoint:
    """Let ``person`` be reached there; a primary point is copied to the contact, as the service would."""
    normal = _normal(kind, value)
    endpoint = Endpoint.objects.filter(kind=kind, value=normal).first()
    endpoint = endpoint or EndpointFactory(kind=kind, value=normal, owner=person)
    point = ContactPointFactory(contact=person, endpoint=endpoint, kind=kind, value_given=value, **fields)
    if point.is_primary and getattr(person, f"primary_{kind}") != normal:
        setattr(person, f"primary_{kind}", normal)
        person.save(update_fields=[f"primary_{kind}"])
    return point


class ContactPointFactory(Born):
    """A further number of a contact; not primary, so that it never collides with one that is."""

    class Meta:
        model = ContactPoint

    contact = factory.SubFactory(ContactFactory)
    endpoint = factory.SubFactory(EndpointFactory, owner=factory.SelfAttribute("..contact"))
    kind = factory.LazyAttribute(lambda point: point.endpoint.kind if point.endpoint else PointKind.ADDRESS)
    value_given = factory.LazyAttribute(lambda point: point.endpoint.value if point.endpoint else "")


class ContactAliasFactory(DjangoModelFactory):
    class Meta:
        model = ContactAlias

    value = factory.Sequence("alias-{}".format)
    contact = factory.SubFactory(ContactFactory)


class OtherNameFactory(DjangoModelFactory):
    class Meta:
        model = OtherName

    contact = factory.SubFactory(ContactFactory)
    name = factory.Sequence("Another Name{}".format)
    name_key = factory.LazyAttribute(lambda other: other.name.casefold())


class ProjectFactory(Born):
    class Meta:
        model = Project

    project_id = factory.Sequence("P-{}".format)
    name = factory.Sequence("Building {}".format)


class ProjectContactFactory(Born):
    """A contact with a number, in a project."""

    class Meta:
        model = ProjectContact

    project = factory.SubFactory(ProjectFactory)
    contact = factory.SubFactory(
        ContactFactory, phone=factory.Sequence(lambda n: f"+1737{200 + n // 10000 % 800:03}{n % 10000:04}")
    )
    roles = factory.LazyFunction(lambda: ["owner"])


class SuppressionFactory(DjangoModelFactory):
    """The row and, where it holds on every channel, the copy on its endpoint."""

    class Meta:
        model = Suppression

    endpoint = factory.SubFactory(EndpointFactory)
    reason = SuppressionReason.ASKED
    source = "test"

    @classmethod
    def _create(cls, model_class: type[Suppression], *args: Any, **fields: Any) -> Suppression:
        row = super()._create(model_class, *args, **fields)
        if not row.channel and not row.lifted_at and not row.endpoint.suppressed_at:
            row.endpoint.suppressed_at = row.at
            row.endpoint.save(update_fields=["suppressed_at"])
        return row


class ConsentFactory(DjangoModelFactory):
    class Meta:
        model = Consent

    contact = factory.SubFactory(ContactFactory)
    kind = "given"
    source = "test"


class TouchFactory(Born):
    """An outbound call. ``at`` is required: what a touch means depends on when it was."""

    class Meta:
        model = Touch

    contact = factory.SubFactory(ContactFactory)
    channel = Channel.CALL
    source = "test"
    source_id = factory.LazyFunction(uuid7)


class SourceRecordFactory(DjangoModelFactory):
    class Meta:
        model = SourceRecord

    source = "test"
    kind = "party"
    key = factory.Sequence("record-{}".format)
    hash = factory.LazyFunction(uuid7)
    raw = factory.LazyFunction(dict)


class IntakeRunFactory(DjangoModelFactory):
    class Meta:
        model = IntakeRun

    content_hash = factory.Sequence("{:064x}".format)
    feed = "test"
    feed_version = "1"
    source = "test"


class ReviewItemFactory(DjangoModelFactory):
    class Meta:
        model = ReviewItem

    kind = "two_owners"
    contact = factory.SubFactory(ContactFactory)
    source = "test"
