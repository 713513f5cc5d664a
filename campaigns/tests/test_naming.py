"""Names of what people make for campaigns: they show something, and two that look alike are one."""

from typing import Any

import pytest

from campaigns.models import Campaign, ContentTemplate, EnrollmentStatus, SendingAccount, Template, TemplateVersion
from campaigns.services import accounts, campaigns, contents, statuses, templates
from campaigns.services.naming import Nameless, named
from campaigns.tests.scenes import a_version
from config.testing import NOON
from config.tests.clients import admin as an_admin

pytestmark = pytest.mark.django_db
SAID: dict[str, Any] = {"by": None, "at": NOON}
ACCOUNT = {"channel": "sms", "provider": "sms", "address": "+15125550199"}
MADE = {
    Campaign: lambda name: campaigns.create(name=name, version=TemplateVersion.objects.latest("id"), **SAID),
    Template: lambda name: templates.create(name=name, **SAID),
    EnrollmentStatus: lambda name: statuses.put(name=name, **SAID)[0],
    ContentTemplate: lambda name: contents.put(key="k", channel="sms", name=name, body="Hi", **SAID)[0],
    SendingAccount: lambda name: accounts.create(name=name, **ACCOUNT, **SAID),
}
EDITED: dict[Any, Any] = {
    Campaign: campaigns.edit, Template: templates.edit, EnrollmentStatus: statuses.edit, ContentTemplate: contents.edit,
    SendingAccount: accounts.edit,
}  # fmt: skip


@pytest.mark.parametrize("model", MADE)
def test_a_name_that_nobody_sees_is_none(model):
    a_version()
    with pytest.raises(Nameless) as refusal:
        MADE[model]("\u200b")
    assert refusal.value.details == {"name": "Write something."}
    row = MADE[model](" Open \u200b day ")
    assert row.name == "Open day"
    with pytest.raises(Nameless):
        EDITED[model](row=row, changes={"name": " \u2060 "}, **SAID)


@pytest.mark.parametrize("nothing", ["", " ", "\u200b", "\u200d\u200c", "\u3164", "\u2800", "\ufe0f", "\u0301", "\xa0"])
def test_whatever_is_drawn_as_nothing_names_nothing(nothing):
    with pytest.raises(Nameless, match="Give the status a name"):
        named(nothing, what="status")


@pytest.mark.parametrize(
    "name", ["é", "नी", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "👩\u200d🌾", "-", "7"]
)
def test_whatever_is_seen_is_a_name_as_it_is_written(name):
    assert named(name, what="status") == name


def test_over_http_an_unseen_name_is_refused_by_its_field():
    status, said = an_admin().send("post", "enrollment-statuses/", {"name": "\u200b"})
    assert (status, said["error_code"], said["details"][0]["field"]) == (400, "nameless", "name")
