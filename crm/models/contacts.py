from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Concat, Lower

from config.kernel.audit import audited
from config.kernel.models import Row, Timestamped
from crm.choices import Channel, Lifecycle, Priority
from crm.models.places import Address
from crm.querysets import ContactQuerySet


class Contact(Timestamped, Address):
    """A person (or the front desk of a company) whom we may approach, and the flags that say whether we may.

    ``primary_phone`` and ``primary_email`` are copies that one service keeps true (DESIGN 9).
    """

    contact_id = models.CharField(max_length=100, null=True, blank=True, help_text="Their id elsewhere.")
    first_name = models.CharField(max_length=100, blank=True, db_default="")
    last_name = models.CharField(max_length=100, blank=True, db_default="")
    name = models.CharField(max_length=200, blank=True, db_default="", help_text="As it is shown and searched.")
    title = models.CharField(max_length=200, blank=True, db_default="")
    seniority = models.CharField(max_length=40, blank=True, db_default="")
    department = models.CharField(max_length=80, blank=True, db_default="")
    company = models.ForeignKey("crm.Company", models.PROTECT, null=True, blank=True, related_name="contacts")
    primary_phone = models.CharField(max_length=40, blank=True, db_default="", editable=False)
    primary_email = models.CharField(max_length=254, blank=True, db_default="", editable=False)
    profiles = models.JSONField(default=dict, db_default={}, blank=True, help_text="Pages elsewhere: {network: URL}.")

    time_zone = models.CharField(
        max_length=64,
        blank=True,
        db_default="",
        help_text="Only if they told us; otherwise it follows from the evidence.",
    )
    do_not_call = models.BooleanField(default=False, db_default=False)
    do_not_email = models.BooleanField(default=False, db_default=False)
    do_not_text = models.BooleanField(default=False, db_default=False)
    preferred_channel = models.CharField(max_length=10, choices=Channel, blank=True, db_default="")
    consent_given = models.BooleanField(default=False, db_default=False)
    consent_at = models.DateTimeField(null=True, blank=True)

    lifecycle = models.CharField(max_length=12, choices=Lifecycle, default=Lifecycle.NEW, db_default=Lifecycle.NEW)
    priority = models.SmallIntegerField(choices=Priority, default=Priority.MEDIUM, db_default=Priority.MEDIUM)
    lead_score = models.SmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(0), MaxValueValidator(100)], help_text="0 to 100."
    )
    conversion_probability = models.FloatField(
        null=True, blank=True, validators=[MinValueValidator(0), MaxValueValidator(1)], help_text="0 to 1."
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="contacts", db_index=False
    )
    data_quality = models.SmallIntegerField(default=0, db_default=0, editable=False, help_text="0 to 100.")
    source = models.CharField(max_length=80, blank=True, db_default="")
    attributes = models.JSONField(default=dict, db_default={}, blank=True)
    edited = ArrayField(
        models.CharField(max_length=60), default=list, db_default=[], blank=True, editable=False,
        help_text="Fields a person has set; a source leaves them alone.",
    )  # fmt: skip
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    search = models.GeneratedField(
        expression=Lower(
            Concat(
                F("name"),
                Value(" "),
                F("title"),
                Value(" "),
                F("primary_phone"),
                Value(" "),
                F("primary_email"),
                Value(" "),
                Coalesce(F("contact_id"), Value("")),
            )
        ),
        output_field=models.TextField(),
        db_persist=True,
    )

    objects = ContactQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        # Unique by constraint: to a field that is ``unique`` Django gives a second index, for patterns nobody asks for.
        constraints = [
            models.UniqueConstraint(fields=["contact_id"], name="crm_contact_one_per_id"),
            models.CheckConstraint(
                condition=Q(lead_score=None) | Q(lead_score__range=(0, 100)), name="crm_contact_score_0_to_100"
            ),
            models.CheckConstraint(
                condition=Q(conversion_probability=None) | Q(conversion_probability__range=(0, 1)),
                name="crm_contact_probability_0_to_1",
            ),
            models.CheckConstraint(condition=Q(data_quality__range=(0, 100)), name="crm_contact_quality_0_to_100"),
        ]
        indexes = [
            GinIndex(fields=["search"], opclasses=["gin_trgm_ops"], name="crm_contact_search"),
            models.Index(fields=["owner", "id"], name="crm_contact_by_owner"),
            models.Index(fields=["updated_at", "id"], name="crm_contact_by_update"),
            models.Index(fields=["name", "id"], name="crm_contact_by_name"),
            models.Index(fields=["lifecycle", "id"], name="crm_contact_by_lifecycle"),
            models.Index(fields=["source", "id"], name="crm_contact_by_source"),
            models.Index(fields=["priority", "id"], condition=~Q(priority=Priority.MEDIUM), name="crm_contact_unusual"),
            models.Index(
                fields=["id"],
                condition=Q(do_not_call=True) | Q(do_not_email=True) | Q(do_not_text=True),
                name="crm_contact_wishes",
            ),
            # The waterfall asks who is gone, and has to read everybody without it.
            models.Index(fields=["id"], condition=Q(deleted_at__isnull=False), name="crm_contact_deleted"),
        ]
        triggers = audited(silent=["search", "data_quality"])

    def __str__(self) -> str:
        return self.name or self.primary_email or self.primary_phone or "Somebody"


class ContactAlias(Row):
    """Another ``contact_id`` under which a contact is known, since two records became one."""

    value = models.CharField(max_length=100, unique=True)
    contact = models.ForeignKey("crm.Contact", models.CASCADE, related_name="aliases")

    class Meta:
        verbose_name_plural = "contact aliases"

    def __str__(self) -> str:
        return self.value


class OtherName(Row):
    """Another name that sources put on a contact's line. The first name stays; the others are counted (DESIGN 6)."""

    contact = models.ForeignKey("crm.Contact", models.CASCADE, related_name="other_names")
    name = models.CharField(max_length=200)
    name_key = models.CharField(max_length=200)
    times = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contact", "name_key"], name="crm_othername_once_per_contact")]

    def __str__(self) -> str:
        return self.name
