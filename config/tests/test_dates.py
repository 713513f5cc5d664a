"""Moments that no calendar of ours knows: an answer or a refusal, never a crash."""

from typing import Any

import django_filters as filters
import pytest
from django.contrib import admin as back_office
from django.test import Client
from django.urls import reverse

from calls.tests.factories import callable_pair
from config.api import router
from config.kernel import clock
from config.kernel.admin.filters import Days
from config.testing import NOON
from config.tests.clients import Caller
from config.tests.clients import admin as an_admin
from config.tests.records import MAKE
from crm.models import ProjectContact, User
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
EARLY = ["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "1900-02-28T12:00:00Z", "1969-12-31T23:59:59.999Z"]
LATE = ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999-14:00"]
WRONG = ["0000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "yesterday", "12026-01-01T00:00:00Z", "2026-06-16T25:00:00Z"]
ASKED = sorted(
    (prefix, name)
    for prefix, view, _ in router.registry
    for name, one in getattr(getattr(view, "filterset_class", None), "base_filters", {}).items()
    if isinstance(one, filters.IsoDateTimeFilter)
)
LISTS = sorted(
    (model._meta.label_lower, days.path)
    for model, one in back_office.site._registry.items()
    for days in one.list_filter
    if isinstance(days, type) and issubclass(days, Days)
)
TOLD = {
    "call-sessions": ["initiated_at", "answered_at", "ended_at", "callback_at"],
    "terminal-sessions": ["until"],
    "projects": ["next_call_eligible_at"],
}


@pytest.fixture
def admin() -> Any:
    with clock.standing_at(NOON):
        yield an_admin()


@pytest.fixture
def boss() -> Client:
    client = Client()
    client.force_login(UserFactory(admin=True))
    return client


def listed(admin: Caller, prefix: str, **asked: str) -> Any:
    answer = admin.get(f"/api/v1/{prefix}/", asked)
    assert answer.status_code == 200, (asked, answer.json())
    return [item.get("id") or item.get("session") for item in answer.json()["results"]]


@pytest.mark.parametrize(("prefix", "name"), ASKED)
def test_a_list_of_the_api_is_empty_whole_or_refused(admin, prefix, name):
    MAKE[prefix](None)
    ProjectContact.objects.update(callback_at=NOON)
    everything = listed(admin, prefix)
    later = "before" in name

    for moment in EARLY:
        assert listed(admin, prefix, **{name: moment}) == ([] if later else everything), moment
    for moment in LATE:
        assert bool(listed(admin, prefix, **{name: moment})) is (later and bool(everything)), moment
    for text in WRONG:
        refused = admin.get(f"/api/v1/{prefix}/", {name: text})
        assert (refused.status_code, refused.json()["details"][0]["field"]) == (400, name), text


@pytest.mark.parametrize(("label", "path"), LISTS)
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles"])
def test_a_list_of_the_back_office_is_shown_for_any_days(boss, label, path, zone):
    url = reverse(f"admin:{label.replace('.', '_')}_changelist")
    User.objects.update(time_zone=zone)
    for text in [*EARLY, *LATE]:
        day = text[:10]
        assert boss.get(url, {f"{path}_from": day, f"{path}_to": day}).status_code == 200, day
    for text in ("yesterday", "2026-02-30", "0000-01-01", "\0"):
        said = boss.get(url, {f"{path}_from": text}).content.decode()
        assert "is not a day" in said, text


@pytest.mark.parametrize(("prefix", "name"), [(prefix, name) for prefix, names in TOLD.items() for name in names])
@pytest.mark.parametrize("moment", [*EARLY, *LATE, *WRONG])
def test_what_is_told_with_an_impossible_moment_is_taken_or_refused(admin, prefix, name, moment):
    pair = callable_pair()
    bodies: dict[str, dict[str, Any]] = {
        "call-sessions": {
            "call_session_id": "x", "contact": str(pair.contact_id), "project": str(pair.project_id),
            "initiated_at": "2026-06-16T15:00:00Z", "disposition": "Callback",
        },
        "terminal-sessions": {"scope": "pair", "pair": str(pair.pk), "reason": "Asked us to wait"},
        "projects": {"project_id": "P-77", "name": "Harbour"},
    }  # fmt: skip
    status, said = admin.send("post", f"{prefix}/", bodies[prefix] | {name: moment})

    assert status in {200, 201, 400}, said
    assert status == 400 or moment not in WRONG
