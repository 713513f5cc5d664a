from django.db import models

from config.kernel.models import Row
from crm.querysets import HoursProfileQuerySet


class Address(models.Model):
    """The parts of a postal address, as columns. ``region`` is a code within ``country`` ("TX" in "US")."""

    street = models.CharField(max_length=200, blank=True, db_default="")
    city = models.CharField(max_length=120, blank=True, db_default="")
    region = models.CharField(max_length=80, blank=True, db_default="", help_text="State or province code.")
    postal_code = models.CharField(max_length=20, blank=True, db_default="")
    country = models.CharField(max_length=2, blank=True, db_default="", help_text="ISO 3166 code, for example US.")

    class Meta:
        abstract = True

    @property
    def address_line(self) -> str:
        place = " ".join(part for part in (self.region, self.postal_code) if part)
        return ", ".join(part for part in (self.street, self.city, place, self.country) if part)


class HoursProfile(Row):
    """One set of (zone, jurisdiction) candidates that many endpoints share. Python decides which profiles are open.

    ``key`` is the canonical text of the set ("America/Chicago US-TX|America/Denver US-TX"); "" is the unknown place.
    """

    key = models.TextField(unique=True, blank=True)

    objects = HoursProfileQuerySet.as_manager()

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key.replace("|", ", ") or "Unknown place"
