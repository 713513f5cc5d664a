"""What every resource promises, asked of each route that the router knows: a new one is held to it at once."""

import re
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from config.kernel.api.reading import Reading
from config.tests import resources
from config.tests.records import ADMINS, EVERYBODYS, MAKE, THEIR_OWN
from config.tests.resources import RESOURCES, VIEWS, address, assert_as_told, assert_refused
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
admin, rep = resources.admin, resources.rep
NOBODY = UUID("01900000-0000-7000-8000-000000000000")
VERBS = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
SMALL = {"users", "dispositions"}  # tables that stay small need no index for an order


def actions(prefix: str, *, detail: bool) -> list[tuple[str, str]]:
    """(method, address part) of the actions of a resource besides those of the routes for rows."""
    return [
        (method, action.url_path)
        for action in VIEWS[prefix].get_extra_actions()
        if action.detail is detail
        for method in action.mapping
    ]


def test_every_resource_has_rows_to_be_tested_with():
    assert sorted(MAKE) == RESOURCES
    assert set(VIEWS) - set(MAKE) == {"eligible-calls", "intake"}


@pytest.mark.parametrize("prefix", sorted(VIEWS))
def test_nobody_in_particular_learns_nothing(prefix):
    routes = [(method, address(prefix)) for method in ("get", "post")]
    routes += [(method, address(prefix, NOBODY)) for method in (*VERBS, "put")] if prefix in MAKE else []
    routes += [(method, address(prefix, action=part)) for method, part in actions(prefix, detail=False)]
    routes += [(method, address(prefix, NOBODY, part)) for method, part in actions(prefix, detail=True)]

    for method, path in routes:
        answer = getattr(APIClient(), method)(path)
        said = assert_refused(answer, 401)
        assert said["error_code"] == "not_authenticated", (method, path)
        assert answer["WWW-Authenticate"] == 'Session realm="Clearline"'


@pytest.mark.parametrize("prefix", sorted(set(MAKE) - EVERYBODYS - ADMINS - {"users"}))
def test_what_is_somebody_elses_looks_like_not_existing(prefix, rep):
    theirs = MAKE[prefix](UserFactory(bdr=True))
    routes = [("get", ""), *actions(prefix, detail=True)]
    routes += [(verb, "") for verb, action in VERBS.items() if hasattr(VIEWS[prefix], action)]

    for method, part in routes:
        real, imagined = (getattr(rep, method)(address(prefix, key, part)) for key in (theirs.pk, NOBODY))

        assert real.status_code == imagined.status_code, (method, part, real.json(), imagined.json())
        assert real.status_code in {403, 404}
        assert real.json() == imagined.json()
    assert str(theirs.pk) not in rep.get(address(prefix)).content.decode()


@pytest.mark.parametrize("prefix", sorted(set(MAKE) - ADMINS - THEIR_OWN - {"users"}))
def test_ones_own_and_what_is_nobodys_is_there(prefix, rep):
    rows = [MAKE[prefix](rep.user), MAKE[prefix](None)]
    listed = rep.get(address(prefix), {"limit": 1000}).json()["results"]

    for row in rows:
        assert rep.get(address(prefix, row.pk)).status_code == 200
        assert str(row.pk) in {str(item.get("id") or item.get("session")) for item in listed}


@pytest.mark.parametrize("prefix", sorted(ADMINS))
def test_what_only_admins_may_look_at_is_forbidden_to_others(prefix, rep):
    row = MAKE[prefix](None)

    assert_refused(rep.get(address(prefix)), 403)
    assert_refused(rep.get(address(prefix, row.pk)), 403)


@pytest.mark.parametrize("prefix", RESOURCES)
def test_a_list_and_a_row_show_exactly_what_the_schema_says(prefix, admin):
    row = MAKE[prefix](None)
    view = VIEWS[prefix]
    one: type[Reading] = view.reading_one or view.reading

    shown = admin.get(address(prefix, row.pk)).json()
    listed = admin.get(address(prefix)).json()["results"]

    assert_as_told(prefix, shown, one=True)
    assert_as_told(prefix, listed[0])
    assert set(shown) == set(one().fields)
    assert set(listed[0]) == set(view.reading().fields)
    assert all(
        not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\dT(?!.*Z$)", value) for value in shown.values()
    )


@pytest.mark.parametrize("prefix", RESOURCES)
def test_ten_rows_cost_as_many_queries_as_two(prefix, admin):
    counts = []
    for number in (2, 8):
        for _ in range(number):
            MAKE[prefix](None)
        with CaptureQueriesContext(connection) as captured:
            answer = admin.get(address(prefix), {"limit": 1000})
        assert answer.status_code == 200, answer.json()
        counts.append((len(answer.json()["results"]), len(captured)))

    (few, queries), (many, then) = counts
    assert many >= few + 8
    assert queries == then


@pytest.mark.parametrize("prefix", RESOURCES)
def test_a_parameter_that_nobody_knows_is_refused_by_name(prefix, admin):
    said = assert_refused(admin.get(address(prefix), {"colour": "blue"}), 400)

    assert said["details"][0]["field"] == "colour"
    assert said["details"][0]["code"] == "unknown_parameter"
    assert "limit" in said["details"][0]["message"]


