"""Clicks as people see them: in the numbers, on the pages of walks and messages, in the picture, over HTTP."""

import pytest

from campaigns.tests import office
from campaigns.tests.clicking import LOOKS, MINUTE, clicked, handed_over, told_to_send
from campaigns.tests.office import said
from campaigns.tests.walks import run
from config.testing import NOON
from config.tests.clients import admin as an_admin
from crm.tests.backoffice import page_url
from crm.tests.factories import ContactFactory

pytestmark = pytest.mark.django_db
boss, window = office.boss, office.window


@pytest.fixture
def walk():
    """Of two who got an e-mail one has clicked in it."""
    people = [ContactFactory(email=f"walker{number}@example.com") for number in range(2)]
    first, second = told_to_send(LOOKS, *people)
    message = handed_over(first)
    handed_over(second)
    clicked(message)
    run(NOON + MINUTE)
    return first


def test_the_back_office_tells_of_it(window, walk):
    page = said(window.get(page_url(walk.campaign)))
    assert "Wait for a click, at most 3 days" in page
    (row,) = [part for part in page.split("<tr") if "Clicked</span>" in part]
    assert row.count('became=clicked">1</a></b>') == 1
    history = said(window.get(page_url(walk)))
    assert "Left “click” by it happened" in history
    assert "It was a click on a link." in history
    message = said(window.get(page_url(walk.messages.get())))
    assert "First clicked" in message
    assert (NOON + MINUTE).isoformat(timespec="seconds") in message


def test_so_does_the_api(walk):
    caller = an_admin()
    _, numbers = caller.send("get", f"campaigns/{walk.campaign_id}/stats/")
    assert (numbers["deliveries"]["email"]["clicked"], numbers["deliveries"]["email"]["unconfirmed"]) == (1, 2)
    assert [node["deliveries"]["clicked"] for node in numbers["nodes"] if node["deliveries"]] == [1]
    _, listed = caller.send("get", f"messages/?campaign={walk.campaign_id}")
    assert sorted(row["clicked_at"] or "" for row in listed["results"]) == ["", f"{NOON + MINUTE:%Y-%m-%dT%H:%M:%SZ}"]
