import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from calls.choices import Scope, TerminalKind
from calls.querysets import TerminalSessionQuerySet
from config.kernel.keeping import append_only
from config.kernel.models import Row

SUBJECTS = {
    Scope.PROJECT: "project",
    Scope.CONTACT: "contact",
    Scope.PAIR: "pair",
    Scope.ENDPOINT: "endpoint",
}

# Who set it, when and why is in the lift; without one nobody could say.
LIFTED_ONCE = """
IF OLD.lifted_at IS NOT NULL THEN
    RAISE EXCEPTION 'A terminal session is lifted once.' USING ERRCODE = '23001';
ELSIF NOT EXISTS (SELECT FROM calls_terminallift WHERE session_id = NEW.id AND at = NEW.lifted_at) THEN
    RAISE EXCEPTION 'A terminal session is lifted by its TerminalLift, which says why.' USING ERRCODE = '23001';
END IF;
RETURN NEW;"""


def _subject_of_scope() -> Q:
    """Each scope names its own subject and no other; everyone names none."""
    allowed = Q(scope=Scope.EVERYONE, **dict.fromkeys(SUBJECTS.values()))
    for scope, subject in SUBJECTS.items():
        others = {other: None for other in SUBJECTS.values() if other != subject}
        allowed |= Q(**{"scope": scope, f"{subject}__isnull": False, **others})
    return allowed


def _standing(scope: Scope) -> Q:
    return Q(scope=scope, lifted_at=None)


class TerminalSession(Row):
    """A state that forbids calling: a project, a contact, a pair, a number or everyone; until a time, or for ever.

    Written once. It ends at ``until``, or when a ``TerminalLift`` sets ``lifted_at``; that happens at most once.
    ``cause`` is the call event that made it, so that a correction lifts exactly what its call made.
    """

    terminal_id = models.CharField(max_length=100, unique=True, null=True, blank=True)
    scope = models.CharField(max_length=8, choices=Scope)
    kind = models.CharField(max_length=8, choices=TerminalKind, default=TerminalKind.TERMINAL)
    project = models.ForeignKey(
        "crm.Project", models.PROTECT, null=True, blank=True, related_name="terminal_sessions", db_index=False
    )
    contact = models.ForeignKey(
        "crm.Contact", models.PROTECT, null=True, blank=True, related_name="terminal_sessions", db_index=False
    )
    pair = models.ForeignKey(
        "crm.ProjectContact", models.PROTECT, null=True, blank=True, related_name="terminal_sessions", db_index=False
    )
    endpoint = models.ForeignKey(
        "crm.Endpoint", models.PROTECT, null=True, blank=True, related_name="terminal_sessions", db_index=False
    )
    reason = models.CharField(max_length=200)
    at = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True, help_text="Empty: for ever.")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    cause = models.ForeignKey("calls.CallEvent", models.PROTECT, null=True, blank=True, related_name="caused")
    lifted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = TerminalSessionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=_subject_of_scope(), name="calls_terminal_subject_of_scope"),
            models.CheckConstraint(condition=Q(until=None) | Q(until__gt=F("at")), name="calls_terminal_ends_later"),
            models.CheckConstraint(condition=~Q(reason=""), name="calls_terminal_has_a_reason"),
        ]
        indexes = [
            models.Index(
                fields=["project", "until"], condition=_standing(Scope.PROJECT), name="calls_terminal_project"
            ),
            models.Index(
                fields=["contact", "until"], condition=_standing(Scope.CONTACT), name="calls_terminal_contact"
            ),
            models.Index(fields=["pair", "until"], condition=_standing(Scope.PAIR), name="calls_terminal_pair"),
            models.Index(
                fields=["endpoint", "until"], condition=_standing(Scope.ENDPOINT), name="calls_terminal_endpoint"
            ),
            models.Index(fields=["until"], condition=_standing(Scope.EVERYONE), name="calls_terminal_everyone"),
        ]
        triggers = [
            *append_only(but=["lifted_at", "by_id"]),
            pgtrigger.Trigger(
                name="born_standing",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition("NEW.lifted_at IS NOT NULL"),
                func="RAISE EXCEPTION 'A terminal session is not born lifted.' USING ERRCODE = '23001';",
            ),
            pgtrigger.Trigger(
                name="lifted_once",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("lifted_at"),
                condition=pgtrigger.Condition("OLD.lifted_at IS DISTINCT FROM NEW.lifted_at"),
                func=LIFTED_ONCE,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_scope_display()}: {self.reason}"


class TerminalLift(Row):
    """Why and by whom a terminal session was lifted. Append-only; writing it sets ``lifted_at`` in the database."""

    session = models.OneToOneField("calls.TerminalSession", models.PROTECT, related_name="lift")
    at = models.DateTimeField()
    reason = models.CharField(max_length=200)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    cause = models.ForeignKey(
        "calls.CallEvent", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="calls_lift_has_a_reason")]
        triggers = [
            *append_only(but=["by_id"]),
            pgtrigger.Trigger(
                name="lifts",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                func="UPDATE calls_terminalsession SET lifted_at = NEW.at WHERE id = NEW.session_id; RETURN NULL;",
            ),
        ]

    def __str__(self) -> str:
        return self.reason