@pytest.mark.parametrize("prefix", RESOURCES)
def test_a_row_has_no_parameters(prefix, admin):
    said = assert_refused(admin.get(address(prefix, MAKE[prefix](None).pk), {"colour": "blue"}), 400)

    assert (said["details"][0]["field"], said["details"][0]["code"]) == ("colour", "unknown_parameter")


@pytest.mark.parametrize("prefix", sorted(VIEWS))
def test_whoever_asks_what_can_be_done_or_only_for_the_head_gets_an_answer(prefix, admin):
    assert admin.options(address(prefix)).status_code == 200
    head = admin.head(address(prefix))
    assert (head.status_code, head.content) == (405 if prefix == "intake" else 200, b"")


@pytest.mark.parametrize("prefix", sorted(VIEWS))
def test_what_can_only_be_posted_to_is_browsed_with_a_form_for_it(prefix, admin):
    row = MAKE[prefix](None) if prefix in MAKE else None
    paths = [address(prefix, row.pk, part) for method, part in actions(prefix, detail=True) if method == "post"]
    paths += [address(prefix, action=part) for method, part in actions(prefix, detail=False) if method == "post"]

    for path in paths:
        answer = admin.get(path, HTTP_ACCEPT="text/html")
        assert answer.status_code in {200, 404, 405}, path
        assert 'id="body-POST"' in answer.content.decode(), path


@pytest.mark.parametrize("prefix", sorted(VIEWS))
def test_a_field_that_nobody_knows_is_refused_by_name(prefix, admin):
    row = MAKE[prefix](None) if prefix in MAKE else None
    routes = [("post", address(prefix))] if hasattr(VIEWS[prefix], "create") else []
    if hasattr(VIEWS[prefix], "partial_update"):
        routes.append(("patch", address(prefix, row.pk)))
    routes += [(method, address(prefix, row.pk, part)) for method, part in actions(prefix, detail=True)]
    routes += [(m, address(prefix, action=part)) for m, part in actions(prefix, detail=False) if m != "get"]

    for method, path in routes:
        said = assert_refused(getattr(admin, method)(path, {"colour": "blue"}), 400)

        assert "colour" in {detail["field"] for detail in said["details"]}, (method, path, said)


@pytest.mark.parametrize("prefix", RESOURCES)
def test_what_cannot_be_done_is_405_and_says_what_can(prefix, admin):
    row = MAKE[prefix](None)
    cannot = [verb for verb, action in VERBS.items() if not hasattr(VIEWS[prefix], action)] + ["put"]
    routes = [(verb, address(prefix, row.pk)) for verb in cannot]
    routes += [] if hasattr(VIEWS[prefix], "create") else [("post", address(prefix))]

    for method, path in routes:
        answer = getattr(admin, method)(path, {})
        said = assert_refused(answer, 405)
        assert said["error_code"] == "method_not_allowed"
        assert VIEWS[prefix].how_to_change in said["error"]
        assert "GET" in answer["Allow"]
    if {"patch", "delete"} & set(cannot):
        assert VIEWS[prefix].how_to_change, "somebody who met this 405 does not know what to do instead"


@pytest.mark.parametrize("prefix", RESOURCES)
def test_an_order_is_only_offered_where_an_index_has_it(prefix, admin):
    view = VIEWS[prefix]
    model = view.queryset.model
    for name in view.ordering_fields:
        assert admin.get(address(prefix), {"ordering": f"-{name}"}).status_code == 200
        assert prefix in SMALL or name in indexed(model), f"{model} has no index on ({name}, key)"
    said = assert_refused(admin.get(address(prefix), {"ordering": "colour"}), 400)
    assert said["error_code"] == "unknown_ordering"


def indexed(model: type[models.Model]) -> set[str]:
    """The fields that a whole index of the table begins with, followed by its key, or that are the key."""
    key = model._meta.pk
    found = {key.name, "pk"}
    for index in model._meta.indexes:
        columns = [name.lstrip("-") for name in index.fields] or [leaf(one) for one in index.expressions]
        if index.condition is None and len(columns) == 2 and columns[1] in {key.name, key.attname}:
            found.add(columns[0])
    return found


def leaf(expression: Any) -> str:
    while not hasattr(expression, "name"):
        expression = expression.get_source_expressions()[0]
    return expression.name


@pytest.mark.parametrize("prefix", RESOURCES)
def test_a_resource_can_be_browsed_without_anything_inline(prefix, admin):
    row = MAKE[prefix](None)

    for path in (address(prefix), address(prefix, row.pk)):
        answer = admin.get(path, HTTP_ACCEPT="text/html")
        page = answer.content.decode()

        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("text/html")
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", page)
        assert "unsafe" not in answer["Content-Security-Policy"]


def test_an_address_that_leads_nowhere_is_json_for_whoever_asks(client):
    for path in ("/api/v1/nothing/", "/api/", "/api/v2/contacts/", "/api/v1/contacts/not-an-id/"):
        for accept in ("application/json", "text/html", "*/*"):
            answer = client.get(path, HTTP_ACCEPT=accept)

            assert answer.status_code == 404
            assert answer.json()["error_code"] == "not_found"
