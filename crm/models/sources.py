"""Where records come from: what sources said, the runs that took it in, and what a person should look at."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import MD5

from config.kernel.audit import acting_ip, acting_request_id, acting_user_agent
from config.kernel.models import Row, Timestamped
from crm.choices import IntakeState, ReviewKind, SourceKind
from crm.querysets import IntakeRunQuerySet, ReviewItemQuerySet, SourceRecordQuerySet


class SourceRecord(Row):
    """What a source last said about one record: the same hash again touches nothing (DESIGN 7).

    A file may say two things about one record. ``run`` and ``position`` say where it was changed last: the same run
    again, up to that position, is a replay and changes nothing back and forth.
    """

    source = models.CharField(max_length=80)
    kind = models.CharField(max_length=8, choices=SourceKind)
    key = models.CharField(max_length=400)
    hash = models.UUIDField(help_text="MD5 of the canonical raw record; a fingerprint, not a secret.")
    raw = models.JSONField()
    run = models.ForeignKey(
        "crm.IntakeRun", models.DO_NOTHING, null=True, editable=False, db_constraint=False, db_index=False,
        related_name="+",
    )  # fmt: skip
    position = models.BigIntegerField(
        default=0, db_default=0, editable=False, help_text="In the run: row * 2**20 + number of the party."
    )
    contact = models.ForeignKey(
        "crm.Contact", models.SET_NULL, null=True, blank=True, related_name="source_records", db_index=False
    )
    project = models.ForeignKey(
        "crm.Project", models.SET_NULL, null=True, blank=True, related_name="source_records", db_index=False
    )
    company = models.ForeignKey(
        "crm.Company", models.SET_NULL, null=True, blank=True, related_name="source_records", db_index=False
    )
    first_seen_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now_add=True)

    objects = SourceRecordQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["key", "source", "kind"], name="crm_sourcerecord_once")]
        indexes = [
            models.Index(F("contact"), condition=Q(contact__isnull=False), name="crm_sourcerecord_by_contact"),
            models.Index(F("project"), condition=Q(project__isnull=False), name="crm_sourcerecord_by_project"),
            models.Index(F("company"), condition=Q(company__isnull=False), name="crm_sourcerecord_by_company"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.key}"


class IntakeRun(Timestamped):
    """One file or request taken in. (content hash, feed-map version) is its key: a killed run goes on where it stopped.

    ``rows_done`` and ``counts`` are committed with each chunk, so rows in = created + updated + unchanged + refused
    at every moment. ``refused_bytes`` and ``warned_bytes`` are the lengths of the side files that belong to them.
    """

    content_hash = models.CharField(max_length=64)
    feed = models.CharField(max_length=80)
    feed_version = models.CharField(max_length=40)
    source = models.CharField(max_length=80)
    file_name = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=8, choices=IntakeState, default=IntakeState.RUNNING)
    rows_done = models.BigIntegerField(default=0)
    counts = models.JSONField(default=dict)
    refused_bytes = models.BigIntegerField(default=0)
    warned_bytes = models.BigIntegerField(default=0)
    refused_file = models.TextField(blank=True, default="", help_text="On the machine that read the file.")
    warned_file = models.TextField(blank=True, default="")
    error = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )

    # Rows born in bulk have no event of their own: from where they came is kept once, here.
    ip = models.GenericIPAddressField(null=True, blank=True, editable=False, default=acting_ip)
    user_agent = models.TextField(blank=True, editable=False, default=acting_user_agent)
    request_id = models.CharField(max_length=64, blank=True, editable=False, default=acting_request_id)

    objects = IntakeRunQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["content_hash", "feed", "feed_version"], name="crm_intakerun_resume_key")
        ]

    def __str__(self) -> str:
        return f"{self.file_name or self.source} ({self.get_state_display()})"


class IntakePerson(models.Model):
    """Somebody whom a row of a run was about, whether or not it said anything new; a refused row is about nobody.

    It is whom an intake means in an audience, whatever later ones say. The keys are not checked, which would cost more
    than the rows: of a contact who is gone an id is left.
    """

    pk = models.CompositePrimaryKey("run_id", "contact_id")
    run = models.ForeignKey(
        "crm.IntakeRun", models.DO_NOTHING, db_constraint=False, db_index=False, related_name="people"
    )
    contact = models.ForeignKey("crm.Contact", models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")

    def __str__(self) -> str:
        return f"{self.contact} in {self.run}"


class ReviewItem(Row):
    """Something seen and not decided: two people on one line, an edit that was kept, a likely duplicate."""

    kind = models.CharField(max_length=12, choices=ReviewKind)
    contact = models.ForeignKey("crm.Contact", models.CASCADE, null=True, blank=True, related_name="review_items")
    other = models.ForeignKey("crm.Contact", models.CASCADE, null=True, blank=True, related_name="+", db_index=False)
    project = models.ForeignKey("crm.Project", models.CASCADE, null=True, blank=True, related_name="review_items")
    company = models.ForeignKey("crm.Company", models.CASCADE, null=True, blank=True, related_name="review_items")
    field = models.CharField(max_length=60, blank=True, db_default="")
    value = models.TextField(blank=True, db_default="", help_text="What the source offers.")
    source = models.CharField(max_length=80)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )

    objects = ReviewItemQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                *("kind", "contact", "other", "project", "company", "field"),
                MD5("value"),  # a description may be longer than any line of an index
                nulls_distinct=False,
                name="crm_reviewitem_once",
            )
        ]
        indexes = [models.Index(fields=["kind", "id"], condition=Q(resolved_at=None), name="crm_reviewitem_open")]

    def __str__(self) -> str:
        return self.get_kind_display()
