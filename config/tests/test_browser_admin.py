"""The back office in a real browser, at desk and laptop size: nothing is forbidden, cut off or out of reach."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings as configured
from playwright.sync_api import Page, expect

from calls.models import Disposition
from calls.rules import opening
from calls.services import outcomes, recording, waterfalls
from calls.services.recording import Told
from config.kernel import clock
from config.testing import NOON
from config.tests.office_windows import DESKTOP, LAPTOP, assert_whole, launched, settled, windows
from crm.models import Contact, ProjectContact, Suppression, User
from crm.services import quality
from crm.tests.backoffice import page_url
from crm.tests.factories import (
    CompanyFactory,
    ContactFactory,
    IntakeRunFactory,
    ProjectContactFactory,
    ProjectFactory,
    ReviewItemFactory,
    UserFactory,
    give_point,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SHOTS = Path(configured.BASE_DIR) / "docs" / "img"
LISTS = [
    "crm/contact", "crm/company", "crm/project", "crm/projectcontact", "crm/endpoint", "crm/suppression", "crm/touch",
    "crm/intakerun", "crm/reviewitem", "crm/user", "crm/auditevent", "crm/gatedecision", "calls/callsession",
    "calls/terminalsession", "calls/lease", "calls/disposition", "calls/callingpolicy", "calls/callinghours",
]  # fmt: skip


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
    """A Tuesday on which everybody may be called, on every thread."""
    opening._read.clear()  # it knows the newest profile by its id, and clocks that run backwards confuse it
    with time_machine.travel(NOON, tick=True):
        yield


def a_day(boss: User, people: int = 48) -> ProjectContact:
    """A small team's day: people in projects, calls of two weeks, outcomes, a file, something to review."""
    now = clock.now()
    reps = [UserFactory(bdr=True, name=name) for name in ("Rae Rep", "Sol Sales")]
    endings = list(Disposition.objects.order_by("pk"))
    names = [("Alma", "Barford"), ("Bea", "Calley"), ("Cato", "Dunner"), ("Dara", "Fernby"), ("Edda", "Gilman"),
             ("Finn", "Hartson"), ("Gus", "Kelwick"), ("Hana", "Lamworth")]  # fmt: skip
    companies = [CompanyFactory(name=f"{last} {kind}") for _, last in names for kind in ("Builders", "Electric")]
    places = ("Riverside School", "Hill Clinic", "North Tower", "Mill Warehouse", "Lakeside Hotel", "Depot Bridge")
    projects = [ProjectFactory(name=place, kind="permit", status="open", city="Austin", region="TX", country="US",
                               value=1_250_000 * (1 + number)) for number, place in enumerate(places)]  # fmt: skip
    for number in range(people):
        first, last = names[number % 8][0], names[number // 8 % 8][1]
        person = ContactFactory(
            first_name=first, last_name=last, phone=f"+1512555{100 + number:04}", company=companies[number % 16],
            email=f"{first}.{last}@example.com".lower(), title=("Project Manager", "Owner", "Estimator")[number % 3],
            city="Austin", region="TX", country="US", postal_code="78701" if number % 4 else "", source="permits",
            owner=reps[number % 2] if number % 3 == 0 else None, priority=2 + (number % 11 == 0),
            lifecycle="contacted" if number % 5 == 0 else "new", do_not_call=number % 16 == 5,
        )  # fmt: skip
        pair = ProjectContactFactory(contact=person, project=projects[number % 6])
        told = Told(
            call_session_id=f"told-{number}", contact=person, project=pair.project, rep=reps[number % 2],
            initiated_at=now - timedelta(hours=7 * number + (number == 0)), number=person.primary_phone,
            status="completed", duration=40 + number,
        )  # fmt: skip
        session, _ = recording.record(told=told, by=reps[number % 2], at=now)
        if number % 6 != 5:
            ending = endings[number % len(endings)]
            promised = now + timedelta(days=2) if ending.asks_callback else None
            note = "Asked for the drawings by e-mail first." if number % 2 == 0 else ""
            outcomes.conclude(
                session=session, disposition=ending, by=session.rep, at=now, note=note, callback_at=promised
            )
    quality.refresh(contact_ids=Contact.objects.values_list("pk", flat=True))
    give_point(Contact.objects.earliest("pk"), "phone", "+17375550199", label="mobile")
    IntakeRunFactory(file_name="permits-2026.csv", state="done", rows_done=48, counts={"rows.created": 48})
    ReviewItemFactory(contact=Contact.objects.earliest("pk"), other=Contact.objects.latest("pk"))
    waterfalls.count(project=None, at=now)
    return ProjectContact.objects.select_related("contact", "project").earliest("pk")


def test_every_main_page_opens_whole_and_within_the_policy(opened, boss):
    pair = a_day(boss, people=24)
    page = opened(boss, LAPTOP)
    point, call = pair.contact.points.first(), pair.contact.call_sessions.first()
    rows = [pair, pair.contact, pair.project, pair.contact.company, point, point.endpoint, call, boss]
    urls = ["/admin/", *(f"/admin/{name}/" for name in LISTS), *map(page_url, rows),
            f"{page_url(pair.contact)}?tab=edit", f"/admin/crm/contact/{pair.contact_id}/history/",
            "/admin/crm/contact/add/", "/admin/crm/user/add/", "/admin/calls/disposition/add/"]  # fmt: skip

    for url in urls:
        assert_whole(page, url, LAPTOP, DESKTOP)


def test_a_person_is_suppressed_in_a_dialog_without_leaving_their_page(opened, boss):
    person = ContactFactory(name="Alma Barford", phone="+15125550142", email="alma@example.com")
    page = opened(boss)
    page.goto(page_url(person))
    settled(page)

    page.get_by_role("link", name="Suppress", exact=True).click()
    dialog = page.locator("#modal-content")
    expect(dialog).to_contain_text("Suppress: Alma Barford?")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("link", name="Suppress", exact=True).click()
    dialog.get_by_label("What they said").fill("Please stop")
    dialog.get_by_role("button", name="Suppress").click()

    expect(page.get_by_text("1 contact suppressed.")).to_be_visible()
    settled(page)
    expect(page.get_by_role("region", name="Can they be called now?")).to_be_visible()
    assert list(Suppression.objects.values_list("words", flat=True)) == ["Please stop"] * 2


def test_a_refusal_is_said_inside_the_dialog_and_what_was_typed_stays(opened, boss):
    person = ContactFactory(name="Alma Barford", phone="+15125550142")
    page = opened(boss)
    page.goto(page_url(person))
    settled(page)

    page.get_by_role("link", name="Add number").click()
    dialog = page.locator("#modal-content")
    dialog.get_by_label("Number or e-mail").fill("+1 512 555 0143")
    dialog.get_by_label("Kind").select_option("phone")
    dialog.get_by_role("button", name="Add number").click()
    expect(page.get_by_text("1 contact can be reached there.")).to_be_visible()
    settled(page)
    page.get_by_role("link", name="Close for calls").click()
    page.locator("#modal-content").get_by_role("button", name="Close for calls").click()

    expect(page.locator("#modal-content").get_by_role("alert")).to_contain_text("This field is required")


def test_rows_are_ticked_counted_and_acted_upon_after_a_question(opened, boss):
    for number in range(4):
        ContactFactory(name=f"Person {number}", phone=f"+151255501{number:02}")
    page = opened(boss)
    page.goto("/admin/crm/contact/")

    expect(page.locator("[data-actions]")).to_be_hidden()
    page.get_by_label("Tick Person 3").check()
    page.get_by_label("Tick Person 1").click(modifiers=["Shift"])
    expect(page.get_by_text("3 ticked")).to_be_visible()
    page.get_by_role("button", name="Suppress…").click()
    expect(page.locator(".cl-ask")).to_contain_text("3 contacts")
    assert not Suppression.objects.exists()
    page.get_by_role("button", name="Suppress (3 contacts)").click()

    expect(page.get_by_text("3 contacts suppressed.")).to_be_visible()
    assert Suppression.objects.count() == 3


def test_lists_are_searched_and_filtered_by_keyboard_and_the_address_says_what_is_shown(opened, boss):
    ContactFactory(name="Alma Barford", priority=4)
    ContactFactory(name="Bea Norton")
    page = opened(boss)
    page.goto("/admin/crm/contact/")

    page.keyboard.press("/")
    page.keyboard.type("barf")
    page.keyboard.press("Enter")
    page.wait_for_url("**/contact/?q=barf")
    page.get_by_label("Priority").select_option("4")
    page.wait_for_url("**/contact/?q=barf&priority=4")

    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Reset").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(2)


@pytest.mark.parametrize("size", [DESKTOP, LAPTOP], ids=["desktop", "laptop"])
def test_what_must_not_be_overlooked_is_never_cut_off(opened, boss, size):
    ContactFactory(name="Maximilian Featherstonehaugh of the Long Name", do_not_call=True, do_not_email=True)
    page = opened(boss, size)
    page.goto("/admin/crm/contact/")

    cell = page.locator("#result_list .field-shown_name").first.bounding_box()
    for badge in page.locator("#result_list .field-shown_name .cl-badge").all():
        box = badge.bounding_box()
        assert box["x"] + box["width"] <= cell["x"] + cell["width"]


def test_whoever_is_looked_for_is_found_from_any_page(opened, boss):
    person = ContactFactory(name="Alma Barford")
    page = opened(boss)
    page.goto("/admin/crm/project/")

    page.keyboard.press("Control+k")
    page.locator("#search-input-command").press_sequentially("alma barf")
    expect(page.locator("#command-results-list")).to_contain_text("Alma Barford")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    page.wait_for_url(f"**{page_url(person)}")


def test_two_people_who_edit_one_person_do_not_overwrite_each_other(opened, boss):
    person = ContactFactory(title="Owner")
    first, second = opened(boss), opened(UserFactory(admin=True))
    for page in (first, second):
        page.goto(f"{page_url(person)}?tab=edit")

    first.get_by_label("Title").fill("Director")
    first.get_by_role("button", name="Save").click()
    expect(first.get_by_text("saved.")).to_be_visible()
    second.get_by_label("Title").fill("Architect")
    second.get_by_label("Department").fill("Yard")
    second.get_by_role("button", name="Save").click()

    expect(second.get_by_text("Somebody changed this since you opened the page")).to_be_visible()
    expect(second.get_by_label("Department")).to_have_value("Yard")
    assert Contact.objects.get(pk=person.pk).title == "Director"


def test_the_dark_clothes_fit_too(opened, boss):
    pair = a_day(boss, people=2)
    page = opened(boss, color_scheme="dark")

    for url in ("/admin/", "/admin/crm/contact/", page_url(pair.contact)):
        page.goto(url)
        settled(page)
        assert page.evaluate("document.documentElement.classList.contains('dark')")


@pytest.mark.skipif(
    os.environ.get("CLEARLINE_SHOTS") != "1", reason="pictures for the documentation: CLEARLINE_SHOTS=1"
)
def test_pictures_for_the_documentation(opened, boss, noon):
    SHOTS.mkdir(parents=True, exist_ok=True)
    pair = a_day(boss)
    waterfalls.count(project=pair.project, at=clock.now())
    Contact.objects.update(updated_at=clock.now())  # where SQL wrote it, by the real clock
    urls = {"board": "/admin/", "contacts": "/admin/crm/contact/", "contact": page_url(pair.contact),
            "project": page_url(pair.project), "call": page_url(pair.contact.call_sessions.first())}  # fmt: skip

    for name, size in (("", DESKTOP), ("-laptop", LAPTOP)):
        page = opened(boss, size)
        for which, url in urls.items():
            page.goto(url)
            settled(page)
            page.screenshot(path=SHOTS / f"{which}{name}.png")
