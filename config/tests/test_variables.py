"""What makes no sense in the environment is refused by the name of its variable, and never repeated."""

from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from celery import Celery
from django.core.exceptions import ImproperlyConfigured
from kombu.simple import SimpleQueue

from config.tests.environments import settings_in
from config.variables import Variables

SENSELESS = [
    ("DEBUG", "maybe"),
    ("BEHIND_POOLER", "2"),
    ("HTTPS", "y"),
    ("CONN_MAX_AGE", "soon"),
    ("STATEMENT_TIMEOUT_MS", "0"),
    ("STATEMENT_TIMEOUT_MS", "-5"),
    ("DATABASE_URL", "mysql://pass@db/x"),
    ("DATABASE_URL", "postgres://pass@db:port/x"),
    ("REPLICA_URL", "pass"),
    ("CACHE_URL", "http://pass"),
    ("CELERY_BROKER_URL", "pass"),
    ("CHANNELS_URL", "redis:pass"),
    ("PUBLIC_URL", "clearline.example.com"),
    ("WS_URL", "https://clearline.example.com"),
    ("LOG_LEVEL", "LOUD"),
    ("CSRF_TRUSTED_ORIGINS", "https://a.example.com,b.example.com"),
    ("ALLOWED_HOSTS", "https://a.example.com"),
]


@pytest.mark.parametrize(("name", "said"), SENSELESS)
def test_the_settings_name_the_variable_that_makes_no_sense(name, said):
    with pytest.raises(ImproperlyConfigured) as refusal:
        settings_in(**{name: said})

    assert str(refusal.value).startswith(f"{name} ")
    assert "pass" not in str(refusal.value)


def test_words_may_stand_apart_and_in_any_case(monkeypatch):
    for name, said in {
        "HOSTS": " a.example.com, b.example.com,",
        "FLAG": "On",
        "LEVEL": "debug",
        "NUMBER": " 7 ",
    }.items():
        monkeypatch.setenv(name, said)
    env = Variables()

    assert env.hosts("HOSTS", default=[]) == ["a.example.com", "b.example.com"]
    assert (env.flag("FLAG", default=False), env.number("NUMBER", default=1)) == (True, 7)
    assert env.one_of("LEVEL", ("DEBUG", "INFO"), default="INFO") == "DEBUG"


def test_what_is_empty_is_not_given(monkeypatch):
    for name in ("HOSTS", "FLAG", "NUMBER", "PAGE"):
        monkeypatch.setenv(name, "")
    env = Variables()

    assert (env.hosts("HOSTS", default=["a"]), env.flag("FLAG", default=True)) == (["a"], True)
    assert env.number("NUMBER", default=3) == 3
    assert env.page("PAGE", ("http",), default="http://a") == "http://a"


def test_a_server_that_another_variable_stands_for_is_named_with_it(monkeypatch):
    monkeypatch.setenv("CACHE_URL", "http://127.0.0.1")

    with pytest.raises(ImproperlyConfigured, match=r"^CACHE_URL \(or REDIS_URL, where it is not given\)"):
        Variables().server("CACHE_URL", ("redis",), instead="REDIS_URL")


def test_of_two_installations_that_share_a_redis_neither_takes_the_others_work():
    def queue(prefix: str) -> SimpleQueue:
        app = Celery(set_as_current=False)
        app.config_from_object(SimpleNamespace(**settings_in(REDIS_PREFIX=prefix)), namespace="CELERY")  # as ours is
        connection = stack.enter_context(app.connection())
        return stack.enter_context(connection.SimpleQueue("two-installations"))

    with ExitStack() as stack:
        one, two = queue("one"), queue("two")
        one.put("work")

        with pytest.raises(two.Empty):
            two.get(block=False)
        taken = one.get(block=False)
        taken.ack()
        assert taken.payload == "work"
