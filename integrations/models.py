"""What providers tell us, word for word, until somebody has understood it (DESIGN 21)."""

from django.db import models
from django.db.models import F, Q

from config.kernel.keeping import append_only, never_deleted
from config.kernel.models import Row
from integrations.choices import NewsState
from integrations.querysets import NewsQuerySet


class News(Row):
    """One thing that a provider told us, heard once however often it is told; a row that is its own queue.

    ``key`` is the provider's id of the event or, where it has none, the hash of its words. Kept for ever, so that it
    has no words: those are in ``NewsBody``. ``due_at`` is when a worker takes it next; taking it moves that on, so that
    it comes back by itself when the worker dies.
    """

    provider = models.CharField(max_length=40)
    key = models.CharField(max_length=100)
    received_at = models.DateTimeField()
    signed = models.BooleanField(help_text="The provider proved that it was itself.")
    state = models.CharField(max_length=11, choices=NewsState, default=NewsState.WAITING, db_default=NewsState.WAITING)
    kind = models.CharField(max_length=40, blank=True, db_default="", help_text="What it turned out to be.")
    due_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    error = models.CharField(max_length=300, blank=True, db_default="")
    understood_at = models.DateTimeField(null=True)

    objects = NewsQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "news"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "key"], name="integrations_news_heard_once"),
            models.CheckConstraint(
                condition=Q(state=NewsState.WAITING, due_at__isnull=False)
                | (~Q(state=NewsState.WAITING) & Q(due_at=None)),
                name="integrations_news_waits_for_a_worker",
            ),
        ]
        indexes = [
            models.Index(F("due_at"), F("id"), condition=Q(state=NewsState.WAITING), name="integrations_news_due"),
            models.Index(
                F("id").desc(),
                condition=Q(state__in=[NewsState.QUARANTINED, NewsState.PARKED]),
                name="integrations_news_stuck",
            ),
        ]
        triggers = never_deleted(instead="It is how we know it when it is told again.")

    def __str__(self) -> str:
        return f"{self.provider}: {self.kind or self.key}"


class NewsBody(models.Model):
    """The words of one ``News`` (the same id), as bytes: they may be anything. Append-only, cut into months.

    A table of its own, because words are many and are given up after a while, month by month; and a unique key cannot
    span months, while ids have to be known for longer than anybody repeats them.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    body = models.BinaryField()

    class Meta:
        verbose_name_plural = "bodies of news"
        triggers = append_only()

    def __str__(self) -> str:
        return str(self.pk)
