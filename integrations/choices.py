from django.db import models


class NewsState(models.TextChoices):
    """What became of something that a provider told us."""

    WAITING = "waiting", "Waiting"
    UNDERSTOOD = "understood", "Understood"
    QUARANTINED = "quarantined", "Not for us"
    PARKED = "parked", "Needs somebody"
