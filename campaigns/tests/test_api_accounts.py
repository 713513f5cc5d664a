"""Sending accounts over HTTP: admins set them up, and try one again that its provider has refused."""

from datetime import timedelta

import pytest
from django.db import IntegrityError

from campaigns.models import SendingAccount
from campaigns.tests import office
from campaigns.tests.factories import SendingAccountFactory
from config.kernel import clock
from config.tests.clients import admin, rep

pytestmark = pytest.mark.django_db
TOLD = {"name": "Main line", "channel": "sms", "provider": "sms", "address": "(512) 555-0100", "per_second": 2}
boss, window = office.boss, office.window


def test_an_account_is_set_up_changed_and_tried_again():
    api = admin()
    status, said = api.send("post", "sending-accounts/", TOLD)
    assert (status, said["address"], said["per_second"], said["is_active"]) == (201, "+15125550100", 2, True)
    account = f"sending-accounts/{said['id']}/"
    status, said = api.send("patch", account, {"per_day": 500, "is_active": False})
    assert (status, said["per_day"], said["is_active"], said["name"]) == (200, 500, False, "Main line")
    SendingAccount.objects.update(open_until=clock.now() + timedelta(hours=1), open_reason="Refused", failures=3)
    status, said = api.send("post", f"{account}reopen/", {})
    assert (status, said["open_until"], said["open_reason"]) == (200, None, "")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({}, 409, "already_exists"),
        ({"address": "nobody"}, 400, "not_an_address"),
        ({"provider": "pigeons"}, 400, "no_provider"),
        ({"address": "512-555-0101", "provider": "email"}, 400, "no_provider"),
        ({"address": "512-555-0101", "provider": "voice"}, 400, "no_provider"),
        ({"address": "512-555-0101", "per_day": 0}, 400, "no_pace"),
    ],
)
def test_what_is_no_account_is_refused_in_words(change, status, code):
    api = admin()
    api.send("post", "sending-accounts/", TOLD)
    got, said = api.send("post", "sending-accounts/", {**TOLD, **change})
    assert (got, said["error_code"], SendingAccount.objects.count()) == (status, code, 1)


@pytest.mark.parametrize("pace", [0, -1, 1e-12, 0.0009, 10_001, 1e308, "NaN", "inf", "-inf"])
def test_a_pace_that_nobody_sends_at_is_refused_by_its_field(pace):
    api = admin()
    status, said = api.send("post", "sending-accounts/", {**TOLD, "per_second": pace})
    assert (status, [one["field"] for one in said["details"]]) == (400, ["per_second"])
    made = api.send("post", "sending-accounts/", TOLD)[1]
    status, said = api.send("patch", f"sending-accounts/{made['id']}/", {"per_second": pace})
    assert (status, [one["field"] for one in said["details"]]) == (400, ["per_second"])
    assert SendingAccount.objects.get().per_second == 2


@pytest.mark.parametrize("pace", [0.001, 10_000])
def test_the_slowest_and_the_fastest_pace_are_taken(pace):
    assert admin().send("post", "sending-accounts/", {**TOLD, "per_second": pace})[0] == 201


@pytest.mark.parametrize("pace", [0, 1e-12, 1e308, float("nan"), float("inf")])
def test_no_account_has_another_pace_whoever_writes_it(pace):
    with pytest.raises(IntegrityError, match="campaigns_account_has_a_pace"):
        SendingAccountFactory(per_second=pace)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"per_second": "1e308"}, "From 0.001 to 10,000"), ({"per_second": "NaN"}, "Enter a number"),
     ({"provider": "email"}, "There are: sms")],
)  # fmt: skip
def test_the_form_says_beside_the_field_what_is_no_account(window, wrong, words):
    filled = {**TOLD, "user": "", "per_day": 100, "is_active": "on", **wrong}
    page = window.post("/admin/campaigns/sendingaccount/add/", filled)
    assert (page.status_code, SendingAccount.objects.exists()) == (200, False)
    assert words in str(page.context["adminform"].form.errors[next(iter(wrong))])


def test_a_rep_sets_up_none():
    assert rep().send("post", "sending-accounts/", TOLD)[0] == 403
    assert not SendingAccount.objects.exists()
