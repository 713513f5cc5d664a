"""What every test shares; pytest loads it through `-p config.testing`, before Django is set up."""

import gc
import os
import shutil
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypeVar

import pytest

from config import embedded
from config.testing import database, network, signing, slots

Result = TypeVar("Result")

# A Tuesday; 14:00 in New York, 11:00 in Los Angeles: everybody may be called.
NOON = datetime(2026, 6, 16, 18, 0, tzinfo=UTC)
WAITED = "waited for a lock"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

# At import, because pytest-django loads the settings before any hook of ours could speak.
embedded.read_machine()  # a slot is a file in the state directory that may be named there
SLOT = slots.take()
embedded.set_test_env(slot=SLOT)
# Published messages ignore Valkey's database numbers, so names have to tell test processes apart as well.
os.environ["REDIS_PREFIX"] = f"test{SLOT}"


def pytest_configure() -> None:
    from django.conf import settings

    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)  # WhiteNoise warns if it is missing
    # Argon2 is meant to take long; the tests are not about that.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Every test client loads the middleware anew; each would first look through all static files there are.
    settings.WHITENOISE_AUTOREFRESH = True
    signing.sign_in_quickly()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart() -> None:
    with _ending_the_session():
        embedded.ensure()
    embedded.flush_tests(slot=SLOT)
    database.let_flush_pass()
    network.guard()
    _be_patient()


def pytest_collection_finish() -> None:
    """What is there before the first test stays to the end: looking through it for rubbish is in vain."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, Any, Any]:
    if fixturedef.argname != "django_db_setup":
        return (yield)
    with _ending_the_session():
        database.name_after(SLOT)
    result = yield
    with request.getfixturevalue("django_db_blocker").unblock():
        database.remember_seed()
    return result


@pytest.fixture(scope="module", autouse=True)
def bloat_ends_with_the_module(request: pytest.FixtureRequest, django_db_blocker: Any) -> Iterator[None]:
    """Rows that a module rolled back are not read over by the modules behind it."""
    yield
    if any(item.get_closest_marker("django_db") for item in request.session.items if item.path == request.path):
        from django.db import connection

        with django_db_blocker.unblock():
            database.empty_if_bloated()
            connection.close()  # nobody else would: behind a browser a module ends in a context of its own


def pytest_unconfigure() -> None:
    if not slots.worker() and slots.mine_is_the_last():
        embedded.stop_tests()


@contextmanager
def _ending_the_session() -> Iterator[None]:
    """Without its servers no test can say anything: one message, not one per test."""
    try:
        yield
    except embedded.CannotServe as trouble:
        pytest.exit(str(trouble), returncode=1)


def _be_patient() -> None:
    """Two cores shared by many processes make any one example slow, which says nothing about the code."""
    from hypothesis import HealthCheck, settings

    settings.register_profile(
        "clearline", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=times(60)
    )
    settings.register_profile("ci", parent=settings.get_profile("clearline"), derandomize=True, database=None)
    settings.load_profile("ci" if os.environ.get("CI") else "clearline")


def examples(number: int, **more: Any) -> Any:
    """How many examples a property takes in `./dev test`: `EXAMPLES=10 ./dev test` takes ten times as many.

    What goes to a database costs a thousand times what plain functions cost, so it takes fewer than the sixty that
    are taken where nothing is said.
    """
    from hypothesis import settings

    return settings(max_examples=times(number), **more)


def times(number: int) -> int:
    """``number`` of whatever there can be more of, times EXAMPLES."""
    return max(1, round(number * float(os.environ.get("EXAMPLES") or 1)))


@pytest.fixture
def at() -> datetime:
    return NOON


def in_own_connection(work: Callable[..., Result]) -> Callable[..., Result]:
    """Let ``work`` run on a thread: the database connections it opens are closed when it ends."""

    @wraps(work)
    def wrapped(*arguments: Any, **named: Any) -> Result:
        from django.db import connections

        try:
            return work(*arguments, **named)
        finally:
            connections.close_all()

    return wrapped


@pytest.fixture
def threads() -> Callable[..., list[Any]]:
    """``threads(*works)`` starts all of them at the same moment, each on a thread and a connection of its own.

    It returns their results in order. What one raises is raised here, after all have ended.
    """

    def run(*works: Callable[[], Any]) -> list[Any]:
        together = threading.Barrier(len(works))

        def start(work: Callable[[], Any]) -> Any:
            together.wait(timeout=60)
            return in_own_connection(work)()

        with ThreadPoolExecutor(len(works)) as pool:
            running = [pool.submit(start, work) for work in works]
        return [done.result() for done in running]

    return run


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[], Any]], list[Any]]:
    """``between(point, work)`` lets ``work`` happen on a connection of its own when a fault point is first reached.

    What goes on there goes on when ``work`` has ended. The list that is returned then holds its one result, or WAITED
    if it had to wait for a lock and gave up.
    """

    def arrange(point: str, work: Callable[[], Any]) -> list[Any]:
        found: list[Any] = []
        strike = partial(_strike, point, in_own_connection(partial(_impatiently, work)), found)
        monkeypatch.setattr("config.kernel.faults.strike", strike)
        return found

    return arrange


def _strike(point: str, work: Callable[[], Any], found: list[Any], name: str) -> None:
    if name == point and not found:
        with ThreadPoolExecutor(1) as pool:
            found.append(pool.submit(work).result())


def _impatiently(work: Callable[[], Any]) -> Any:
    from django.db import OperationalError, connection

    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '250ms'")
    try:
        return work()
    except OperationalError:
        return WAITED


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path; whoever asks for it is skipped, by name, where there is none."""
    named = os.environ.get("CHROMIUM")
    for name in [named] if named else CHROMIUM:
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium here: install one, or name it in CHROMIUM, to run the browser tests")
