from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Concat, Lower

from config.kernel.audit import audited
from config.kernel.models import Timestamped
from crm.models.places import Address
from crm.querysets import CompanyQuerySet


class Company(Timestamped, Address):
    """An organisation. Without an external id it is the one company of its normalised name."""

    external_id = models.CharField(max_length=100, null=True, blank=True)
    name = models.CharField(max_length=200)
    name_key = models.CharField(
        max_length=200,
        editable=False,
        help_text="The name without its legal form, case-folded: what makes two the same.",
    )
    domain = models.CharField(max_length=253, blank=True, db_default="")
    website = models.CharField(max_length=500, blank=True, db_default="")
    industry = models.CharField(max_length=120, blank=True, db_default="")
    employees = models.PositiveIntegerField(null=True, blank=True)
    annual_revenue = models.DecimalField(max_digits=16, decimal_places=2, null=True, blank=True)
    technologies = ArrayField(models.CharField(max_length=100), default=list, db_default=[], blank=True)
    keywords = ArrayField(models.CharField(max_length=100), default=list, db_default=[], blank=True)
    phone = models.CharField(max_length=40, blank=True, db_default="")
    profiles = models.JSONField(default=dict, db_default={}, blank=True, help_text="Pages elsewhere: {network: URL}.")
    attributes = models.JSONField(default=dict, db_default={}, blank=True)
    source = models.CharField(max_length=80, blank=True, db_default="")
    edited = ArrayField(
        models.CharField(max_length=60), default=list, db_default=[], blank=True, editable=False,
        help_text="Fields a person has set; a source leaves them alone.",
    )  # fmt: skip
    search = models.GeneratedField(
        expression=Lower(Concat(F("name"), Value(" "), F("domain"), Value(" "), F("city"))),
        output_field=models.TextField(),
        db_persist=True,
    )

    objects = CompanyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "companies"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["external_id"], name="crm_company_one_per_id"),
            models.UniqueConstraint(
                fields=["name_key"], condition=Q(external_id=None), name="crm_company_one_per_name"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="crm_company_has_a_name"),
        ]
        indexes = [
            GinIndex(fields=["search"], opclasses=["gin_trgm_ops"], name="crm_company_search"),
            models.Index(fields=["name", "id"], name="crm_company_by_name"),
            models.Index(fields=["domain"], condition=~Q(domain=""), name="crm_company_by_domain"),
            models.Index(fields=["name_key"], name="crm_company_by_key"),
        ]
        triggers = audited(silent=["search"])

    def __str__(self) -> str:
        return self.name
