"""People, how they are reached, and who works here."""

from typing import Any

from rest_framework import status
from rest_framework.decorators import action
from rest_framework.response import Response

from config.kernel.api.resources import Listed, Resource, Retrieved, in_time
from config.kernel.api.writing import Told
from config.kernel.transactions import atomic_with_retries
from crm.api import filters, inputs, readings
from crm.choices import PointState
from crm.models import Company, Contact, ContactPoint, Endpoint, User
from crm.services import accounts, deleting, editing, handing, points


class CompanyViewSet(Listed, Retrieved, Resource):
    """Organizations."""

    queryset = Company.objects.none()
    reading = readings.CompanyReading
    told = inputs.CompanyTold
    changes = inputs.CompanyChanges
    filterset_class = filters.CompanyFilter
    ordering_fields = ("id", "name")
    how_to_change = "A company is not deleted, because its contacts would lose it: PATCH it instead."

    def create(self, request: Any) -> Response:
        """Make a company, or add to the one with this ``external_id``, without one to the one of this name."""
        row, created = editing.create_company(**self.asked(), by=request.user, at=self.at)
        return self.written(row, created=created)

    def partial_update(self, request: Any, pk: str) -> Response:
        row = editing.edit(row=self.get_object(), changes=self.asked(), by=request.user, at=self.at)
        return Response(self.shown(row.pk))


class ContactViewSet(Listed, Retrieved, Resource):
    """People, with the flags that say whether they may be approached."""

    queryset = Contact.objects.none()
    reading = readings.ContactReading
    reading_one = readings.OneContactReading
    told = inputs.ContactTold
    changes = inputs.ContactChanges
    takes = {"restore": Told}
    needs = {"restore": ["crm.delete_contact"]}
    filterset_class = filters.ContactFilter
    ordering_fields = ("id", "name", "updated_at", "lifecycle")

    def get_queryset(self) -> Any:
        return Contact.objects.visible_to(self.request.user).alive()

    def create(self, request: Any) -> Response:
        """Make a contact, or add to whom ``contact_id``, phone or e-mail address mean. A blank never overwrites."""
        row, created = editing.create_contact(**self.asked(), by=request.user, at=self.at)
        return self.written(row, created=created)

    def partial_update(self, request: Any, pk: str) -> Response:
        row = editing.edit(row=self.get_object(), changes=self.asked(), by=request.user, at=self.at)
        return Response(self.shown(row.pk))

    def destroy(self, request: Any, pk: str) -> Response:
        """Delete softly: nobody approaches them any more, and what happened stays."""
        deleting.delete(row=self.get_object(), by=request.user, at=self.at)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @action(detail=True, methods=["post"])
    def restore(self, request: Any, pk: str) -> Response:
        """Bring a deleted contact back."""
        row = self.one(Contact.objects.visible_to(request.user), pk)
        self.asked()
        deleting.restore(row=row, by=request.user, at=self.at)
        return Response(self.shown(pk))


class ContactPointViewSet(Listed, Retrieved, Resource):
    """Ways to reach somebody: numbers, mailboxes, postal addresses, profiles."""

    queryset = ContactPoint.objects.none()
    reading = readings.ContactPointReading
    told = inputs.PointTold
    changes = inputs.PointChanges
    filterset_class = filters.ContactPointFilter

    def get_queryset(self) -> Any:
        return ContactPoint.objects.visible_to(self.request.user).alive()

    def create(self, request: Any) -> Response:
        """Let a contact be reached at a value, shared with whoever else uses it."""
        row, created = points.put_point(**self.asked(), by=request.user, at=self.at)
        return self.written(row, created=created)

    def partial_update(self, request: Any, pk: str) -> Response:
        """Say what was found out: whose it is, that it works, that it is to be tried first, what it is called."""
        row = self.get_object()
        _tell_of_point(self.asked(), {"point": row, "by": request.user, "at": self.at})
        return Response(self.shown(row.pk))

    def destroy(self, request: Any, pk: str) -> Response:
        """Forget that it reaches this contact. The line and what forbids using it stay."""
        points.remove_point(point=self.get_object(), by=request.user, at=self.at)
        return Response(status=status.HTTP_204_NO_CONTENT)


