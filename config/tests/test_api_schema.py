"""The schema of the API: valid, whole, and about what is really served."""

import pytest
from django.core.management import call_command
from rest_framework import serializers

from config.kernel.audit import acting
from config.tests import resources
from config.tests.records import MAKE
from config.tests.resources import VIEWS, address, assert_as_told, assert_refused, schema
from crm.tests.factories import ContactFactory, ContactPointFactory, EndpointFactory

pytestmark = pytest.mark.django_db
admin = resources.admin


def test_what_a_row_reads_through_others_may_be_empty_in_the_schema_too(admin):
    person = ContactFactory(name="No Company")
    point = ContactPointFactory(contact=person, kind="address", endpoint=None)
    call, line = MAKE["call-sessions"](None), EndpointFactory(kind="email", value="x@example.com")
    with acting(service="intake", bulk=True):
        born = ContactFactory(source="permits")

    for prefix, row in [("contacts", person), ("contact-points", point), ("call-sessions", call), ("endpoints", line)]:
        assert_as_told(prefix, admin.get(address(prefix, row.pk)).json(), one=True)
    births = admin.get("/api/v1/audit-log/", {"entity_id": str(born.pk)}).json()["results"]
    assert [one["id"] for one in births] == [None]
    assert_as_told("audit-log", births[0])


def test_the_schema_knows_which_answer_means_that_it_was_done():
    done = {
        ("intake/", "post"): {"200"},
        ("calling-hours/{id}/replace/", "post"): {"201"},
        ("call-sessions/{id}/outcome/", "post"): {"200"},
        ("contacts/{id}/", "delete"): {"204"},
        ("contacts/", "post"): {"200", "201"},
    }
    for (path, method), expected in done.items():
        assert set(schema()["paths"][f"/api/v1/{path}"][method]["responses"]) - {"4XX"} == expected, path


def test_no_serializer_shows_whatever_a_model_has():
    def heirs(kind: type) -> set[type]:
        return {kind} | {one for child in kind.__subclasses__() for one in heirs(child)}

    named = [one.Meta for one in heirs(serializers.ModelSerializer) if hasattr(one, "Meta")]

    assert len(named) > 30
    assert all(isinstance(meta.fields, list | tuple) and not hasattr(meta, "exclude") for meta in named)


def test_the_schema_is_valid_and_nothing_in_it_was_guessed(tmp_path):
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yml"))


def test_the_schema_describes_every_resource_and_how_it_refuses(admin):
    schema = admin.get("/api/v1/schema/", HTTP_ACCEPT="application/vnd.oai.openapi+json").json()

    assert {path.split("/")[3] for path in schema["paths"]} >= set(VIEWS)
    refusal = schema["components"]["schemas"]["Refusal"]["properties"]
    assert set(refusal) == {"error", "error_code", "details"}
    dialing = schema["paths"]["/api/v1/call-sessions/dial/"]["post"]["responses"]
    assert set(dialing) == {"201", "4XX", "503"}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert "4XX" in operation["responses"], (method, path)


def test_the_schema_is_refused_in_json_whatever_was_asked_for(client, admin):
    for accept in ("*/*", "application/vnd.oai.openapi"):
        assert_refused(client.get("/api/v1/schema/", HTTP_ACCEPT=accept), 401)
        assert_refused(admin.post("/api/v1/schema/", HTTP_ACCEPT=accept), 405)
