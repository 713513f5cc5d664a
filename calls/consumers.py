"""The screens of the call desk listen here; they are only ever told that something has changed."""

import asyncio
from importlib import import_module
from typing import Any

from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings
from django.db import Error

from calls.choices import ACCESS_CHANGED
from crm.models import User

SIGNED_OUT, REFUSED = 4401, 4403  # like HTTP's 401 and 403: trying again does not help until somebody signs in
UNKNOWN = 1011  # who it is cannot be asked now: the page comes again
RECHECK = 30.0  # seconds


class DeskConsumer(AsyncJsonWebsocketConsumer):
    """One open call desk: forwards the hints of its rep and of the shared queue, and says nothing itself.

    A hint carries ids and states, never a person's data: the page asks over HTTP, where it is decided who sees what.
    The shared queue is told without ids. Whoever signs out, is locked out or loses the desk is let go: at once where
    that is told, and within half a minute however it happened.
    """

    checking: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Let in who may use the call desk."""
        if code := await self._refusal():
            await self.accept()  # else the browser cannot tell a refusal from a lost network
            await self.close(code=code)
            return
        self.groups = ["desk", f"rep.{self.scope['user'].pk}"]  # channels leaves them by itself
        for group in self.groups:
            await self.channel_layer.group_add(group, self.channel_name)
        await self.accept()
        await self.send_json({"kind": "hello"})
        self.checking = asyncio.create_task(self._check_again_and_again())

    async def disconnect(self, code: int) -> None:
        """Ask no more about whoever left."""
        if self.checking:
            self.checking.cancel()

    async def hint(self, event: dict[str, Any]) -> None:
        """Pass on what ``config.kernel.realtime.tell`` said."""
        if event["message"]["kind"] == ACCESS_CHANGED:
            await self._let_go_if_refused()
        else:
            await self.send_json(event["message"])

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        """Nothing is said to us here: whatever comes is dropped unread."""

    async def _check_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(RECHECK)
            await self._let_go_if_refused()

    async def _let_go_if_refused(self) -> None:
        code = await self._refusal()
        if code is None or not self.groups:
            return
        groups, self.groups = self.groups, []
        for group in groups:  # before the close: nothing may be sent after it
            await self.channel_layer.group_discard(group, self.channel_name)
        await self.close(code=code)

    async def _refusal(self) -> int | None:
        """Return the code to close with, or None while the browser's session, as it is now, may use the call desk."""
        session = import_module(settings.SESSION_ENGINE).SessionStore(self.scope["session"].session_key)
        try:
            user = await get_user({"session": session})
            if not isinstance(user, User):
                return SIGNED_OUT
            return None if await database_sync_to_async(_may)(user) else REFUSED
        except Error:
            return UNKNOWN


def _may(user: User) -> bool:
    return user.is_active and user.is_staff and user.has_perm("calls.use_call_desk")
