"""A rep at the call desk, over HTTP."""

from datetime import timedelta
from typing import Any

from django.test import Client
from django.urls import reverse

from calls.models import Disposition, Lease
from config.kernel import clock
from config.testing import NOON
from crm.models import User
from crm.tests.factories import UserFactory

SIMULATED = {"voice": {"BACKEND": "integrations.softphone.voice.SimulatedLine"}}
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


class Rep:
    """A rep with a browser; ``at`` is the time on every clock, and moves when a test says so."""

    def __init__(self, user: User | None = None) -> None:
        self.user, self.client, self.at = user or UserFactory(bdr=True), Client(), NOON
        self.client.force_login(self.user)

    def page(self) -> Any:
        with clock.standing_at(self.at):
            return self.client.get(reverse("admin:call_desk"))

    def state(self, **asked: str) -> dict[str, Any]:
        with clock.standing_at(self.at):
            return self.client.get(reverse("admin:call_desk_state"), asked).json()

    def ask(self, deed: str, **said: Any) -> Any:
        with clock.standing_at(self.at):
            url = reverse(f"admin:call_desk_{deed}")
            return self.client.post(url, said, content_type="application/json")

    def does(self, deed: str, **said: Any) -> dict[str, Any]:
        response = self.ask(deed, **said)
        assert response.status_code == 200, response.content
        return response.json()

    def dials(self) -> dict[str, Any]:
        """Take the next person and call them."""
        self.does("next")
        lease = Lease.objects.get(user=self.user)
        point = lease.contact.points.get(endpoint=lease.endpoint)
        return self.does("dial", point=str(point.pk))

    def saves(self, name: str, **said: Any) -> dict[str, Any]:
        disposition = Disposition.objects.get(name=name)
        return self.does("outcome", session=self.state()["session"], disposition=str(disposition.pk), **said)
