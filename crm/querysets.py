"""The language in which crm is asked. Every word returns a queryset, so words make sentences."""

from datetime import datetime
from typing import TYPE_CHECKING, Self, TypeVar

from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.aggregates import BoolOr
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from config.kernel.gate import Asked, gate
from crm.choices import REACHED_BY, Channel, EndpointKind, PointState

if TYPE_CHECKING:
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
        User,
    )

RowT = TypeVar("RowT", bound=models.Model)


def owned_or_free(user: "User", *paths: str) -> Q:
    """Rows whose owner, at every path, is ``user`` or nobody."""
    seen = Q()
    for path in paths:
        seen &= Q(**{path: user.pk}) | Q(**{f"{path}__isnull": True})
    return seen


class Visible(models.QuerySet[RowT]):
    """Adds ``visible_to``: a BDR sees what they own or nobody owns; out of scope looks like not existing."""

    owners: tuple[str, ...] = ()

    def visible_to(self, user: "User | AnonymousUser") -> Self:
        if isinstance(user, AnonymousUser) or not user.is_active:
            return self.none()
        return self if user.sees_everything else self.filter(owned_or_free(user, *self.owners))


class CompanyQuerySet(Visible["Company"]):
    if TYPE_CHECKING:
        _row: "Company"

    def named(self, key: str) -> Self:
        return self.filter(name_key=key)


class ContactQuerySet(Visible["Contact"]):
    owners = ("owner",)
    if TYPE_CHECKING:
        _row: "Contact"

    def alive(self) -> Self:
        return self.filter(deleted_at=None)


class ProjectQuerySet(Visible["Project"]):
    owners = ("owner",)
    if TYPE_CHECKING:
        _row: "Project"

    def alive(self) -> Self:
        return self.filter(deleted_at=None)


class NoticeQuerySet(Visible["Notice"]):
    owners = ("user",)
    if TYPE_CHECKING:
        _row: "Notice"

    def unseen(self) -> Self:
        return self.filter(seen_at=None)


class EndpointQuerySet(Visible["Endpoint"]):
    if TYPE_CHECKING:
        _row: "Endpoint"

    def phones(self) -> Self:
        return self.filter(kind=EndpointKind.PHONE)

    def visible_to(self, user: "User | AnonymousUser") -> Self:
        """Endpoints that reach at least one contact whom ``user`` sees, and those that nobody uses."""
        seen = super().visible_to(user)
        if isinstance(user, AnonymousUser) or user.sees_everything:
            return seen
        # One aggregate per line: two EXISTS joined by OR would be hashed, over all points there are.
        points = apps.get_model("crm", "ContactPoint").objects.filter(endpoint=OuterRef("pk")).order_by()
        reached = points.values("endpoint").annotate(seen=BoolOr(owned_or_free(user, "contact__owner"))).values("seen")
        return seen.filter(Coalesce(Subquery(reached), Q(owner=None), output_field=models.BooleanField()))


class ContactPointQuerySet(Visible["ContactPoint"]):
    owners = ("contact__owner",)
    if TYPE_CHECKING:
        _row: "ContactPoint"

    def alive(self) -> Self:
        """Points of people who were not deleted."""
        return self.filter(contact__deleted_at=None)

    def reaching(self, channel: str) -> Self:
        """Points that ``channel`` can use at all."""
        return self.filter(kind=REACHED_BY[Channel(channel)].value, endpoint__isnull=False)

    def good(self) -> Self:
        return self.filter(state=PointState.GOOD)

    def passing(self, asked: Asked) -> Self:
        """Points that no endpoint rule excludes."""
        points = self.reaching(asked.channel)
        for _, blocked in gate.exclusions(asked, endpoints=True):
            points = points.filter(~blocked)
        return points

    def primary_first(self) -> Self:
        return self.order_by(F("is_primary").desc(), F("verified_at").desc(nulls_last=True), "id")


class ProjectContactQuerySet(Visible["ProjectContact"]):
    owners = ("contact__owner", "project__owner")
    if TYPE_CHECKING:
        _row: "ProjectContact"

    def alive(self) -> Self:
        return self.filter(contact__deleted_at=None, project__deleted_at=None)

    @staticmethod
    def shows(pair: "ProjectContact", user: "User") -> bool:
        """Whether ``visible_to(user)`` has ``pair``, by the owners that were read with it."""
        owners = {pair.contact.owner_id, pair.project.owner_id}
        return user.is_active and (user.sees_everything or owners <= {None, user.pk})

    def unblocked(self, asked: Asked) -> Self:
        """Pairs that no rule of world, project, contact or pair excludes."""
        pairs = self
        for _, blocked in gate.exclusions(asked, endpoints=False):
            pairs = pairs.filter(~blocked)
        return pairs

    def callable(self, asked: Asked) -> Self:
        """The set face of the whole gate: unblocked, and some point of the contact passes every endpoint rule."""
        points = apps.get_model("crm", "ContactPoint").objects.filter(contact=OuterRef("contact_id"))
        return self.unblocked(asked).filter(Exists(points.passing(asked)))

    def hinted(self, at: datetime) -> Self:
        """Pairs whose hint says that they may be callable at ``at``."""
        return self.filter(callable_from__lte=at)


class SuppressionQuerySet(Visible["Suppression"]):
    if TYPE_CHECKING:
        _row: "Suppression"

    def standing(self) -> Self:
        return self.filter(lifted_at=None)

    def on(self, channel: str) -> Self:
        return self.filter(channel__in=["", channel])

    def visible_to(self, user: "User | AnonymousUser") -> Self:
        seen = super().visible_to(user)
        if isinstance(user, AnonymousUser) or user.sees_everything:
            return seen
        endpoints = apps.get_model("crm", "Endpoint").objects.visible_to(user)
        return seen.filter(endpoint__in=endpoints)


class TouchQuerySet(Visible["Touch"]):
    owners = ("contact__owner",)
    if TYPE_CHECKING:
        _row: "Touch"

    def counting(self) -> Self:
        return self.filter(counts=True)

    def since(self, moment: datetime) -> Self:
        """Touches after ``moment``, not at it: windows are half-open."""
        return self.filter(at__gt=moment)


class GateDecisionQuerySet(Visible["GateDecision"]):
    owners = ("contact__owner",)
    if TYPE_CHECKING:
        _row: "GateDecision"


class ConsentQuerySet(Visible["Consent"]):
    owners = ("contact__owner",)
    if TYPE_CHECKING:
        _row: "Consent"


class SourceRecordQuerySet(Visible["SourceRecord"]):
    owners = ("contact__owner", "project__owner")
    if TYPE_CHECKING:
        _row: "SourceRecord"


class ReviewItemQuerySet(Visible["ReviewItem"]):
    owners = ("contact__owner", "other__owner", "project__owner")
    if TYPE_CHECKING:
        _row: "ReviewItem"


class AuditEventQuerySet(Visible["AuditEvent"]):
    owners = ()
    if TYPE_CHECKING:
        _row: "AuditEvent"

    def visible_to(self, user: "User | AnonymousUser") -> Self:
        """Everything for those who see everything; for others what they did themselves."""
        if isinstance(user, AnonymousUser) or not user.is_active:
            return self.none()
        return self if user.sees_everything else self.filter(actor=user.pk)


class IntakeRunQuerySet(Visible["IntakeRun"]):
    if TYPE_CHECKING:
        _row: "IntakeRun"


class HoursProfileQuerySet(Visible["HoursProfile"]):
    if TYPE_CHECKING:
        _row: "HoursProfile"
