"""What the filters that lists share understand, and what they refuse."""

import pytest

from config.tests.clients import admin
from crm.models import Contact
from crm.tests.factories import ContactFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("said", "found"), [("true", ["No"]), ("1", ["No"]), ("False", ["Yes"]), ("", ["No", "Yes"])])
def test_yes_or_no_is_understood(said, found):
    ContactFactory(name="No", do_not_call=True), ContactFactory(name="Yes")

    rows = admin().get("/api/v1/contacts/", {"do_not_call": said}).json()["results"]

    assert sorted(row["name"] for row in rows) == found


@pytest.mark.parametrize("path", [
    "contacts/?do_not_call=perhaps", "dispositions/?is_active=2", "call-sessions/?to_finish=y",
])  # fmt: skip
def test_neither_yes_nor_no_is_refused_and_not_forgotten(path):
    answer = admin().get(f"/api/v1/{path}")

    assert (answer.status_code, Contact.objects.count()) == (400, 0)
    assert path.split("?")[1].split("=")[0] in answer.json()["details"][0]["field"]
