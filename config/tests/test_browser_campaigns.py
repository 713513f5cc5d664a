"""Campaigns in a real browser, at desk and laptop size: seen whole, run, and filled with people."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings as configured
from playwright.sync_api import Page, expect

from campaigns.models import Campaign, Conversation, Enrollment, EnrollmentRun, Message, SendingAccount
from campaigns.services import campaigns
from campaigns.tests.scenes import a_campaign, a_version, some_people
from config.kernel import clock
from config.testing import NOON
from config.tests.office_windows import DESKTOP, LAPTOP, assert_whole, launched, settled, windows
from crm.models import User
from crm.tests.backoffice import list_url, page_url
from crm.tests.factories import UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SHOTS = Path(configured.BASE_DIR) / "docs" / "img"


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    with launched(chromium) as browser:
        yield browser


@pytest.fixture
def opened(browser: Any, live_server: Any) -> Iterator[Callable[..., Page]]:
    with windows(browser, live_server.url) as opened:
        yield opened


@pytest.fixture
def boss() -> User:
    return UserFactory(admin=True, name="Ada Admin", email="ada@clearline.example", time_zone="America/Chicago")


@pytest.fixture
def noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=True):
        yield


def pages_of(campaign: Campaign) -> dict[str, str]:
    walks = Enrollment.objects.filter(campaign=campaign)
    talk = Conversation.objects.filter(unread__gt=0).latest("last_at")
    return {
        "campaigns": list_url("campaigns.campaign"),
        "campaign": page_url(campaign),
        "campaign-edit": f"{page_url(campaign)}?tab=edit",
        "campaign-new": "/admin/campaigns/campaign/add/",
        "campaign-people": f"{list_url('campaigns.enrollment')}?campaign={campaign.pk}",
        "campaign-walk": page_url(walks.filter(contact=talk.contact_id).get()),
        "campaign-parked": page_url(walks.filter(state="parked").get()),
        "campaign-run": page_url(EnrollmentRun.objects.latest("pk")),
        "conversations": list_url("campaigns.conversation"),
        "conversation": page_url(talk),
        "messages-to-decide": f"{list_url('campaigns.message')}?unsure=yes",
        "message": page_url(Message.objects.filter(state="uncertain").latest("pk")),
        "sending-account": page_url(SendingAccount.objects.latest("pk")),
        "contact-in-campaigns": page_url(talk.contact),
    }


def test_every_page_of_a_campaign_opens_whole_and_within_the_policy(opened, boss, noon):
    urls = pages_of(a_campaign(owner=boss))
    page = opened(boss, LAPTOP)
    for url in urls.values():
        assert_whole(page, url, LAPTOP, DESKTOP)


def test_a_campaign_is_filled_started_paused_and_resumed(opened, boss):
    row = campaigns.create(name="Open house", version=a_version(clock.now()), by=boss, at=clock.now())
    some_people(5)
    page = opened(boss)
    page.goto(page_url(row))
    page.get_by_role("link", name="Enrol people").click()
    dialog = page.locator("#modal-content")
    dialog.get_by_label("A list").fill("walker1@example.com\nnobody@example.com")
    dialog.get_by_role("button", name="Enrol people").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Nobody whom you see is reached by nobody@example.com")
    dialog.get_by_label("Leave out whoever was not found").check()
    dialog.get_by_role("button", name="Enrol people").click()
    expect(page.get_by_text("1 contact of a list")).to_be_visible()
    for verb, status in [("Start", "Active"), ("Pause", "Paused"), ("Resume", "Active")]:
        settled(page)
        page.get_by_role("link", name=verb, exact=True).click()
        page.locator("#modal-content").get_by_role("button", name=verb, exact=True).click()
        expect(page.locator(".cl-head .cl-badge").first).to_have_text(status)


def test_what_cannot_start_says_why_on_its_button(opened, boss):
    row = campaigns.create(name="Open house", version=a_version(clock.now()), by=boss, at=clock.now())
    SendingAccount.objects.update(is_active=False)
    page = opened(boss)
    page.goto(page_url(row))
    expect(page.get_by_role("button", name="Start")).to_be_disabled()
    said = "3 faults, see below: Nobody sends by SMS: choose a sender who can."
    expect(page.get_by_role("button", name="Start")).to_have_attribute("title", said)


@pytest.mark.skipif(
    os.environ.get("CLEARLINE_SHOTS") != "1", reason="pictures for the documentation: CLEARLINE_SHOTS=1"
)
def test_pictures_for_the_documentation(opened, boss, noon):
    SHOTS.mkdir(parents=True, exist_ok=True)
    urls = pages_of(a_campaign(owner=boss))
    for name, size in (("", DESKTOP), ("-laptop", LAPTOP)):
        page = opened(boss, size)
        for which, url in urls.items():
            page.goto(url)
            settled(page)
            page.screenshot(path=SHOTS / f"{which}{name}.png", full_page=True)
