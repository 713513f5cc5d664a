from django.db import models
from django.db.models.functions import Now

from config.kernel import clock
from config.kernel.ids import UUIDv7Field


class Row(models.Model):
    """A row with a UUIDv7 key: its age is in its id."""

    id = UUIDv7Field()

    class Meta:
        abstract = True


class Timestamped(Row):
    """``created_at`` and ``updated_at`` are set by the ORM, and by PostgreSQL where rows are written in bulk."""

    created_at = models.DateTimeField(default=clock.now, db_default=Now(), editable=False)
    updated_at = models.DateTimeField(auto_now=True, db_default=Now(), editable=False)

    class Meta:
        abstract = True
