"""Whatever goes wrong, the answer has one shape, tells no secrets, and says what to do."""

import logging
import re
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.core import exceptions as django_errors
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.db.models import ProtectedError
from django.http import Http404
from psycopg.errors import (
    AdminShutdown,
    DeadlockDetected,
    LockNotAvailable,
    ProgramLimitExceeded,
    QueryCanceled,
    TriggeredActionException,
)
from rest_framework import exceptions as drf_errors
from rest_framework import serializers
from rest_framework.test import APIClient, APIRequestFactory

from config.kernel.api.refusals import flatten, handle_exception
from config.kernel.errors import Conflict, DomainError, NotThere
from config.kernel.gate import Approach, Block, GateFault, Level, Verdict
from config.kernel.ids import uuid7
from crm.models import Contact, Endpoint
from crm.tests.factories import ContactFactory, UserFactory


def answer(error: Exception) -> Any:
    return handle_exception(error, {"request": None, "view": None})


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


class Refused(Conflict):
    code = "gate_refused"

    def __init__(self, verdict: Verdict) -> None:
        super().__init__("The gate refuses this call.")
        self.verdict = verdict


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (DomainError("No."), 400, "refused"),
        (Conflict("Too late."), 409, "conflict"),
        (NotThere("Where?"), 404, "not_found"),
        (GateFault("Out of order."), 503, "gate_error"),
        (drf_errors.NotAuthenticated(), 401, "not_authenticated"),
        (drf_errors.PermissionDenied(), 403, "permission_denied"),
        (django_errors.PermissionDenied(), 403, "permission_denied"),
        (Http404(), 404, "not_found"),
        (drf_errors.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (drf_errors.NotAcceptable(), 406, "not_acceptable"),
        (drf_errors.UnsupportedMediaType("text/plain"), 415, "unsupported_media_type"),
        (drf_errors.ParseError(), 400, "parse_error"),
        (drf_errors.Throttled(wait=7), 429, "throttled"),
        (drf_errors.ValidationError({"name": ["Too short."]}), 400, "invalid"),
        (django_errors.ValidationError({"name": ["Too short."]}), 400, "invalid"),
        (django_errors.RequestDataTooBig(), 400, "bad_request"),
        (IntegrityError("x"), 409, "conflict"),
        (ProtectedError("x", set()), 409, "still_needed"),
        (OperationalError("gone"), 503, "unavailable"),
        (caused(OperationalError("slow"), QueryCanceled()), 400, "narrow_your_filter"),
        (caused(OperationalError("stopping"), AdminShutdown()), 503, "unavailable"),
        (caused(OperationalError("victim"), DeadlockDetected()), 503, "unavailable"),
        (caused(OperationalError("held"), LockNotAvailable()), 503, "unavailable"),
        (caused(OperationalError("index row size"), ProgramLimitExceeded()), 400, "bad_value"),
        (caused(OperationalError("trigger"), TriggeredActionException()), 500, "server_error"),
        (DataError("too long"), 400, "bad_value"),
    ],
)
def test_every_kind_of_trouble_has_its_status_and_code(error, status, code):
    response = answer(error)

    assert (response.status_code, response.data["error_code"]) == (status, code)
    assert set(response.data) == {"error", "error_code", "details"}


def test_whoever_is_asked_to_wait_is_told_how_long():
    assert answer(drf_errors.Throttled(wait=7))["Retry-After"] == "7"
    assert answer(OperationalError("gone"))["Retry-After"] == "5"
    assert answer(GateFault("Out of order."))["Retry-After"] == "5"


def test_a_domain_refusal_names_the_fields_at_fault():
    response = answer(DomainError("Impossible.", details={"until": "Must lie in the future."}))

    assert response.data["details"] == [{"field": "until", "message": "Must lie in the future.", "code": "refused"}]


def test_a_refusal_of_the_gate_tells_every_block_and_its_end():
    blocks = (
        Block("cooldown", Level.CONTACT, {}, datetime(2026, 6, 17, 9, 30, tzinfo=UTC)),
        Block("do_not_call", Level.CONTACT, {}),
    )
    verdict = Verdict(Approach(uuid7(), None, "call"), datetime(2026, 6, 16, tzinfo=UTC), blocks, {})

    assert answer(Refused(verdict)).data["details"] == [
        {"field": "contact", "message": "Until 2026-06-17T09:30:00Z.", "code": "cooldown"},
        {"field": "contact", "message": "Until somebody lifts it.", "code": "do_not_call"},
    ]


def test_nested_errors_become_paths():
    class Point(serializers.Serializer):
        value = serializers.CharField(max_length=3)

    class Person(serializers.Serializer):
        name = serializers.CharField()
        points = Point(many=True)
        words = serializers.ListField(child=serializers.IntegerField())

        def validate(self, attrs):
            raise serializers.ValidationError("Nobody is like this.")

    asked = Person(data={"points": [{"value": "abc"}, {"value": "abcd"}, {}], "words": [1, "x"]})
    asked.is_valid()

    assert [(one["field"], one["code"]) for one in flatten(asked.errors)] == [
        ("name", "required"),
        ("points.1.value", "max_length"),
        ("points.2.value", "required"),
        ("words.1", "invalid"),
    ]
    whole = Person(data={"name": "Ada", "points": [], "words": []})
    whole.is_valid()
    assert [(one["field"], one["message"]) for one in flatten(whole.errors)] == [("", "Nobody is like this.")]


