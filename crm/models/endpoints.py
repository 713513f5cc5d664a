from django.db import models
from django.db.models import F, Q

from config.kernel.audit import audited
from config.kernel.models import Timestamped
from crm.choices import EndpointKind, LineType, PointKind, PointState
from crm.models.places import Address
from crm.querysets import ContactPointQuerySet, EndpointQuerySet


class Endpoint(Timestamped):
    """One phone line or mailbox, whoever uses it: locked, capped and suppressed as a whole, and never deleted.

    ``value`` is E.164 for a phone (extensions belong to the point) and the lower-case address for an e-mail.
    """

    kind = models.CharField(max_length=5, choices=EndpointKind)
    value = models.CharField(max_length=254)
    owner = models.ForeignKey(
        "crm.Contact", models.SET_NULL, null=True, blank=True, related_name="owned_endpoints", db_index=False,
        help_text="Whom an incoming record with this value means.",
    )  # fmt: skip
    line_type = models.CharField(max_length=20, choices=LineType, default=LineType.UNKNOWN, db_default=LineType.UNKNOWN)
    failed_until = models.DateTimeField(null=True, blank=True, help_text="The line does not work; tried again after.")
    hours_profile = models.ForeignKey(
        "crm.HoursProfile", models.PROTECT, null=True, blank=True, related_name="endpoints", db_index=False,
        help_text="Where the called party may be: every candidate must allow the call.",
    )  # fmt: skip
    suppressed_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Since when nobody may use it; kept true with suppressions."
    )

    objects = EndpointQuerySet.as_manager()

    class Meta:
        verbose_name = "number or e-mail"
        verbose_name_plural = "numbers and e-mails"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["value", "kind"], name="crm_endpoint_once"),
            models.CheckConstraint(
                condition=~Q(kind=EndpointKind.PHONE)
                | Q(value__regex=r"^\+[1-9][0-9]{3,14}$")
                | Q(value__startswith="#"),
                name="crm_endpoint_phone_is_e164",
            ),
            models.CheckConstraint(condition=~Q(value=""), name="crm_endpoint_has_a_value"),
        ]
        indexes = [
            models.Index(fields=["owner"], name="crm_endpoint_by_owner"),
            models.Index(fields=["failed_until"], condition=Q(failed_until__isnull=False), name="crm_endpoint_failed"),
        ]
        triggers = audited(silent=["hours_profile_id"])

    def __str__(self) -> str:
        return self.value


class ContactPoint(Timestamped, Address):
    """A way to reach one contact: an endpoint with their label and extension, or an address or profile without one."""

    contact = models.ForeignKey("crm.Contact", models.CASCADE, related_name="points", db_index=False)
    endpoint = models.ForeignKey(
        "crm.Endpoint", models.PROTECT, null=True, blank=True, related_name="points", db_index=False
    )
    kind = models.CharField(max_length=8, choices=PointKind)
    value_given = models.CharField(max_length=500, blank=True, db_default="", help_text="As the source wrote it.")
    extension = models.CharField(max_length=20, blank=True, db_default="")
    label = models.CharField(max_length=40, blank=True, db_default="")
    is_primary = models.BooleanField(default=False, db_default=False)
    state = models.CharField(max_length=12, choices=PointState, default=PointState.GOOD, db_default=PointState.GOOD)
    verified_at = models.DateTimeField(null=True, blank=True)

    objects = ContactPointQuerySet.as_manager()

    class Meta:
        ordering = ["contact", "kind", "-is_primary", "id"]
        constraints = [
            models.UniqueConstraint(fields=["contact", "endpoint"], name="crm_point_once_per_contact"),
            models.UniqueConstraint(
                fields=["contact", "kind"], condition=Q(is_primary=True), name="crm_point_one_primary_per_kind"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["phone", "email"], endpoint__isnull=False)
                | Q(kind__in=["address", "social"], endpoint=None),
                name="crm_point_endpoint_by_kind",
            ),
        ]
        indexes = [
            models.Index(F("endpoint"), name="crm_point_by_endpoint"),
            # Few points are not good, and nobody who looks for them should read all the others.
            models.Index(
                fields=["contact", "endpoint"], condition=~Q(state=PointState.GOOD), name="crm_point_not_good"
            ),
        ]
        triggers = audited()

    def __str__(self) -> str:
        number = str(self.endpoint) if self.endpoint_id else self.value_given or self.address_line
        return f"{number} ext. {self.extension}" if self.extension else number
