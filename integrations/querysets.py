from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models

from integrations.choices import NewsState

if TYPE_CHECKING:
    from crm.models import User
    from integrations.models import News


class NewsQuerySet(models.QuerySet["News"]):
    def visible_to(self, user: "User | AnonymousUser") -> Self:
        """Only admins read what providers say: it may be about anybody."""
        seen = not isinstance(user, AnonymousUser) and user.is_active and user.sees_everything
        return self if seen else self.none()

    def due(self, at: datetime) -> Self:
        return self.filter(state=NewsState.WAITING, due_at__lte=at)

    def stuck(self) -> Self:
        """What was not understood: somebody has to look."""
        return self.filter(state__in=[NewsState.QUARANTINED, NewsState.PARKED])
