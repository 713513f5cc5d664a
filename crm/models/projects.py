from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Concat, Lower

from config.kernel.audit import audited
from config.kernel.models import Timestamped
from crm.choices import Priority
from crm.models.places import Address
from crm.querysets import ProjectContactQuerySet, ProjectQuerySet


class Project(Timestamped, Address):
    """A construction or event project that somebody is called about."""

    project_id = models.CharField(max_length=100, help_text="Its id at the source.")
    name = models.CharField(max_length=300, blank=True, db_default="")
    kind = models.CharField(max_length=120, blank=True, db_default="")
    status = models.CharField(max_length=80, blank=True, db_default="")
    stage = models.CharField(max_length=80, blank=True, db_default="")
    description = models.TextField(blank=True, db_default="")
    value = models.DecimalField(max_digits=16, decimal_places=2, null=True, blank=True)
    bid_on = models.DateField(null=True, blank=True)
    starts_on = models.DateField(null=True, blank=True)
    event_on = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=80, blank=True, db_default="")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="projects", db_index=False
    )
    call_suppressed = models.BooleanField(default=False, db_default=False)
    call_suppressed_reason = models.CharField(max_length=200, blank=True, db_default="")
    next_call_eligible_at = models.DateTimeField(
        null=True, blank=True, help_text="Nobody of this project is called before."
    )
    attributes = models.JSONField(default=dict, db_default={}, blank=True)
    edited = ArrayField(
        models.CharField(max_length=60), default=list, db_default=[], blank=True, editable=False,
        help_text="Fields a person has set; a source leaves them alone.",
    )  # fmt: skip
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    search = models.GeneratedField(
        expression=Lower(
            Concat(F("project_id"), Value(" "), F("name"), Value(" "), F("street"), Value(" "), F("city"))
        ),
        output_field=models.TextField(),
        db_persist=True,
    )

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["project_id"], name="crm_project_one_per_id")]
        indexes = [
            GinIndex(fields=["search"], opclasses=["gin_trgm_ops"], name="crm_project_search"),
            models.Index(fields=["owner", "id"], name="crm_project_by_owner"),
            models.Index(fields=["updated_at", "id"], name="crm_project_by_update"),
            models.Index(fields=["status", "id"], name="crm_project_by_status"),
        ]
        triggers = audited(silent=["search"])

    def __str__(self) -> str:
        return self.name or self.project_id


class ProjectContact(Timestamped):
    """The *pair*: one contact's part in one project. It is what is called, and what the queue offers.

    ``callable_from``, ``hours_profile`` and ``last_touch_at`` are hints (DESIGN 12): they may be stale, so whoever
    dials proves the rest. ``callable_from`` is empty where something stands that does not end by itself.
    """

    project = models.ForeignKey("crm.Project", models.CASCADE, related_name="pairs", db_index=False)
    contact = models.ForeignKey("crm.Contact", models.CASCADE, related_name="pairs", db_index=False)
    roles = ArrayField(models.CharField(max_length=80), default=list, db_default=[], blank=True)
    is_primary = models.BooleanField(default=False, db_default=False)
    suppress_for_project = models.BooleanField(default=False, db_default=False)
    suppress_reason = models.CharField(max_length=200, blank=True, db_default="")
    priority = models.SmallIntegerField(choices=Priority, default=Priority.MEDIUM, db_default=Priority.MEDIUM)
    listed_name = models.CharField(
        max_length=200, null=True, blank=True, editable=False,
        help_text="The name this contact was created by, where nothing else identified it.",
    )  # fmt: skip
    callback_at = models.DateTimeField(null=True, blank=True, help_text="When they asked to be called back.")
    callback_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="callbacks", db_index=False
    )
    callable_from = models.DateTimeField(null=True, blank=True, editable=False)
    hours_profile = models.ForeignKey(
        "crm.HoursProfile", models.PROTECT, null=True, blank=True, related_name="pairs", editable=False, db_index=False
    )
    last_touch_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ProjectContactQuerySet.as_manager()

    class Meta:
        verbose_name = "person in a project"
        verbose_name_plural = "people in projects"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "contact"], name="crm_pair_once"),
            models.UniqueConstraint(
                fields=["project", "listed_name"],
                condition=Q(listed_name__isnull=False),
                name="crm_pair_listed_name_once",
            ),
        ]
        indexes = [
            models.Index(
                F("project"), F("hours_profile"), F("priority").desc(),
                F("last_touch_at").asc(nulls_first=True), F("id"), F("callable_from"),
                condition=Q(callable_from__isnull=False),
                name="crm_pair_queue_of_project",
            ),
            models.Index(
                F("hours_profile"), F("priority").desc(),
                F("last_touch_at").asc(nulls_first=True), F("id"), F("callable_from"),
                condition=Q(callable_from__isnull=False),
                name="crm_pair_queue",
            ),
            models.Index(
                fields=["callback_at", "id"], condition=Q(callback_at__isnull=False), name="crm_pair_callbacks"
            ),
            models.Index(fields=["contact", "id"], name="crm_pair_by_contact"),
        ]  # fmt: skip
        triggers = audited(silent=["callable_from", "hours_profile_id", "last_touch_at"])

    def __str__(self) -> str:
        return f"{self.contact} in {self.project}"
