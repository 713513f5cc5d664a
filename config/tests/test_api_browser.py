"""The API's pages in a real browser: documentation and trying things out, with nothing that the policy forbids."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from config.tests.office_windows import DESKTOP, WATCH, is_outside, launched, window
from crm.models import Contact
from crm.tests.factories import ContactFactory, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    with launched(chromium) as browser:
        yield browser


@pytest.fixture
def page(browser: Any, live_server: Any, client: Any) -> Iterator[Page]:
    """A signed-in admin's page; a violation of the policy, an error on the console or an outside request fails it."""
    client.force_login(UserFactory(admin=True))
    trouble: list[str] = []
    page = window(browser, live_server.url, DESKTOP)
    signed_in = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    page.context.add_cookies([signed_in])
    page.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda asked: trouble.append(asked.url) if is_outside(asked.url, live_server.url) else None)
    page.add_init_script(WATCH)
    yield page
    page.close()
    assert trouble == []


def test_every_resource_is_listed_and_browsed_with_its_filters(page):
    ContactFactory(name="Ada Example", lifecycle="qualified")
    ContactFactory(name="Bea Sample")

    page.goto("/api/v1/contacts/")
    page.get_by_text("Filters").click()
    page.select_option("[name=lifecycle]", "qualified")
    page.get_by_role("button", name="Apply").click()

    page.wait_for_url("**/contacts/?lifecycle=qualified")
    expect(page.locator("#answer")).to_contain_text("Ada Example")
    expect(page.locator("#answer")).not_to_contain_text("Bea Sample")


def test_a_body_is_posted_with_the_session_and_its_answer_shown_in_place(page):
    page.goto("/api/v1/contacts/")

    page.fill("#body-POST", '{"name": "Ada Example", "phone": "512 555 0134"}')
    page.get_by_role("button", name="POST").click()

    expect(page.locator("#answer")).to_contain_text("HTTP 201 Created")
    assert Contact.objects.get().primary_phone == "+15125550134"


def test_the_documentation_shows_every_resource_and_tries_it_out(page):
    ContactFactory(name="Ada Example")

    page.goto("/api/v1/docs/")
    expect(page.locator("#operations-tag-eligible-calls")).to_be_visible(timeout=20_000)  # all of it is drawn at once
    page.locator("#operations-tag-contacts").click()
    page.locator("#operations-contacts-contacts_list .opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()

    expect(page.locator(".live-responses-table").first).to_contain_text("Ada Example")


def test_whoever_is_not_signed_in_is_sent_to_sign_in(client):
    answer = client.get("/api/v1/docs/")

    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")
