"""The language in which telephone work is asked."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Case, Exists, F, Func, OuterRef, Q, Subquery, When

from calls.choices import CallSource, Direction, Scope, Status
from crm.models import Endpoint, Touch
from crm.querysets import Visible, owned_or_free

if TYPE_CHECKING:
    from calls.models import CallEvent, CallSession, CallStatus, Lease, TerminalSession
    from crm.models import User

UNFINISHED_AFTER = timedelta(hours=2)
HERE = Q(session__source__in=[CallSource.DESK, CallSource.SIMULATED])


class CallSessionQuerySet(Visible):
    """One sees the calls of contacts whom one sees, and one's own."""

    contact_path, rep_path = "contact__owner", "rep"
    if TYPE_CHECKING:
        _row: "CallSession"

    def visible_to(self, user: "User | AnonymousUser") -> Self:
        if isinstance(user, AnonymousUser) or not user.is_active:
            return self.none()
        if user.sees_everything:
            return self
        return self.filter(owned_or_free(user, self.contact_path) | Q(**{self.rep_path: user.pk}))


class CallEventQuerySet(CallSessionQuerySet):
    contact_path, rep_path = "session__contact__owner", "session__rep"
    if TYPE_CHECKING:
        _row: "CallEvent"  # type: ignore[assignment]  # the row of this set, not of the set it inherits words from

    def in_order(self) -> Self:
        return self.order_by("at", "id")

    def newest_first(self) -> Self:
        return self.order_by("-at", "-id")

    def standing(self) -> Self:
        """Outcomes that no correction replaced."""
        return self.filter(disposition__isnull=False, corrected_by=None)


class CallStatusQuerySet(CallSessionQuerySet):
    contact_path, rep_path = "session__contact__owner", "rep"
    if TYPE_CHECKING:
        _row: "CallStatus"  # type: ignore[assignment]  # the row of this set, not of the set it inherits words from

    def unfinished(self) -> Self:
        """Outbound calls without an outcome. One that certainly never began needs none: its touch does not count."""
        never_left = Touch.objects.filter(source="calls.callsession", source_id=OuterRef("session_id"), counts=False)
        waiting = self.filter(disposition=None, direction=Direction.OUTBOUND)
        return waiting.exclude(Q(status=Status.FAILED) & Exists(never_left))

    def at_hand(self, at: datetime) -> Self:
        """Unfinished calls that were dialed here in the last two hours: a rep finishes one before the next begins."""
        return self.unfinished().filter(HERE, initiated_at__gt=at - UNFINISHED_AFTER)

    def to_finish(self, at: datetime) -> Self:
        """Unfinished calls that were begun two hours ago or earlier, the oldest first."""
        return self.unfinished().filter(initiated_at__lte=at - UNFINISHED_AFTER).order_by("initiated_at")

    def in_turn(self, at: datetime, most: int) -> Self:
        """The first of those at hand, the newest first, then of those to finish, the oldest first: ``most`` in all.

        Of a rep each kind is read off its end of one index, however many there are.
        """
        newest, oldest = self.at_hand(at).order_by("-initiated_at"), self.to_finish(at)
        first = newest.values("pk")[:most].union(oldest.values("pk")[:most], all=True)
        begun = Case(When(initiated_at__gt=at - UNFINISHED_AFTER, then=F("initiated_at")))
        return self.filter(_one_of("pk", first)).order_by(begun.desc(nulls_last=True), "initiated_at")[:most]


def _one_of(field: str, keys: "models.QuerySet[Any, Any]") -> Func:
    """Be found by ``keys``, which are known before anything is joined: behind a long join ``__in`` comes too late."""
    known = {"template": "%(expressions)s)", "arg_joiner": " = ANY("}
    return Func(F(field), ArraySubquery(keys), output_field=models.BooleanField(), **known)


class TerminalSessionQuerySet(models.QuerySet["TerminalSession"]):
    def standing(self, at: datetime) -> Self:
        """Sessions that forbid calling at ``at``: not lifted and not over; the end itself is free again."""
        return self.filter(Q(until=None) | Q(until__gt=at), lifted_at=None)

    def of(self, scope: Scope) -> Self:
        return self.filter(scope=scope)

    def visible_to(self, user: "User | AnonymousUser") -> Self:
        if isinstance(user, AnonymousUser) or not user.is_active:
            return self.none()
        if user.sees_everything:
            return self
        # A line is compared, not looked for among all lines that are seen: those would be gathered first.
        line = Endpoint.objects.visible_to(user).filter(pk=OuterRef("endpoint")).values("pk")
        return self.alias(seen_line=Subquery(line)).filter(
            owned_or_free(user, "contact__owner", "project__owner", "pair__contact__owner", "pair__project__owner"),
            Q(endpoint=None) | Q(seen_line=F("endpoint")),
        )


class LeaseQuerySet(models.QuerySet["Lease"]):
    def live(self, at: datetime) -> Self:
        return self.filter(expires_at__gt=at)

    def of_others(self, user_id: object) -> Self:
        return self.exclude(user=user_id) if user_id else self

    def longest_first(self) -> Self:
        return self.order_by(F("taken_at"))
