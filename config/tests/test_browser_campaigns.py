"""Campaigns in a real browser, at desk and laptop size: seen whole, run, and filled with people."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings as configured
from playwright.sync_api import Page, expect

from campaigns.models import Campaign, ContentTemplate, Conversation, Enrollment, EnrollmentRun, Message, SendingAccount
from campaigns.services import campaigns, counting, demo, enrolling
from campaigns.tests.factories import SendingAccountFactory
from campaigns.tests.scenes import a_campaign, a_version, some_people
from config.kernel import clock
from config.testing import NOON
from config.tests.journeys import do, fact, lively, sums, thousand_people
from config.tests.office_windows import DESKTOP, LAPTOP, assert_uncut, assert_whole, launched, settled, windows
from crm.models import Contact, Endpoint, Suppression, User
from crm.tests.backoffice import list_url, page_url
from crm.tests.factories import UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SHOTS = Path(configured.BASE_DIR) / "docs" / "img"
PICTURES = os.environ.get("CLEARLINE_SHOTS") == "1"


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
        "messages-blocked": f"{list_url('campaigns.message')}?state=blocked",
        "messages-to-decide": f"{list_url('campaigns.message')}?unsure=yes",
        "message": page_url(Message.objects.filter(state="uncertain").latest("pk")),
        "sending-account": page_url(SendingAccount.objects.latest("pk")),
        "contact-in-campaigns": page_url(talk.contact),
        "content-preview": f"{page_url(ContentTemplate.objects.get(key='missed-you-sms'))}?contact={talk.contact_id}",
    }


def test_every_page_of_a_campaign_opens_whole_and_within_the_policy(opened, boss, noon):
    urls = pages_of(a_campaign(owner=boss))
    page = opened(boss, LAPTOP)
    for url in urls.values():
        assert_whole(page, url, LAPTOP, DESKTOP)


def test_no_column_is_cut_off_however_long_names_addresses_and_reasons_are(opened, boss, noon):
    row = a_campaign(people=12, owner=boss)
    blocked = Message.objects.get(state="blocked")
    reasons = "endpoint_suppressed, no_consent, number_failed, no_callable_number"
    Message.objects.filter(pk=blocked.pk).update(reason=reasons)
    Campaign.objects.update(name="The great open house of all builders in Austin and around")
    Contact.objects.update(name="Maximilian Featherstonehaugh-Worthington")
    Endpoint.objects.filter(pk=blocked.endpoint_id).update(
        value="a.rather.long.address.of.somebody@contractors.example.com"
    )
    begin = row.graph.nodes.order_by("id")[0].pk
    counting.add(campaign=row.pk, counts={(begin, "skipped"): 12_345, (begin, "arrived"): 1_234_567})
    page = opened(boss, LAPTOP)
    for url in (list_url("campaigns.message"), page_url(row), page_url(blocked.enrollment)):
        assert_uncut(page, url, LAPTOP, DESKTOP)
    said = page.get_by_role("link", name="E-mail out").bounding_box()
    assert said["height"] < 30  # in one line
    page.goto(f"{list_url('campaigns.message')}?state=blocked")
    box = page.locator("td.field-shown_state")
    assert box.evaluate("cell => cell.scrollWidth <= cell.clientWidth")


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
    expect(page.get_by_text("Nobody is in it yet.")).to_be_visible()
    enrolling.take(EnrollmentRun.objects.get().pk, at=clock.now())
    expect(page.get_by_text("1 person in all")).to_be_visible()  # nobody asked for the page again
    for verb, status in [("Start", "Active"), ("Pause", "Paused"), ("Resume", "Active")]:
        settled(page)
        page.get_by_role("link", name=verb, exact=True).click()
        page.locator("#modal-content").get_by_role("button", name=verb, exact=True).click()
        expect(page.locator(".cl-head .cl-badge").first).to_have_text(status)


def test_a_text_is_read_as_somebody_would_get_it(opened, boss):
    a_version(clock.now())
    some_people(2)
    page = opened(boss)
    page.goto(page_url(ContentTemplate.objects.get(key="open-house-text")))
    page.get_by_role("searchbox", name="Contact").press_sequentially("Barf")
    page.locator("a[href*='found_by=Barf&']", has_text="Alma Barford").click()  # not one of those for "Bar"
    expect(page.get_by_text("Hi Alma, will you come to our open house on Friday?")).to_be_visible()


def test_what_cannot_start_says_why_on_its_button(opened, boss):
    row = campaigns.create(name="Open house", version=a_version(clock.now()), by=boss, at=clock.now())
    SendingAccount.objects.update(is_active=False)
    page = opened(boss)
    page.goto(page_url(row))
    expect(page.get_by_role("button", name="Start")).to_be_disabled()
    said = "3 faults, see below: Nobody sends by SMS: choose a sender who can."
    expect(page.get_by_role("button", name="Start")).to_have_attribute("title", said)


def picture(page: Page, name: str) -> None:
    """Keep what is seen, where pictures are asked for."""
    if PICTURES:
        for suffix, size in (("", DESKTOP), ("-laptop", LAPTOP)):
            page.set_viewport_size(size)
            page.screenshot(path=SHOTS / f"{name}{suffix}.png", full_page=True)
        page.set_viewport_size(DESKTOP)


@pytest.mark.skipif(not PICTURES, reason="pictures for the documentation: CLEARLINE_SHOTS=1")
def test_pictures_for_the_documentation(opened, boss, noon):
    SHOTS.mkdir(parents=True, exist_ok=True)
    urls = pages_of(a_campaign(owner=boss))
    for name, size in (("", DESKTOP), ("-laptop", LAPTOP)):
        page = opened(boss, size)
        for which, url in urls.items():
            page.goto(url)
            settled(page)
            page.screenshot(path=SHOTS / f"{which}{name}.png", full_page=True)


def test_a_thousand_people_are_written_to_and_answer_and_the_numbers_add_up(
    opened, boss, noon, live_server, settings, tmp_path, monkeypatch
):
    """From a template to its funnel: a carrier in a process of its own delivers, answers and opts out over the hook."""
    thousand_people(tmp_path, "2026-HILL")
    demo.install(at=clock.now())
    for channel, address in (("email", "hello@clearline.example"), ("sms", "+15125550100")):
        SendingAccountFactory(name=f"Simulated {channel}", channel=channel, address=address)
    page = opened(boss)
    with lively(tmp_path, settings, live_server.url, monkeypatch) as life:
        page.goto("/admin/campaigns/campaign/add/")
        page.get_by_label("Template").select_option(label="Event by e-mail")
        page.get_by_role("textbox", name="Name").fill("Open house at Hill Clinic")
        page.get_by_label("Kind").select_option("in_person")
        page.get_by_role("textbox", name="Day").fill("2026-06-30")
        page.get_by_label("After a pause, minutes").fill("0")  # the clock stands still
        with page.expect_navigation():
            page.get_by_role("button", name="Save", exact=True).click()
        do(page, "Enrol people", Project="2026-HILL")
        life.move()
        do(page, "Start")
        life.move()
        begun = sums(page, "Invitation")
        assert begun == {**dict.fromkeys(begun, 0), "Written": 1000, "Waiting": 1000}

        life.send(batches=8)
        life.move()
        do(page, "Pause")
        life.send()
        life.hear()
        part = sums(page, "Invitation")
        assert (part["Waiting"], part["Handed over"] + part["Failed"]) == (600, 400)
        assert life.theirs().total() == part["Handed over"], "whoever is paused is not written to"

        do(page, "Resume")
        life.move()  # what was about to go out is written anew: it could say something else by now
        life.send()
        life.move()
        life.hear()
        said, theirs = sums(page, "Invitation"), life.theirs()
        picture(page, "campaign-answered")

    assert said["Handed over"] + said["Failed"] == 1000
    assert (said["Written"], said["Not sent"]) == (1600, 600), "what waited in the pause was written anew"
    assert said["Handed over"] == said["Delivered"] + said["Not delivered"] + said["No news yet"] == theirs.total()
    assert (said["Delivered"] + said["No news yet"], said["Not delivered"]) == (
        theirs["delivered"],
        theirs["undelivered"],
    )
    heard, stopped = Message.objects.filter(direction="inbound"), Suppression.objects.filter(endpoint__kind="email")
    assert said["Opted out"] == heard.filter(reason="opt_out").count() == stopped.count() > 10
    assert said["Answered"] == heard.filter(reason="").count() == fact(page, "Needs BDR") > 50
    assert fact(page, "People") == 1000 == fact(page, "On the way") + fact(page, "Left")
