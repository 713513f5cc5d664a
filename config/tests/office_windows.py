"""Windows on the back office in a real browser: a breach of the policy, an error or an outside request is trouble."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import Page, expect, sync_playwright

from crm.models import User

# Two cores for everything: few threads, and no machine code for scripts that run once.
FRUGAL = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--num-raster-threads=1",
    "--js-flags=--no-opt --single-threaded",
]  # fmt: skip
DESKTOP, LAPTOP = {"width": 1440, "height": 900}, {"width": 1024, "height": 768}
WATCH = "addEventListener('securitypolicyviolation', e => console.error('CSP', e.violatedDirective, e.blockedURI))"
# Controls of ours that a screen reader could not name.
UNNAMED = """() => [..."input select textarea button a".split(" ")]
    .flatMap((tag) => [...document.querySelectorAll(`#content ${tag}`)])
    .filter((one) => one.type !== "hidden" && one.offsetParent !== null)
    .filter((one) => !(one.labels?.length || one.ariaLabel || one.textContent.trim() || one.title || one.placeholder))
    .map((one) => one.outerHTML.slice(0, 160))"""
# Tables of which something can only be seen by moving them.
CUT = """() => [...document.querySelectorAll("#content .cl-scroll")]
    .filter((box) => box.scrollWidth > box.clientWidth)
    .map((box) => [box.closest("section")?.ariaLabel, box.clientWidth, box.scrollWidth])"""

# What each window has asked for and not had yet.
UNDER_WAY: WeakKeyDictionary[Page, set[Any]] = WeakKeyDictionary()
WAIT = 20_000  # milliseconds; the machine may be busy
QUIET = 60  # milliseconds; playwright's own "networkidle" waits for 500 on every page


@contextmanager
def launched(chromium: str) -> Iterator[Any]:
    """Give a browser for a module of tests."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright keeps a loop on this thread, beside the ORM
        expect.set_options(timeout=WAIT)
        browser = playwright.chromium.launch(executable_path=chromium, args=FRUGAL)
        yield browser
        browser.close()


def window(browser: Any, address: str, size: dict[str, int], **options: Any) -> Page:
    """Give an empty window that knows nobody; with what a closed one fetched from us, and need not read anew."""
    context = next((one for one in browser.contexts if not one.pages), None)
    context = context or browser.new_context(base_url=address, reduced_motion="reduce", **options)
    page: Page = context.new_page()
    memory = context.new_cdp_session(page)
    memory.send("Storage.clearDataForOrigin", {"origin": address, "storageTypes": "all"})
    memory.detach()
    context.clear_cookies()
    page.set_viewport_size(size)
    page.set_default_timeout(WAIT)
    return page


@contextmanager
def windows(browser: Any, address: str) -> Iterator[Callable[..., Page]]:
    """Give ``opened(user, size)``, which opens a signed-in window; trouble in any of them fails at the end."""
    cache.clear()
    trouble: list[str] = []
    pages: list[Page] = []

    def opened(user: User, size: dict[str, int] = DESKTOP, **media: Any) -> Page:
        client = Client()
        client.force_login(user)
        page = window(browser, address, size, timezone_id="America/Chicago")
        pages.append(page)
        page.emulate_media(**media)
        page.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}])
        page.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("request", lambda asked: trouble.append(asked.url) if is_outside(asked.url, address) else None)
        under_way = UNDER_WAY[page] = set()
        page.on("request", lambda asked: under_way.add(asked))
        for over in ("requestfinished", "requestfailed"):
            page.on(over, lambda asked: under_way.discard(asked))
        page.add_init_script(WATCH)
        return page

    yield opened
    for page in pages:
        page.close()
    assert trouble == []


def is_outside(url: str, ours: str) -> bool:
    return not url.startswith((ours, "data:", "blob:"))


def settled(page: Page) -> None:
    """Until everything that the page fetches by itself has come."""
    page.wait_for_load_state()
    expect(page.get_by_text("Looking it up")).to_have_count(0)
    for _ in range(WAIT // QUIET):
        page.wait_for_timeout(QUIET)
        if not UNDER_WAY[page]:
            return
    pytest.fail(f"{page.url} still waits for {[asked.url for asked in UNDER_WAY[page]]}")


def assert_uncut(page: Page, url: str, *sizes: dict[str, int]) -> None:
    """Every table of the page is seen with all of its columns, at each of the sizes."""
    for size in sizes:
        page.set_viewport_size(size)
        page.goto(url)
        settled(page)
        cut = page.evaluate(CUT)
        assert cut == [], f"{url} at {size['width']}: {cut}"


def assert_whole(page: Page, url: str, *sizes: dict[str, int]) -> None:
    """The page is as wide as its window, has one heading, and a name for every control, at each of the sizes."""
    page.goto(url)
    settled(page)
    for size in sorted(sizes, key=lambda size: size != page.viewport_size):  # the one that it has already comes first
        if size != page.viewport_size:
            page.set_viewport_size(size)
            settled(page)
        where = f"{url} at {size['width']}"
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], f"{where} is wider"
        assert page.locator("h1").count() == 1, where
        unnamed = page.evaluate(UNNAMED)
        assert unnamed == [], f"{where}: {unnamed}"
