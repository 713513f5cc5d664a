"""Settings that contradict each other do not start."""

from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from config.checks import contradictions, refuse_contradictions

SOUND = {
    "DEBUG": False,
    "DEVELOPMENT": False,
    "ALLOWED_HOSTS": ["clearline.example.com"],
    "PUBLIC_URL": "https://clearline.example.com",
    "WS_URL": "wss://clearline.example.com/ws/",
    "SECRET_KEY": "q8Zr2vXw5Tn1Lk9Jh4Gd7Fs3Pa6Oi0UyMbVcEx",
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
}


def set_to(settings: Any, **changes: Any) -> list[str]:
    """What speaks against these settings; that the carrier is simulated does not."""
    for name, value in {**SOUND, **changes}.items():
        setattr(settings, name, value)
    return [found.id for found in contradictions() if found.id != "clearline.I001"]


def test_sound_settings_contradict_nothing(settings):
    assert set_to(settings) == []
    refuse_contradictions()


def test_a_checkout_on_somebodys_desk_is_sound(settings):
    settings.DEBUG = True  # the test runner turns it off

    assert contradictions() == []


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"DEBUG": True}, ["clearline.E001"]),
        ({"DEBUG": True, "ALLOWED_HOSTS": ["*"], "PUBLIC_URL": "http://127.0.0.1:8000"}, ["clearline.E001"]),
        ({"DEBUG": True, "ALLOWED_HOSTS": [".localhost", "[::1]", "127.0.0.1"], "PUBLIC_URL": "http://localhost"}, []),
        ({"SECRET_KEY": "short"}, ["clearline.E002"]),
        ({"SECRET_KEY": "a" * 60}, ["clearline.E002"]),
        ({"SECRET_KEY": "django-insecure-q8Zr2vXw5Tn1Lk9Jh4Gd7Fs3Pa6Oi0Uy"}, ["clearline.E002"]),
        ({"AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.ModelBackend"]}, ["clearline.E003"]),
        ({"MIDDLEWARE": []}, ["clearline.E003"]),
        ({"AXES_ENABLED": False}, ["clearline.E004"]),
        ({"SESSION_COOKIE_SECURE": False}, ["clearline.E005"]),
        ({"WS_URL": "ws://clearline.example.com/ws/"}, ["clearline.E006"]),
        ({"PUBLIC_URL": "http://clearline.example.com"}, ["clearline.E007"]),
        ({"TIME_ZONE": "Europe/Paris"}, ["clearline.E010"]),
        ({"CELERY_TASK_ALWAYS_EAGER": True}, ["clearline.E011"]),
        ({"SIMULATED_CLOCK": "2026-06-16T18:00:00+00:00 0 1", "TESTING": False}, ["clearline.E014"]),
        ({"SIMULATED_CLOCK": "2026-06-16T18:00:00+00:00 0 1", "TESTING": True}, ["clearline.E014"]),
        ({"PROVIDERS": {"voice": {"BACKEND": "integrations.nothing.Here"}}}, ["clearline.E012"]),
        ({"PROVIDERS": {"voice": {}}}, ["clearline.E012"]),
    ],
)
def test_each_contradiction_is_found_by_its_id(settings, changes, found):
    assert set_to(settings, **changes) == found


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, ["clearline.E013"]),
        ({"ALLOWED_HOSTS": ["localhost"]}, ["clearline.E013"]),
        ({"ALLOWED_HOSTS": ["10.0.0.7"], "PUBLIC_URL": "https://localhost"}, ["clearline.E013"]),
        ({"ALLOWED_HOSTS": ["127.0.0.1"], "PUBLIC_URL": "https://localhost"}, []),
        ({"DEVELOPMENT": False}, []),
    ],
)
def test_the_embedded_database_is_not_for_others_than_this_machine(settings, changes, found):
    assert set_to(settings, **{"DEVELOPMENT": True, **changes}) == []  # a demo for a colleague starts

    assert [one.id for one in run_checks(include_deployment_checks=True) if one.id == "clearline.E013"] == found


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [("ENGINE", "django.db.backends.sqlite3", "clearline.E008"), ("ATOMIC_REQUESTS", True, "clearline.E009")],
)
def test_another_ground_than_postgresql_without_wrapped_requests_is_refused(settings, monkeypatch, name, value, found):
    monkeypatch.setitem(settings.DATABASES["default"], name, value)

    assert set_to(settings) == [found]


def test_a_contradiction_stops_whatever_starts_and_says_what_to_do(settings):
    set_to(settings, DEBUG=True, SECRET_KEY="short")

    with pytest.raises(ImproperlyConfigured, match=r"clearline.E001.*\n.*Set DEBUG=0"):
        refuse_contradictions()


def test_a_demo_line_in_production_is_only_a_warning(settings):
    changes = {"PROVIDERS": {"voice": {"BACKEND": "integrations.softphone.voice.SimulatedLine"}}}

    assert set_to(settings, **changes) == ["clearline.W001"]
    refuse_contradictions()


def test_simulated_messages_in_production_are_told_and_stop_nothing(settings):
    set_to(settings)

    told = [found for found in contradictions() if found.id == "clearline.I001"]

    assert [found.msg for found in told] == [
        f"Simulated: nobody is reached through {port!r}." for port in ("sms", "email", "voicemail")
    ]
    refuse_contradictions()


def test_every_contradiction_has_a_hint(settings):
    set_to(settings, DEBUG=True, SECRET_KEY="short", MIDDLEWARE=[], TIME_ZONE="Europe/Paris")

    assert all(found.hint for found in contradictions())
