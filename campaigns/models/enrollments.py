"""Enrollments: one person's walk through a campaign, its steps, its history, and what happens meanwhile."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from campaigns.choices import ENDED, LIVE, EnrollmentState, HappeningKind, RunState
from campaigns.models.campaigns import in_order, only_ways
from campaigns.querysets import EnrollmentQuerySet, EnrollmentRunQuerySet, HappeningQuerySet
from config.kernel.keeping import never_deleted
from config.kernel.models import Row, Timestamped

_S = EnrollmentState
_ON = [_S.ACTIVE, _S.WAITING, _S.WAITING_SEND, _S.PAUSED, _S.PARKED, _S.EXITED, _S.COMPLETED]
# At rest; a walk is ACTIVE in between, within the transaction that moves it (trust 3.4).
_WAYS: dict[models.TextChoices, list[models.TextChoices]] = {
    **{state: [*_ON] for state in (_S.PENDING, _S.ACTIVE, _S.WAITING, _S.WAITING_SEND)},
    **{state: [_S.PENDING, *_ON] for state in (_S.PAUSED, _S.PARKED)},
}


def _of_its_graph() -> list[pgtrigger.Trigger]:
    """Let nobody stand on a node of another graph than theirs. A graph that is walked is frozen, and its nodes with it,
    so that a look at what is written is enough: a foreign key would look at and lock the same node for each of many.
    """
    refusal = "RAISE EXCEPTION 'Nobody stands on a node of another graph than their own.' USING ERRCODE = '23503';"
    elsewhere = "NOT EXISTS (SELECT FROM campaigns_node n WHERE n.graph_id = e.graph_id AND n.id = e.node_id)"
    return [
        pgtrigger.Trigger(
            name="keep_graph_insert",
            when=pgtrigger.After,
            operation=pgtrigger.Insert,
            condition=pgtrigger.Condition("NEW.node_id IS NOT NULL"),
            func=f"IF {elsewhere.replace(' e.', ' NEW.')} THEN {refusal} END IF; RETURN NULL;",
        ),
        pgtrigger.Trigger(
            name="keep_graph_update",
            level=pgtrigger.Statement,
            when=pgtrigger.After,
            operation=pgtrigger.Update,
            referencing=pgtrigger.Referencing(new="new_rows"),
            func=f"""
                IF EXISTS (SELECT FROM (SELECT DISTINCT graph_id, node_id FROM new_rows WHERE node_id IS NOT NULL) e
                           WHERE {elsewhere}) THEN {refusal} END IF;
                RETURN NULL;""",  # noqa: S608 - our own words
        ),
    ]


class Enrollment(Row):
    """One contact's walk through one graph, which it is pinned to. The history in ``EnrollmentEvent`` replays to it.

    ``visit`` is how often they have come to ``node``, ``visits`` how often to every node so far (by its key).
    ``wake_at`` is when the engine looks at it next, ``wake_rule`` what that moment was made of, so that it can be made
    again: the settings of the wait and since when; or what has led them to where nothing has begun yet; or that whoever
    is parked is paused too. ``status`` is what is said of them, at first the first there is; ``stage`` is how far
    they have come. ``last`` says what became of the last step. What it would send is held while it is paused or parked:
    a trigger sees to that, whoever stops it.
    """

    campaign = models.ForeignKey("campaigns.Campaign", models.PROTECT, related_name="enrollments", db_index=False)
    graph = models.ForeignKey("campaigns.Graph", models.PROTECT, related_name="+", db_index=False)
    contact = models.ForeignKey("crm.Contact", models.PROTECT, related_name="enrollments", db_index=False)
    company = models.ForeignKey(
        "crm.Company", models.SET_NULL, null=True, related_name="+", db_index=False, db_constraint=False,
        help_text="The contact's when they were enrolled.",
    )  # fmt: skip
    pair = models.ForeignKey("crm.ProjectContact", models.SET_NULL, null=True, related_name="+", db_index=False)
    run_no = models.PositiveSmallIntegerField(default=1, db_default=1)
    state = models.CharField(max_length=12, choices=EnrollmentState, default=_S.PENDING, db_default=_S.PENDING)
    node = models.ForeignKey(
        "campaigns.Node", models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    visit = models.PositiveIntegerField(default=0, db_default=0)
    visits = models.JSONField(default=dict, db_default={})
    wake_at = models.DateTimeField(null=True)
    wake_rule = models.JSONField(null=True)
    status = models.ForeignKey(
        "campaigns.EnrollmentStatus", models.PROTECT, null=True, related_name="+", db_index=False
    )
    stage = models.CharField(
        max_length=80, blank=True, db_default="", help_text="The key of the stage that they passed last."
    )
    last = models.JSONField(default=dict, db_default={})
    reason = models.CharField(
        max_length=200, blank=True, db_default="",
        help_text="Why it ended, or stands still: a code, a sentence of ours, or “what somebody wrote”.",
    )  # fmt: skip
    exclusive = models.BooleanField(default=False, db_default=False)
    epoch = models.PositiveIntegerField(default=0, db_default=0)
    paused_from = models.CharField(max_length=12, choices=EnrollmentState, blank=True, db_default="")
    left = models.DurationField(null=True, help_text="What was left of its wait when it was paused.")
    enrolled_at = models.DateTimeField()
    number = in_order()
    held_since = models.DateTimeField(null=True, help_text="Since when they are held up at the node, if they are.")
    ended_at = models.DateTimeField(null=True)
    run = models.ForeignKey(
        "campaigns.EnrollmentRun", models.SET_NULL, null=True, related_name="enrollments", db_index=False
    )
    execution = models.ForeignKey(
        "campaigns.Execution", models.PROTECT, null=True, related_name="enrollments", db_index=False,
        help_text="In which they began, or did not come to: its channel is the only one on which they are written to.",
    )  # fmt: skip

    objects = EnrollmentQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "person in a campaign"
        verbose_name_plural = "people in campaigns"
        constraints = [
            models.UniqueConstraint(fields=["contact", "campaign", "run_no"], name="campaigns_enrollment_one_per_run"),
            # Led by the campaign: whether anybody is still in it is answered without a look at those who have left. Of
            # one contact the constraint before knows all, and there are few.
            models.UniqueConstraint(
                fields=["campaign", "contact"], condition=Q(ended_at=None), name="campaigns_enrollment_one_live"
            ),
            models.UniqueConstraint(
                fields=["contact"], condition=Q(ended_at=None, exclusive=True), name="campaigns_enrollment_exclusive"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ENDED, ended_at__isnull=False) | Q(state__in=LIVE, ended_at=None),
                name="campaigns_enrollment_ends_once",
            ),
            models.CheckConstraint(
                condition=Q(wake_at=None) | Q(state__in=[_S.PENDING, _S.ACTIVE, _S.WAITING]),
                name="campaigns_enrollment_sleeps",
            ),
            models.CheckConstraint(
                condition=Q(state=_S.PENDING) | Q(state__in=[_S.EXITED, _S.PAUSED, _S.PARKED]) | Q(node__isnull=False),
                name="campaigns_enrollment_is_somewhere",
            ),
            models.CheckConstraint(
                condition=Q(held_since=None) | Q(ended_at=None, node__isnull=False), name="campaigns_enrollment_is_held"
            ),
            models.CheckConstraint(
                condition=Q(paused_from="") | Q(state=_S.PAUSED), name="campaigns_enrollment_paused_from"
            ),
        ]
        indexes = [
            models.Index(
                fields=["campaign", "epoch", "wake_at", "id"],
                condition=Q(state__in=[_S.ACTIVE, _S.WAITING], wake_at__isnull=False),
                name="campaigns_enrollment_due",
            ),
            # However many wait for their turn to begin, or to be let go, nobody else is looked for behind them.
            models.Index(
                fields=["campaign", "epoch", "wake_at", "id"],
                condition=Q(state=_S.PENDING, wake_at__isnull=False),
                name="campaigns_enrollment_to_begin",
            ),
            # Who waits for a place of their company, and all of those as they came. ``ended_at`` and ``wake_at``, which
            # are nothing, keep whoever asks for the ones away from the others, whatever the planner knows of them.
            models.Index(
                fields=["campaign", "company", "ended_at", "id"],
                condition=Q(state=_S.PENDING, wake_at=None),
                name="campaigns_enrollment_held",
            ),
            models.Index(
                fields=["campaign", "wake_at", "id"],
                condition=Q(state=_S.PENDING, wake_at=None),
                name="campaigns_enrollment_in_line",
            ),
            # Who takes a place of a company. Those who wait for one may be many, and are none of these.
            models.Index(
                fields=["campaign", "company"],
                condition=Q(ended_at=None, company__isnull=False) & ~Q(state=_S.PENDING, wake_at__isnull=True),
                name="campaigns_enrollment_placed",
            ),
            models.Index(fields=["campaign", "id"], name="campaigns_enrollment_of"),
            models.Index(
                fields=["campaign", "state", "id"],
                condition=Q(state__in=[_S.PAUSED, _S.PARKED]),
                name="campaigns_enrollment_standing",
            ),
            models.Index(
                fields=["campaign", "status", "id"],
                condition=Q(status__isnull=False),
                name="campaigns_enrollment_by_status",
            ),
            models.Index(fields=["node", "id"], condition=Q(state__in=LIVE), name="campaigns_enrollment_by_node"),
            models.Index(fields=["pair"], condition=Q(pair__isnull=False), name="campaigns_enrollment_by_pair"),
            models.Index(
                fields=["execution"], condition=Q(execution__isnull=False), name="campaigns_enrollment_executed"
            ),
            models.Index(
                fields=["campaign", "reason", "id"],
                condition=Q(ended_at__isnull=False),
                name="campaigns_enrollment_left_by",
            ),
        ]
        triggers = [
            only_ways(_WAYS),
            pgtrigger.Trigger(
                name="hold_messages",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition(
                    "OLD.state <> NEW.state"
                    " AND ('paused' IN (OLD.state, NEW.state) OR 'parked' IN (OLD.state, NEW.state))"
                ),
                func="""
                    UPDATE campaigns_message SET held = NEW.state IN ('paused', 'parked')
                    WHERE enrollment_id = NEW.id
                      AND CASE WHEN NEW.state IN ('paused', 'parked') THEN state = 'pending' ELSE held END;
                    RETURN NULL;""",
            ),
            *_of_its_graph(),
            *never_deleted(instead="Let them leave the campaign, with a reason."),
        ]

    def __str__(self) -> str:
        return f"{self.contact} in {self.campaign}"


class Happening(Row):
    """Something that happened to a contact, for the walks they are on. Kept first; the engine takes it from here.

    ``cause`` is the row it comes from (a message, a call event, a suppression): one happening per cause, contact and
    kind, and one of the same ``number`` for each walk that could not follow it with the others. It is news for the
    walks that were there before it, and an opt-out for all of them. While one is unhandled the gate lets no message of
    a walk that it is for through to this contact.
    """

    contact = models.ForeignKey("crm.Contact", models.CASCADE, related_name="happenings", db_index=False)
    enrollment = models.ForeignKey(
        "campaigns.Enrollment", models.CASCADE, null=True, related_name="+", db_index=False,
        help_text="The one walk that it is for; none: every walk of theirs.",
    )  # fmt: skip
    kind = models.CharField(max_length=12, choices=HappeningKind)
    at = models.DateTimeField()
    cause = models.UUIDField()
    data = models.JSONField(default=dict, db_default={})
    handled_at = models.DateTimeField(null=True)
    number = in_order()

    objects = HappeningQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(
                fields=["contact", "cause", "kind", "enrollment"],
                nulls_distinct=False,
                name="campaigns_happening_once_per_cause",
            )
        ]
        indexes = [
            # The only one of what is new: while that is nothing all would cost the same, and plans are kept. By another
            # one each look for the news of somebody would read those of everybody, once there are many.
            models.Index(F("contact"), F("number"), condition=Q(handled_at=None), name="campaigns_happening_new"),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()


class EnrollmentRun(Timestamped):
    """One enrolment of many: whom, how far it is, and an account that adds up.

    ``asked`` = ``enrolled`` + ``inside`` (already on the way) + ``through`` (may not begin again) + ``elsewhere`` (in
    another exclusive campaign) + ``gone`` (deleted, or out of the scope of whoever asked). The cursor is committed with
    the rows that it has passed: a run that dies goes on where it was.
    """

    campaign = models.ForeignKey("campaigns.Campaign", models.PROTECT, related_name="runs")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False)
    audience = models.JSONField(help_text='Whom: {"contacts": [ids]}, {"filter": {..}} or {"intake": id}.')
    state = models.CharField(max_length=8, choices=RunState, default=RunState.RUNNING)
    after = models.UUIDField(null=True, help_text="The last contact it has looked at.")
    asked = models.PositiveIntegerField(default=0)
    enrolled = models.PositiveIntegerField(default=0)
    inside = models.PositiveIntegerField(default=0)
    through = models.PositiveIntegerField(default=0)
    elsewhere = models.PositiveIntegerField(default=0)
    gone = models.PositiveIntegerField(default=0)
    slow = models.PositiveSmallIntegerField(default=0, help_text="How often in a row finding the next took too long.")
    error = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True)

    objects = EnrollmentRunQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(F("id"), condition=Q(state=RunState.RUNNING), name="campaigns_run_running"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(asked=F("enrolled") + F("inside") + F("through") + F("elsewhere") + F("gone")),
                name="campaigns_run_adds_up",
            )
        ]

    def __str__(self) -> str:
        return f"{self.enrolled} of {self.asked}"