@pytest.mark.django_db
def test_a_broken_promise_of_the_database_is_named_without_anybodys_data():
    Endpoint.objects.create(kind="phone", value="+15125550134")
    try:
        with transaction.atomic():
            Endpoint.objects.create(kind="phone", value="+15125550134")
    except IntegrityError as error:
        response = answer(error)

    assert response.status_code == 409
    assert "crm_endpoint_once" in response.data["error"]
    assert "5125550134" not in str(response.data)


def break_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> APIClient:
    from crm.api.people import ContactViewSet

    def broken(self: Any, request: Any) -> Any:
        raise error

    monkeypatch.setattr(ContactViewSet, "create", broken)
    client = APIClient(raise_request_exception=False)
    client.force_login(UserFactory(admin=True))
    return client


@pytest.mark.django_db
@pytest.mark.parametrize("debug", [True, False])
def test_a_fault_of_ours_is_json_with_the_id_under_which_it_was_logged(monkeypatch, settings, caplog, debug):
    settings.DEBUG = debug
    client = break_with(monkeypatch, RuntimeError("Dana Sample, +1 512 555 0134"))

    with caplog.at_level(logging.ERROR, "config.kernel.api.refusals"):
        response = client.post("/api/v1/contacts/", {}, headers={"X-Request-ID": "order-4711-line-2"})

    assert response.status_code == 500
    assert response.json() == {
        "error": "This is our fault and was logged as order-4711-line-2.",
        "error_code": "server_error",
        "details": [],
    }
    assert response["X-Request-ID"] == "order-4711-line-2"
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [RuntimeError]


@pytest.mark.django_db
def test_a_database_that_goes_away_is_503_and_nothing_is_lost(monkeypatch):
    client = break_with(monkeypatch, OperationalError("server closed the connection unexpectedly"))

    response = client.post("/api/v1/contacts/", {})

    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert "try again" in response.json()["error"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "table"),
    [("companies", "crm_company"), ("eligible-calls", "crm_projectcontact")],
)
def test_a_question_that_takes_too_long_is_400(settings, path, table):
    client = APIClient()
    client.force_login(UserFactory(admin=True))
    client.get("/api/v1/users/me/")
    settings.STATEMENT_TIMEOUT_MS = 200

    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")  # nobody reads it before we let go
        response = client.get(f"/api/v1/{path}/")

    assert response.status_code == 400
    assert response.json()["error_code"] == "narrow_your_filter"


@pytest.mark.django_db
def test_without_a_csrf_token_a_session_changes_nothing():
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(UserFactory(admin=True))

    response = client.post("/api/v1/contacts/", {"name": "Ada Example"})

    assert response.status_code == 403
    assert "CSRF" in response.json()["error"]
    assert not Contact.objects.exists()


@pytest.mark.django_db
def test_an_id_that_a_caller_sends_is_kept_if_it_is_sane_and_replaced_if_not(client):
    assert client.get("/health", headers={"X-Request-ID": "abc-12345-and-on"})["X-Request-ID"] == "abc-12345-and-on"
    for strange in ("short", "x" * 65, "with space", 'quote"quote'):
        assert re.fullmatch(r"[0-9a-f]{16}", client.get("/health", headers={"X-Request-ID": strange})["X-Request-ID"])


@pytest.mark.django_db
def test_every_answer_tells_how_long_it_took_and_how_it_may_be_used(client):
    client.force_login(UserFactory(admin=True))
    ContactFactory()

    response = client.get("/api/v1/contacts/")

    assert re.fullmatch(r'total;dur=[\d.]+, db;dur=[\d.]+;desc="\d+ statements"', response["Server-Timing"])
    assert response["Cache-Control"] == "private, no-store"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "script-src 'self';" in response["Content-Security-Policy"]


@pytest.mark.django_db
def test_a_proxy_that_forwards_nonsense_does_not_stop_the_audit(settings):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    client = APIClient(headers={"X-Forwarded-For": "10.0.0.1, not an address"})
    client.force_login(UserFactory(admin=True))

    assert client.post("/api/v1/contacts/", {"name": "Ada Example"}).status_code == 201


@pytest.mark.django_db
def test_who_changed_what_from_where_is_in_the_audit_log():
    admin = UserFactory(admin=True)
    client = APIClient(headers={"User-Agent": "Scraper/1.0", "X-Request-ID": "order-4711-line-2"})
    client.force_login(admin)
    key = client.post("/api/v1/contacts/", {"name": "Ada Example", "title": "Foreman"}).json()["id"]
    client.patch(f"/api/v1/contacts/{key}/", {"title": "Owner"})

    events = client.get("/api/v1/audit-log/", {"entity_id": key, "operation": "update"}).json()["results"]

    assert events[0]["changes"]["title"] == {"old": "Foreman", "new": "Owner"}
    assert events[0]["actor"] == str(admin.pk)
    assert (events[0]["ip"], events[0]["user_agent"]) == ("127.0.0.1", "Scraper/1.0")
    assert events[0]["request_id"] == "order-4711-line-2"


def test_pages_of_refusals_for_people_are_html_outside_the_api():
    from config import errors

    request = APIRequestFactory().get("/somewhere/", headers={"Accept": "text/html"})
    assert errors.not_found(request, Http404())["Content-Type"].startswith("text/html")
    request = APIRequestFactory().get("/somewhere/", headers={"Accept": "application/json"})
    assert errors.not_found(request, Http404())["Content-Type"] == "application/json"
    for view in (errors.bad_request, errors.forbidden):
        assert view(request, django_errors.PermissionDenied())["Content-Type"] == "application/json"
    assert errors.server_error(request).status_code == 500
    assert errors.csrf_failure(request, "no token").status_code == 403
