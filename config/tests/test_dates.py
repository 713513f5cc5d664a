"""Moments that no calendar of ours knows: an answer or a refusal, never a crash."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import django_filters as filters
import pytest
from django.contrib import admin as back_office
from django.contrib.messages.storage.fallback import FallbackStorage
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from calls.choices import EventKind, Scope
from calls.services import recording, terminal
from calls.tests.factories import CallSessionFactory, callable_pair
from config.api import router
from config.kernel import clock
from config.kernel.admin import cells
from config.kernel.admin.edits import MomentField
from config.kernel.admin.filters import Days
from config.kernel.errors import DomainError
from config.kernel.moments import OUT_OF_RANGE, YearOutOfRange
from config.testing import NOON
from config.tests.clients import Caller
from config.tests.clients import admin as an_admin
from config.tests.records import MAKE
from crm.models import ProjectContact, User
from crm.services import consenting, editing, points, suppressing
from crm.services.editing import FieldInvalid
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
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
def test_a_list_of_the_back_office_is_shown_for_any_days(boss, label, path):
    """The page is rendered once; other days are asked of what it renders: its rows, its filters and what it says."""
    url = reverse(f"admin:{label.replace('.', '_')}_changelist")
    User.objects.update(time_zone="Asia/Tokyo")
    page = boss.get(url, {f"{path}_from": "yesterday", f"{path}_to": EARLY[0][:10]})
    assert page.status_code == 200
    assert "is not a day" in page.content.decode()
    request = page.wsgi_request
    office = back_office.site._registry[page.context["cl"].model]

    def asked(**days: str) -> tuple[list[str], str]:
        request.GET = QueryDict(urlencode({f"{path}_{end}": text for end, text in days.items()}))
        request._messages = FallbackStorage(request)
        shown = office.get_changelist_instance(request)
        spans = [one.control.span for one in shown.filter_specs if isinstance(one, Days) and one.control.chosen]
        return spans, " ".join(map(str, request._messages))

    for zone in ("Asia/Tokyo", "America/Los_Angeles"):
        with timezone.override(zone):
            for day in {text[:10] for text in [*EARLY, *LATE]}:
                spans, said = asked(**{"from": day, "to": day})
                assert (len(spans), said) == (1, ""), day
    for text in ("2026-02-30", "0000-01-01", "\0"):
        spans, said = asked(**{"from": text})
        assert spans == []
        assert "is not a day" in said, text


@pytest.mark.parametrize(("prefix", "name"), [(prefix, name) for prefix, names in TOLD.items() for name in names])
@pytest.mark.parametrize("moment", [*EARLY, *LATE, *WRONG])
def test_what_is_told_with_an_impossible_moment_is_taken_or_refused(admin, prefix, name, moment):
    pair = callable_pair()
    bodies: dict[str, dict[str, Any]] = {
        "call-sessions": {
            "call_session_id": "x", "contact": str(pair.contact_id), "project": str(pair.project_id),
            "initiated_at": "2026-06-16T15:00:00Z", "disposition": "Call back",
        },
        "terminal-sessions": {"scope": "pair", "pair": str(pair.pk), "reason": "Asked us to wait"},
        "projects": {"project_id": "P-77", "name": "Harbour"},
    }  # fmt: skip
    status, said = admin.send("post", f"{prefix}/", bodies[prefix] | {name: moment})

    assert status in {200, 201, 400}, said
    assert status == 400 or moment not in WRONG
    assert status == 400 or 1800 <= int(moment[:4]) < 2200, moment


def _doors() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Where moments are written: how to get there, and what has to be said besides."""
    pair, call = callable_pair(), CallSessionFactory(pair=callable_pair())
    line, person = call.endpoint, str(pair.contact_id)
    assert line
    called = {"call_session_id": "x", "contact": person, "initiated_at": "2026-06-16T15:00:00Z"}
    closed = {"scope": "pair", "pair": str(pair.pk), "reason": "Asked us to wait"}
    told = f"call-sessions/{call.pk}"
    return {
        "initiated_at": ("post", "call-sessions/", called),
        "answered_at": ("post", "call-sessions/", called),
        "ended_at": ("post", "call-sessions/", called),
        "until": ("post", "terminal-sessions/", closed),
        "next_call_eligible_at": ("patch", f"projects/{pair.project_id}/", {}),
        "bid_on": ("patch", f"projects/{pair.project_id}/", {}),
        "callback_at": ("patch", f"project-contacts/{pair.pk}/", {}),
        "failed_until": ("patch", f"endpoints/{line.pk}/", {}),
        "at of news": ("post", f"{told}/events/", {"kind": "answered"}),
        "at of a suppression": ("post", "suppressions/", {"phone": "+15125550144"}),
        "at of consent": ("post", "consents/", {"contact": person, "kind": "given"}),
        "callback_at of an outcome": ("post", f"{told}/outcome/", {"disposition": "Call back"}),
    }


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "1799-12-31T00:00:00Z", "2200-01-01T00:00:00Z", *LATE])
def test_no_door_lets_a_year_in_that_is_not_kept(admin, moment):
    for name, (method, path, body) in _doors().items():
        field = name.split()[0]
        said = moment[:10] if field == "bid_on" else moment

        status, refusal = admin.send(method, path, body | {field: said})

        details = [(detail["field"], detail["message"]) for detail in refusal.get("details", [])]
        assert (status, details) == (400, [(field, OUT_OF_RANGE)]), name


def test_a_form_of_the_back_office_refuses_a_year_that_is_not_kept():
    for text in ("0001-01-01T00:00", "1799-12-31T12:00", "2200-01-02T12:00", "9999-12-31T23:59"):
        with pytest.raises(ValidationError):
            MomentField().clean(text)
    assert MomentField().clean("2199-12-31T12:00")


def test_services_refuse_a_year_that_is_not_kept_whoever_asks():
    pair, call = callable_pair(), CallSessionFactory(pair=callable_pair())
    by, line = UserFactory(admin=True), call.endpoint
    assert line
    for moment in (NOON.replace(year=1799), NOON.replace(year=2200)):
        writes: list[Callable[[], Any]] = [
            lambda at=moment: recording.add_event(session=call, kind=EventKind.ANSWERED, at=at),
            lambda at=moment: terminal.close(scope=Scope.PAIR, subject=pair, reason="Wait", at=at, until=at + DAY),
            lambda at=moment: points.mark_failed(endpoint=line, until=at, at=at - DAY),
            lambda at=moment: suppressing.suppress(endpoint=line, reason="asked", source="test", at=at),
            lambda at=moment: suppressing.put_suppression(endpoint=line, reason="asked", source="test", at=at, by=by),
            lambda at=moment: consenting.give(contact=pair.contact, source="test", at=at),
        ]  # fmt: skip
        for write in writes:
            with pytest.raises(YearOutOfRange):
                write()
        told = recording.Told(call_session_id="far", contact=pair.contact, initiated_at=moment)
        with pytest.raises(DomainError, match="Such a call"):
            recording.record(told=told, by=by, at=moment)
        with pytest.raises(FieldInvalid):
            editing.edit(row=pair.project, changes={"next_call_eligible_at": moment}, by=by, at=NOON)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles"])
def test_the_ends_of_the_calendar_are_shown_in_every_zone(zone):
    with timezone.override(zone):
        for moment in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
            assert str(moment.year) in cells.exact(moment)
            assert cells.moment(moment)
            assert cells.second(moment)
