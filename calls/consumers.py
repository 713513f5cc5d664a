"""The screens of the call desk listen here; they are only ever told that something has changed."""

from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from crm.models import User

REFUSED = 4403  # like HTTP's 403: trying again does not help until somebody signs in


class DeskConsumer(AsyncJsonWebsocketConsumer):
    """One open call desk: forwards the hints of its rep and of the shared queue, and says nothing itself.

    A hint carries ids and states, never a person's data: the page asks over HTTP, where it is decided who sees what.
    """

    async def connect(self) -> None:
        """Let in who may use the call desk."""
        user = self.scope.get("user")
        if not (isinstance(user, User) and await database_sync_to_async(_may)(user)):
            await self.accept()  # else the browser cannot tell a refusal from a lost network
            await self.close(code=REFUSED)
            return
        self.groups = ["desk", f"rep.{user.pk}"]  # channels leaves them by itself
        for group in self.groups:
            await self.channel_layer.group_add(group, self.channel_name)
        await self.accept()
        await self.send_json({"kind": "hello"})

    async def hint(self, event: dict[str, Any]) -> None:
        """Pass on what ``config.kernel.realtime.tell`` said."""
        await self.send_json(event["message"])

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        """Nothing is said to us here: whatever comes is dropped unread."""


def _may(user: User) -> bool:
    return user.is_active and user.is_staff and user.has_perm("calls.use_call_desk")
