"""Whose words are whose: nobody but an admin rewrites what a colleague's campaign says, or may yet say."""

from typing import Any

import pytest

from campaigns.models import Campaign, ContentTemplate
from campaigns.services import contents
from campaigns.services.ownership import NotYours
from campaigns.tests.factories import CampaignFactory, NodeFactory
from config.testing import NOON
from config.tests.clients import rep as a_rep
from crm.models import User
from crm.tests.backoffice import page_url, signed_in
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def hello() -> ContentTemplate:
    return contents.put(key="hello", channel="sms", name="Hello", body="Hi", at=NOON)[0]


@pytest.fixture
def colleague() -> User:
    return UserFactory(bdr=True)


def saying(config: dict[str, str], **fields: Any) -> Campaign:
    campaign: Campaign = CampaignFactory(**{"name": "Open house", **fields})
    NodeFactory(graph=campaign.graph, config=config)
    return campaign


def rewritten(row: ContentTemplate, by: User | None) -> None:
    contents.edit(row=row, changes={"body": "Bye"}, by=by, at=NOON)


def test_what_an_admin_took_out_of_use_only_an_admin_brings_back(hello, colleague):
    contents.archive(row=hello, by=None, at=NOON)
    again = {"key": "hello", "channel": "sms", "name": "Hello", "body": "Hi again", "at": NOON}
    with pytest.raises(NotYours, match="another key"):
        contents.put(**again, by=colleague)
    row, is_new = contents.put(**again, by=UserFactory(admin=True))
    assert (row.archived_at, row.body, is_new) == (None, "Hi again", False)


@pytest.mark.parametrize("status", ["active", "paused", "scheduled", "draining"])
def test_what_a_colleagues_campaign_says_is_changed_by_them_and_by_admins(hello, colleague, status):
    campaign = saying({"content": "hello"}, owner=colleague, status=status)
    rep = UserFactory(bdr=True)
    with pytest.raises(NotYours, match=r"^Open house says this.*another key, or ask its owner or an admin"):
        rewritten(hello, rep)
    with pytest.raises(NotYours):
        contents.edit(row=hello, changes={"name": "Bye"}, by=rep, at=NOON)
    with pytest.raises(NotYours):
        contents.put(key="hello", channel="sms", name="Hello", body="Bye", by=rep, at=NOON)
    hello.refresh_from_db()
    assert (hello.name, hello.body) == ("Hello", "Hi")
    for one in (colleague, UserFactory(admin=True), None):
        rewritten(hello, one)
    Campaign.objects.filter(pk=campaign.pk).update(owner=None)
    with pytest.raises(NotYours):
        rewritten(hello, rep)
    Campaign.objects.filter(pk=campaign.pk).update(sender=rep)
    rewritten(hello, rep)


@pytest.mark.parametrize(
    ("config", "status"),
    [({"content": "hello"}, "draft"), ({"content": "hello"}, "completed"), ({"content": "hello-again"}, "active")],
)
def test_what_no_campaign_says_any_more_or_yet_is_everybodys(hello, colleague, config, status):
    saying(config, owner=colleague, status=status)
    rewritten(hello, UserFactory(bdr=True))


def test_what_reps_read_out_for_a_colleagues_campaign_is_not_rewritten_either(hello, colleague):
    saying({"script": "hello"}, owner=colleague)
    with pytest.raises(NotYours):
        rewritten(hello, UserFactory(bdr=True))


def test_the_refusal_names_no_campaign_that_is_hidden(hello, colleague):
    saying({"content": "hello"}, owner=colleague, sender=colleague)
    caller = a_rep()
    status, said = caller.send("patch", f"contents/{hello.pk}/", {"body": "Bye"})
    assert (status, said["error_code"]) == (409, "not_yours")
    assert "A campaign that you do not see says this" in said["error"]
    assert "Open house" not in said["error"]


def test_the_page_says_so_before_anybody_types(hello, colleague, django_assert_num_queries):
    rep = UserFactory(bdr=True)
    window, page = signed_in(rep), page_url(hello)
    assert "?tab=edit" in window.get(page).content.decode()
    for number in range(3):
        saying({"content": "hello"}, owner=colleague, name=f"Open house {number}")
    said = window.get(page).content.decode()
    assert "Open house 0 says this" in said
    assert "?tab=edit" not in said
    assert not rep.sees_everything
    with django_assert_num_queries(1):
        contents.why_not_yours(hello, rep)
    assert "?tab=edit" in signed_in(colleague).get(page).content.decode()
