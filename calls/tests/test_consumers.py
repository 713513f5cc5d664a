"""The desk's websocket: it lets in who may, forwards hints of its own groups, and hears nothing."""

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser
from django.db import connections

from calls.consumers import REFUSED, DeskConsumer
from config.kernel.realtime import tell
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 20


@pytest.fixture(autouse=True)
async def connections_of_other_threads_end():
    yield
    await sync_to_async(connections.close_all)()


def _screen(user):
    screen = WebsocketCommunicator(DeskConsumer.as_asgi(), "/ws/desk/")
    screen.scope["user"] = user
    return screen


async def _open(user):
    screen = _screen(user)
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


@pytest.mark.parametrize("who", ["nobody", "without_permission", "inactive"])
async def test_who_may_not_use_the_desk_is_shut_out_with_a_code(who):
    stranger = AnonymousUser()
    if who == "without_permission":
        stranger = await sync_to_async(UserFactory)(is_staff=True)
    elif who == "inactive":
        stranger = await sync_to_async(UserFactory)(bdr=True, is_active=False)
    screen = _screen(stranger)

    await screen.connect(timeout=PATIENCE)

    assert await screen.receive_output(timeout=PATIENCE) == {"type": "websocket.close", "code": REFUSED}


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
