"""A rep's day at the call desk, in a real browser: by keyboard, through reloads and lost connections, beside others."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings as configured

from calls.models import CallDraft, CallSession, Lease
from calls.rules import opening
from calls.services import waterfalls
from calls.tests.factories import CallSessionFactory, callable_pair
from config.testing import NOON
from config.tests.desk_people import people
from config.tests.desk_windows import Desk, Live
from config.tests.office_windows import DESKTOP, LAPTOP, launched
from crm.models import ProjectContact, User
from crm.services import accounts
from crm.tests.factories import ContactFactory, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CATCH_TEL = """document.addEventListener("click", (event) => {
    if (!event.target.href?.startsWith("tel:")) return;
    window.dialed = event.target.href;
    event.preventDefault(); // or the browser asks, in a window that no test can close
}, true)"""
HEARTBEAT = """import("/static/clearline/desk/server.js").then((server) => server.quietly("heartbeat/"))"""
SHOTS = Path(configured.BASE_DIR) / "docs" / "img"


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    with launched(chromium) as browser:
        yield browser


@pytest.fixture
def live(settings: Any) -> Iterator[Live]:
    live = Live()
    live.start()
    settings.WS_URL = f"ws://127.0.0.1:{live.port}/ws/"
    yield live
    live.stop()


@pytest.fixture
def noon() -> Iterator[None]:
    """A Tuesday on which everybody may be called, on every thread."""
    opening._read.clear()  # it knows the newest profile by its id, and clocks that run backwards confuse it
    with time_machine.travel(NOON, tick=True):
        yield


@pytest.fixture
def desks(noon: None, live: Live, live_server: Any, browser: Any, settings: Any) -> Iterator[Any]:
    """``desks(size)`` opens a window of a new rep; afterwards no window may have complained."""
    settings.PROVIDERS = {"voice": {"BACKEND": "integrations.softphone.voice.SimulatedLine"}}
    opened: list[Desk] = []

    def opening(size: dict[str, int] = DESKTOP, rep: User | None = None) -> Desk:
        desk = Desk(
            browser,
            live_server.url.replace("localhost", "127.0.0.1"),
            rep or UserFactory(bdr=True, name="Riley Demo"),
            size,
        )
        opened.append(desk)
        return desk

    yield opening
    for desk in opened:
        desk.leave()


@pytest.mark.parametrize("size", [DESKTOP, LAPTOP], ids=["1440", "1024"])
def test_a_whole_call_goes_by_keyboard_alone(desks, size):
    people()
    desk = desks(size).open()
    assert desk.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    desk.press("Space")
    desk.wait("previewing")
    assert desk.name() == "Dana Whitcomb"
    desk.press("n")
    desk.page.keyboard.type("Back on site 4 pm, u s 9?")
    desk.press("Escape", "Space")
    desk.page.wait_for_selector(".desk-outcomes")
    desk.press("4")
    desk.wait("saved")
    desk.press("u")
    desk.page.wait_for_selector(".desk-outcomes")
    assert desk.page.input_value("#desk-note") == "Back on site 4 pm, u s 9?"
    desk.press("1")
    desk.wait("saved")
    desk.press("Space")
    desk.wait("previewing")

    assert desk.name() == "Marcus Ellery"
    call = CallSession.objects.get(rep=desk.rep)
    assert (call.now.disposition.key, call.source) == (1, "simulated")
    assert "Back on site 4 pm" in call.now.notes


def test_a_reload_in_the_middle_of_a_call_shows_the_same(desks):
    people()
    desk = desks().open()
    desk.press("Space")
    desk.wait("previewing")
    desk.press("Space")
    desk.page.wait_for_selector(".desk-outcomes")
    desk.press("n")
    desk.page.keyboard.type("Half a sen")
    desk.page.wait_for_function("document.querySelector('#desk-kept').textContent === 'saved'")

    desk.page.reload()
    desk.page.wait_for_selector(".desk-outcomes")

    assert (desk.name(), desk.page.input_value("#desk-note")) == ("Dana Whitcomb", "Half a sen")
    assert CallDraft.objects.get(user=desk.rep).text == "Half a sen"


def test_a_lost_connection_keeps_the_notes_and_everything_goes_on_when_it_is_back(desks, live):
    people()
    desk = desks().open()
    desk.press("Space")
    desk.wait("previewing")
    desk.context.set_offline(True)
    desk.press("n")
    desk.page.keyboard.type("Typed in a tunnel")
    desk.shows("kept on this computer")
    desk.shows("Connection lost (retrying, ")
    desk.press("Escape", "Space")
    desk.shows("The server cannot be reached")
    assert not CallSession.objects.filter(rep=desk.rep).exists()

    desk.context.set_offline(False)
    desk.page.wait_for_selector("#desk-offline", state="hidden")
    desk.page.wait_for_function("document.querySelector('#desk-kept').textContent === 'saved'")
    assert CallDraft.objects.get(user=desk.rep).text == "Typed in a tunnel"

    live.stop()
    desk.shows("You can go on; news come a little later.")
    live.start()
    desk.page.wait_for_selector("#desk[data-line=up]")
    desk.page.wait_for_selector("#desk-offline", state="hidden")
    desk.problems = [one for one in desk.problems if "net::ERR_" not in one]  # what Chromium says of a lost network


def test_two_reps_side_by_side_never_have_the_same_person(desks):
    people()
    here, there = desks().open(), desks(LAPTOP).open()
    for desk in (here, there):
        desk.press("Space")
    for desk in (here, there):
        desk.wait("previewing")

    assert here.name() != there.name()
    assert Lease.objects.count() == 2
    there.page.wait_for_function(
        "name => !document.querySelector('[data-part=strip]').innerText.includes(name)", arg=here.name()
    )


def test_what_a_rep_types_in_one_window_goes_with_the_outcome_given_in_another(desks):
    people()
    rep = UserFactory(bdr=True)
    here, there = desks(DESKTOP, rep).open(), desks(LAPTOP, rep).open()
    here.press("Space")
    here.wait("previewing")
    here.press("Space")
    for desk in (here, there):
        desk.page.wait_for_selector(".desk-outcomes")
    here.press("n")
    here.page.keyboard.type("Ask for Marta")
    here.page.wait_for_function("document.querySelector('#desk-kept').textContent === 'saved'")

    there.page.evaluate("window.dispatchEvent(new Event('focus'))")
    there.page.wait_for_function("document.querySelector('#desk-note').value === 'Ask for Marta'")
    there.press("1")
    there.wait("saved")

    assert CallSession.objects.get(rep=rep).now.notes == "Ask for Marta"


def test_a_callback_is_promised_by_keyboard_and_skipping_asks_why(desks):
    pairs = people()
    desk = desks().open()
    desk.press("Space")
    desk.wait("previewing")
    desk.press("s")
    desk.shows("Skip, because…")
    desk.press("Escape")
    desk.page.wait_for_selector("#desk-skip", state="hidden")
    desk.press("Space")
    desk.page.wait_for_selector(".desk-outcomes")
    desk.press("3")
    desk.shows("Call back when?")
    desk.press("3")
    desk.wait("saved")
    desk.press("?")
    desk.shows("While you type, or a window is open")
    desk.press("4", "Escape", "Space")
    desk.wait("previewing")
    desk.press("s", "5")
    desk.wait("saved")  # the person is given back, and the call before may still be undone

    pairs[0].refresh_from_db()
    assert pairs[0].callback_at is not None
    assert pairs[0].callback_at.astimezone(NOON.tzinfo).strftime("%H:%M") == "14:30"  # half past nine in Chicago


def test_single_keys_can_be_switched_off_and_then_only_buttons_do_something(desks):
    people()
    desk = desks().open()
    desk.press("Space")
    desk.wait("previewing")
    switch = desk.page.locator(".desk-left").get_by_role("switch", name="Single-key shortcuts")
    assert switch.get_attribute("aria-checked") == "true"
    switch.click()
    desk.shows("Single-key shortcuts: off")
    desk.page.locator("#desk-person-name").click()
    desk.press("s", "?", "Space", "n")
    assert desk.page.locator("dialog[open]").count() == 0
    assert not CallSession.objects.filter(rep=desk.rep).exists()
    assert desk.page.evaluate("document.activeElement.id") != "desk-note"
    assert desk.page.locator("#desk kbd:visible").count() == 0

    desk.page.reload()
    desk.page.wait_for_selector("#desk[data-keys=off]")
    desk.page.get_by_role("button", name="Show all keys").click()
    desk.shows("This browser remembers it for you.")
    desk.page.locator("#desk-help").get_by_role("switch").focus()
    desk.press("Enter", "Escape", "s")
    desk.shows("Skip, because…")
    desk.press("Escape")
    desk.page.get_by_role("button", name="Call (512)").focus()
    desk.press("Space")
    desk.page.wait_for_selector(".desk-outcomes")


def test_who_is_signed_out_elsewhere_reads_so_and_a_person_held_too_long_is_given_back_kindly(desks):
    people()
    desk = desks().open()
    desk.press("Space")
    desk.wait("previewing")
    Lease.objects.update(taken_at=NOON - timedelta(minutes=31))
    desk.page.evaluate(HEARTBEAT)
    desk.shows("Dana Whitcomb went back to the queue: nobody was called for half an hour")
    desk.page.get_by_role("button", name="Take them again").click()
    desk.wait("previewing")
    assert desk.name() == "Dana Whitcomb"

    accounts.deactivate(user=desk.rep, by=UserFactory(admin=True), at=NOON)
    desk.shows("You are signed out.")
    assert desk.page.get_by_role("link", name="Sign in again").is_visible()
    desk.problems = [one for one in desk.problems if "401" not in one and "409" not in one]  # Chromium tells of both


def test_a_real_telephone_is_handed_the_number(desks, settings):
    people()
    settings.PROVIDERS = {"voice": {"BACKEND": "integrations.softphone.voice.TelLink"}}
    desk = desks().open()
    desk.page.evaluate(CATCH_TEL)
    desk.press("Space")
    desk.wait("previewing")
    desk.press("Space")
    desk.shows("On your phone")

    desk.page.wait_for_function("window.dialed === 'tel:+15125550134'")
    desk.press("a")
    desk.wait("connected")
    desk.press("h")
    desk.wait("wrapup")


def test_when_there_is_nobody_the_page_says_why_and_what_to_do(desks):
    desk = desks().open()
    desk.shows("Nobody has been taken in yet")
    callable_pair(contact=ContactFactory(name="Tomas Calloway", phone="+15125550148", email="tomas@example.com"))
    desk.page.reload()
    desk.wait("idle")
    desk.page.click("[data-act=filter]")
    desk.page.select_option("#desk-priority", "4")
    desk.page.click("[data-act=want]")
    desk.shows("Nobody fits the filter")
    desk.page.click("text=Remove the priority")
    desk.wait("idle")
    desk.press("Space")
    desk.wait("previewing")
    desk.press("Space")
    desk.page.wait_for_selector(".desk-outcomes")
    desk.press("4")
    desk.wait("saved")
    desk.shows("Everybody is cooling down")
    desk.shows("tomas@example.com")


@pytest.mark.skipif(
    os.environ.get("CLEARLINE_SHOTS") != "1", reason="pictures for the documentation: CLEARLINE_SHOTS=1"
)
def test_pictures_for_the_documentation(desks):
    people()
    SHOTS.mkdir(parents=True, exist_ok=True)
    rep = UserFactory(bdr=True, name="Riley Demo")
    waiting = callable_pair(contact=ContactFactory(name="Noor Adler", phone="+15125550199"), suppress_for_project=True)
    CallSessionFactory(rep=rep, initiated_at=NOON - timedelta(hours=3), pair=waiting)
    waterfalls.count(project=None, at=NOON)
    for name, size in (("desk-1440", DESKTOP), ("desk-1024", LAPTOP)):
        desk = desks(size, rep).open()
        if name == "desk-1440":
            desk.press("Space")
            desk.wait("previewing")
        else:
            desk.press("Space")
            desk.page.wait_for_selector(".desk-outcomes")
            desk.press("n")
            desk.page.keyboard.type("Wants the lead times for August.")
        desk.page.screenshot(path=SHOTS / f"{name}.png")
    for number, pair in enumerate(ProjectContact.objects.exclude(callable_from=None)):
        back = NOON + timedelta(hours=2 + number * number % 19, minutes=7 * number)
        ProjectContact.objects.filter(pk=pair.pk).update(callable_from=back)
    empty = desks(DESKTOP, UserFactory(bdr=True, name="Jordan Demo")).open()
    empty.shows("Everybody is cooling down")
    empty.page.screenshot(path=SHOTS / "desk-empty.png")
