from django.conf import settings
from django.db import models
from django.db.models import F
from django.db.models.functions import Lower

from campaigns.choices import TemplateStatus
from campaigns.models.graphs import Graph
from campaigns.querysets import TemplateQuerySet, TemplateVersionQuerySet
from config.kernel.audit import audited
from config.kernel.keeping import append_only
from config.kernel.models import Row, Timestamped


class Template(Timestamped):
    """A reusable graph: ``draft`` is what people draw on, its versions are what campaigns are made of."""

    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=TemplateStatus, default=TemplateStatus.DRAFT)
    draft = models.OneToOneField(Graph, models.PROTECT, related_name="template", editable=False)
    published_revision = models.PositiveIntegerField(
        null=True, editable=False, help_text="Of the draft, when it was last the same as a version."
    )

    objects = TemplateQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower(F("name")), name="campaigns_template_one_per_name")]
        triggers = audited()

    def __str__(self) -> str:
        return self.name


class TemplateVersion(Row):
    """What a template was when it was published. Append-only, and its graph is frozen."""

    template = models.ForeignKey(Template, models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    graph = models.OneToOneField(Graph, models.PROTECT, related_name="version")
    note = models.CharField(max_length=200, blank=True)
    published_at = models.DateTimeField()
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    objects = TemplateVersionQuerySet.as_manager()

    class Meta:
        ordering = ["template", "-number"]
        constraints = [models.UniqueConstraint(fields=["template", "number"], name="campaigns_version_one_per_number")]
        triggers = append_only(but=["published_by_id"])

    def __str__(self) -> str:
        return f"{self.template} v{self.number}"
