"""Sending accounts over HTTP: admins set them up, and try one again that its provider has refused."""

from datetime import timedelta

import pytest

from campaigns.models import SendingAccount
from config.kernel import clock
from config.tests.clients import admin, rep

pytestmark = pytest.mark.django_db
TOLD = {"name": "Main line", "channel": "sms", "provider": "sms", "address": "(512) 555-0100", "per_second": 2}


def test_an_account_is_set_up_changed_and_tried_again():
    boss = admin()
    status, said = boss.send("post", "sending-accounts/", TOLD)
    assert (status, said["address"], said["per_second"], said["is_active"]) == (201, "+15125550100", 2, True)
    account = f"sending-accounts/{said['id']}/"
    status, said = boss.send("patch", account, {"per_day": 500, "is_active": False})
    assert (status, said["per_day"], said["is_active"], said["name"]) == (200, 500, False, "Main line")
    SendingAccount.objects.update(open_until=clock.now() + timedelta(hours=1), open_reason="Refused", failures=3)
    status, said = boss.send("post", f"{account}reopen/", {})
    assert (status, said["open_until"], said["open_reason"]) == (200, None, "")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({}, 409, "already_exists"),
        ({"address": "nobody"}, 400, "not_an_address"),
        ({"provider": "pigeons"}, 400, "no_provider"),
        ({"address": "512-555-0101", "per_second": 0}, 400, "too_slow"),
    ],
)
def test_what_is_no_account_is_refused_in_words(change, status, code):
    boss = admin()
    boss.send("post", "sending-accounts/", TOLD)
    got, said = boss.send("post", "sending-accounts/", {**TOLD, **change})
    assert (got, said["error_code"], SendingAccount.objects.count()) == (status, code, 1)


def test_a_rep_sets_up_none():
    assert rep().send("post", "sending-accounts/", TOLD)[0] == 403
    assert not SendingAccount.objects.exists()
