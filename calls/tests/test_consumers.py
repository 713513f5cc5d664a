"""The desk's websocket: it lets in who may, while they may, forwards hints of its own groups, and hears nothing."""

import pytest
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.contrib.sessions.models import Session
from django.db import connections
from django.test import Client

from calls import consumers
from calls.consumers import REFUSED, SIGNED_OUT, DeskConsumer
from calls.services import leasing
from calls.tests.factories import callable_pair
from config.kernel.realtime import tell
from config.testing import NOON
from crm.models import User
from crm.services import accounts
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 20


@pytest.fixture(autouse=True)
async def connections_of_other_threads_end():
    yield
    await sync_to_async(connections.close_all)()


class Screen(WebsocketCommunicator):
    """A window of a browser on the call desk; nobody is signed in there without a ``user``."""

    def __init__(self, user: User | None) -> None:
        self.browser = Client()
        if user:
            self.browser.force_login(user)
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in self.browser.cookies.items())
        desk = AuthMiddlewareStack(DeskConsumer.as_asgi())
        super().__init__(desk, "/ws/desk/", headers=[(b"cookie", cookies.encode())])

    async def is_let_go(self) -> int:
        """Return the code with which the server closes it, whatever it has said before."""
        while (said := await self.receive_output(timeout=PATIENCE))["type"] != "websocket.close":
            pass
        code: int = said["code"]
        return code


async def _screen(user):
    return await sync_to_async(Screen)(user)


async def _open(user):
    screen = await _screen(user)
    connected, _ = await screen.connect(timeout=PATIENCE)
    assert connected
    assert await screen.receive_json_from(timeout=PATIENCE) == {"kind": "hello"}
    return screen


async def _rep():
    return await sync_to_async(UserFactory)(bdr=True)


async def test_a_rep_hears_of_the_queue_and_of_their_own_calls():
    rep = await _rep()
    screen = await _open(rep)

    await sync_to_async(tell)("desk", "queue_changed")
    await sync_to_async(tell)(f"rep.{rep.pk}", "call_changed", session="1")

    heard = [await screen.receive_json_from(timeout=PATIENCE) for _ in range(2)]
    assert heard == [{"kind": "queue_changed"}, {"kind": "call_changed", "session": "1"}]
    await screen.disconnect()


async def test_a_rep_does_not_hear_of_a_colleagues_calls():
    screen, colleague = await _open(await _rep()), await _rep()

    await sync_to_async(tell)(f"rep.{colleague.pk}", "call_changed", session="1")

    assert await screen.receive_nothing(timeout=0.3)
    await screen.disconnect()


@pytest.mark.parametrize(("who", "code"), [
    (None, SIGNED_OUT), ({"is_staff": True}, REFUSED), ({"bdr": True, "is_staff": False}, REFUSED),
])  # fmt: skip
async def test_who_may_not_use_the_desk_is_shut_out_with_a_code(who, code):
    screen = await _screen(who and await sync_to_async(UserFactory)(**who))

    await screen.connect(timeout=PATIENCE)

    assert await screen.is_let_go() == code


@sync_to_async
def _signs_out(rep, screen):
    screen.browser.post("/admin/logout/")


@sync_to_async
def _is_deactivated(rep, screen):
    accounts.deactivate(user=rep, by=UserFactory(admin=True), at=NOON)


@sync_to_async
def _gets_a_new_password(rep, screen):
    accounts.set_password(user=rep, password="a rather long pass phrase", by=rep, at=NOON)


@sync_to_async
def _gets_another_role(rep, screen):
    accounts.edit_user(user=rep, changes={"role": "admin"}, at=NOON)


@pytest.mark.parametrize("happens", [_signs_out, _is_deactivated, _gets_a_new_password])
async def test_who_is_not_signed_in_any_more_is_let_go_at_once_and_hears_nothing_more(happens):
    rep = await _rep()
    screen = await _open(rep)

    await happens(rep, screen)

    assert await screen.is_let_go() == SIGNED_OUT
    await sync_to_async(tell)("desk", "queue_changed")
    assert await screen.receive_nothing(timeout=0.3)
    await screen.disconnect()


async def test_who_loses_the_desk_with_their_role_is_let_go_and_who_keeps_it_stays(monkeypatch):
    rep = await _rep()
    screen = await _open(rep)

    await _gets_another_role(rep, screen)
    assert await screen.receive_nothing(timeout=0.5)
    monkeypatch.setattr(consumers, "_may", lambda user: False)
    await _gets_another_role(rep, screen)

    assert await screen.is_let_go() == REFUSED
    await screen.disconnect()


async def test_another_window_that_signs_out_leaves_this_one_alone():
    rep = await _rep()
    screen, other = await _open(rep), await _open(rep)

    await _signs_out(rep, other)

    assert await other.is_let_go() == SIGNED_OUT
    assert await screen.receive_nothing(timeout=0.3)
    await screen.disconnect()


async def test_what_nobody_told_of_is_noticed_within_half_a_minute(monkeypatch):
    monkeypatch.setattr(consumers, "RECHECK", 0.05)
    rep = await _rep()
    screen = await _open(rep)

    await sync_to_async(User.objects.filter(pk=rep.pk).update)(is_active=False)

    assert await screen.is_let_go() == SIGNED_OUT
    await screen.disconnect()


async def test_a_session_that_ran_out_is_noticed_as_well(monkeypatch):
    monkeypatch.setattr(consumers, "RECHECK", 0.05)
    screen = await _open(await _rep())

    await sync_to_async(Session.objects.update)(expire_date=NOON.replace(year=2020))

    assert await screen.is_let_go() == SIGNED_OUT
    await screen.disconnect()


async def test_of_a_colleagues_lease_a_screen_hears_that_the_queue_moved_and_not_whom():
    screen, colleague = await _open(await _rep()), await _rep()
    await sync_to_async(callable_pair)()

    await sync_to_async(leasing.take_next)(user=colleague, at=NOON)

    heard = await screen.receive_json_from(timeout=PATIENCE)
    while heard["kind"] == "queue_changed":  # of the pair that was made
        heard = await screen.receive_json_from(timeout=PATIENCE)
    assert heard == {"kind": "lease_taken"}
    await screen.disconnect()


async def test_what_a_screen_says_is_dropped_unread():
    screen = await _open(await _rep())

    await screen.send_to(text_data='{"type": "hint"')

    assert await screen.receive_nothing(timeout=0.3)
    await screen.disconnect()


async def test_after_leaving_nothing_is_sent_to_a_screen():
    rep = await _rep()
    screen = await _open(rep)
    await screen.disconnect()

    await get_channel_layer().group_send(f"rep.{rep.pk}", {"type": "hint", "message": {"kind": "call_changed"}})

    assert await screen.receive_nothing(timeout=0.3)