@atomic_with_retries
def _tell_of_point(found: dict[str, Any], who: dict[str, Any]) -> None:
    """Keep all of ``found``, or nothing of it."""
    if words := {name: found[name] for name in ("label", "extension") if name in found}:
        points.describe(**who, **words)
    if found.get("state") == PointState.WRONG_PERSON:
        points.mark_wrong_person(**who)
    if found.get("state") == PointState.GOOD:
        points.mark_good(**who)
    if found.get("verified"):
        points.verify(**who)
    if found.get("is_primary"):
        points.make_primary(**who)


class EndpointViewSet(Listed, Retrieved, Resource):
    """Phone lines and mailboxes, whoever uses them."""

    queryset = Endpoint.objects.none()
    reading = readings.EndpointReading
    changes = inputs.RestTold
    filterset_class = filters.EndpointFilter
    how_to_change = "An endpoint is made by a contact point and never deleted: suppress it, or remove the point."

    def partial_update(self, request: Any, pk: str) -> Response:
        """Let a line rest until it works again."""
        row = self.get_object()
        if "failed_until" in (found := self.asked()):
            points.mark_failed(endpoint=row, until=found["failed_until"], by=request.user, at=self.at)
        return Response(self.shown(row.pk))


class UserViewSet(Listed, Retrieved, Resource):
    """Who works here. Everybody sees themselves; admins see and manage all."""

    queryset = User.objects.none()
    reading = readings.UserReading
    reading_one = readings.OneUserReading
    told = inputs.UserTold
    changes = inputs.UserChanges
    takes = {"change_me": inputs.OwnChanges}
    needs = {"list": [], "retrieve": [], "me": [], "change_me": []}
    filterset_class = filters.UserFilter
    ordering = ("name", "id")
    ordering_fields = ("name", "id")
    how_to_change = "What somebody did stays theirs: PATCH is_active to false instead of deleting."

    def get_queryset(self) -> Any:
        user = self.asker
        return User.objects.all() if user.has_perm("crm.view_user") else User.objects.filter(pk=user.pk)

    def create(self, request: Any) -> Response:
        """Let somebody in. 409 if somebody signs in with this address already."""
        row = accounts.create_user(**self.asked(), by=request.user, at=self.at)
        return self.written(row, created=True)

    def partial_update(self, request: Any, pk: str) -> Response:
        """Change what is known of them. What a deactivated user ``owns`` stays theirs, and no other rep sees it, until
        ``hand_over_to`` names a colleague, or null for nobody."""
        row = self.get_object()
        _change_user(self.asked(), {"user": row, "by": request.user, "at": self.at})
        return Response(self.shown(row.pk))

    @action(detail=False, methods=["get"], reading_one=None)
    @in_time
    def me(self, request: Any) -> Response:
        """Whoever asks."""
        return Response(self.shown(request.user.pk))

    @me.mapping.patch
    def change_me(self, request: Any) -> Response:
        """Change one's own name or time zone."""
        accounts.edit_user(user=request.user, changes=self.asked(), by=request.user, at=self.at)
        return Response(self.shown(request.user.pk))


@atomic_with_retries
def _change_user(changes: dict[str, Any], who: dict[str, Any]) -> None:
    """Keep all of ``changes``, or nothing of them."""
    told = {name: value for name, value in changes.items() if name not in ("is_active", "hand_over_to")}
    if told:
        accounts.edit_user(**who, changes=told)
    active = changes.get("is_active", who["user"].is_active)
    if active != who["user"].is_active:
        (accounts.activate if active else accounts.deactivate)(**who)
    if "hand_over_to" in changes:
        handing.hand_over(**who, to=changes["hand_over_to"])
