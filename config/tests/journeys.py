"""A campaign's life as somebody at the screen sees it: people to enrol, a carrier that is another process, time."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from playwright.sync_api import Page

from campaigns import tasks
from campaigns.services.dispatch import accounts, running
from config.kernel import clock
from config.tests.office_windows import settled
from integrations.inbox import reading
from integrations.tasks import read_inbox
from integrations.tests import carriers
from sample.words import BEGINNINGS, FIRST_NAMES

AREAS = (512, 737, 210, 214, 469, 713, 832, 817, 682, 903)  # of Texas; 555-01XX is nobody's in each of them
LIVELY = {
    "latency_ms": 0, "speed": 1000, "seed": 7, "error_before": 0, "error_after": 0, "refuse": 0.03,
    "undelivered": 0.05, "silent": 0.02, "duplicate": 0.05, "disorder": 0.3, "reply": 0.07, "opt_out": 0.02,
    "out_of_office": 0.01,
}  # fmt: skip


def thousand_people(place: Path, project: str) -> None:
    """Take a file of 1,000 people in, who all have a part in one project."""
    rows = ["project_id,project_name,project_region,role,name,email,phone,city,region,country"]
    for number in range(1000):
        first, last = FIRST_NAMES[number % len(FIRST_NAMES)], f"{BEGINNINGS[number % len(BEGINNINGS)]}ford"
        phone = f"+1 {AREAS[number // 100]} 555 01{number % 100:02}"
        address = f"{first}.{last}{number}@example.com".lower()
        rows.append(f"{project},Hill Clinic,TX,Owner,{first} {last},{address},{phone},Austin,TX,US")
    file = place / "people.csv"
    file.write_text("\n".join(rows))
    call_command("ingest", str(file), json=True, verbosity=0)


class Life:
    """What workers do, done when the test says so. ``carrier`` has the other ledger."""

    def __init__(self, carrier: carriers.RunningCarrier) -> None:
        self.carrier = carrier

    def move(self) -> None:
        """Take in whoever was asked for, let go what stood still, and move everybody whose time has come."""
        tasks.take_people_in()
        tasks.move_people()

    def send(self, batches: int = 0) -> None:
        """Send so many batches, or (0) all that is due."""
        if not batches:
            running.dispatch(seconds=20, pipelines=2)
        while batches and accounts.route(at=clock.now()):
            pass
        for _ in range(batches):
            running.step()

    def hear(self) -> None:
        """Let everything that the carrier has to tell come through the hook, and be understood and followed."""
        self.carrier.wait_until_told()
        while reading.read_due(at=clock.now()):
            pass
        self.move()

    def theirs(self) -> Counter[str]:
        """How many messages the carrier has, by what it says of them."""
        return Counter(line["status"] for line in self.carrier.messages())


@contextmanager
def lively(place: Path, settings: Any, address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Life]:
    """Give a life whose carrier brings its news to ``address``, and whose people answer at once."""
    monkeypatch.setattr(read_inbox, "delay", lambda: None)
    with carriers.running(place / "carrier.db") as carrier:
        settings.PUBLIC_URL, settings.SIMULATED_CARRIER_URL = address, carrier.url
        carrier.set(**LIVELY)
        yield Life(carrier)


def do(page: Page, verb: str, **answers: str) -> None:
    """Press the button of a verb, answer its questions by their labels, and wait until it is done."""
    settled(page)
    page.get_by_role("link", name=verb, exact=True).click()
    dialog = page.locator("#modal-content")
    for label, answer in answers.items():
        dialog.get_by_label(label).fill(answer)
    with page.expect_navigation():  # else what follows could still find the page as it was
        dialog.get_by_role("button", name=verb, exact=True).click()


def sums(page: Page, of: str) -> dict[str, int]:
    """What the page says now of the messages of a node: every line by its name."""
    page.reload()
    settled(page)
    table = page.get_by_role("region", name="Messages", exact=True)
    at = [head.partition("\n")[0] for head in table.locator("thead th").all_inner_texts()].index(of)
    rows = [row.locator("td").all_text_contents() for row in table.locator("tbody tr").all()]
    return {row[0]: _number(row[at]) for row in rows}


def fact(page: Page, name: str) -> int:
    """A number of the page's head, or a step of its funnel."""
    place = page.locator(".cl-strip div, .cl-bar").filter(has=page.get_by_text(name, exact=True))
    return _number(place.locator("dd, .cl-number").inner_text())


def _number(said: str) -> int:
    return int(said.replace(",", ""))
