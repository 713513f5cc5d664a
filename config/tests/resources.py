"""Every resource of the API, what its schema says of it, and who asks."""

import json
import re
from functools import cache
from typing import Any

import jsonschema
import pytest
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from config.api import router
from crm.tests.factories import UserFactory

VIEWS = {prefix: view for prefix, view, _ in router.registry}
RESOURCES = sorted(prefix for prefix, view in VIEWS.items() if hasattr(view, "reading"))


@pytest.fixture
def admin() -> APIClient:
    return signed_in(UserFactory(admin=True))


@pytest.fixture
def rep() -> APIClient:
    return signed_in(UserFactory(bdr=True))


def signed_in(user: Any) -> APIClient:
    client = APIClient()
    client.force_login(user)
    client.user = user
    return client


def address(prefix: str, key: Any = None, action: str = "") -> str:
    return "".join(f"{part}/" for part in ("/api/v1", prefix, str(key or ""), action) if part)


@cache
def schema() -> Any:
    """The schema as JSON Schema understands it: OpenAPI 3.0 has a word of its own for what may be null."""

    def said(part: Any) -> Any:
        if isinstance(part, list):
            return [said(one) for one in part]
        if not isinstance(part, dict):
            return part
        told = {name: said(one) for name, one in part.items() if name != "nullable"}
        return {"anyOf": [told, {"type": "null"}]} if part.get("nullable") is True else told

    return said(json.loads(json.dumps(SchemaGenerator().get_schema(request=None, public=True), default=str)))


def assert_as_told(prefix: str, shown: dict[str, Any], *, one: bool = False) -> None:
    """Every value of a row has the type that the schema says."""
    paths = [
        path for path in schema()["paths"] if re.fullmatch(rf"/api/v1/{prefix}/" + (r"\{\w+\}/" if one else ""), path)
    ]
    answers = schema()["paths"][paths[0]]["get"]["responses"]
    told = answers["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(shown if one else {"next": None, "previous": None, "results": [shown]}, schema() | told)


def assert_refused(answer: Any, status: int) -> dict[str, Any]:
    said = answer.json()
    assert answer.status_code == status, said
    assert set(said) == {"error", "error_code", "details"}
    assert said["error"]
    assert re.fullmatch(r"[a-z0-9_]+", said["error_code"])
    assert all(set(detail) == {"field", "message", "code"} for detail in said["details"])
    return said
