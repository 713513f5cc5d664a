"""Settings that contradict each other refuse to start, with an id and a hint, instead of a surprise at night."""

import ipaddress
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register  # noqa: A004 - Django's own name
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from config.guards import evicting
from config.kernel import clock

SHORTEST_KEY = 32
UNSAFE_KEYS = ("django-insecure", "changeme", "secret", "only for tests")
AXES = "axes.backends.AxesStandaloneBackend", "axes.middleware.AxesMiddleware"


@register(Tags.security)
def contradictions(app_configs: Any = None, **options: Any) -> list[CheckMessage]:
    return [found for ask in _QUESTIONS for found in ask()]


@register(Tags.caches, deploy=True)
def forgetful_brokers(app_configs: Any = None, **options: Any) -> list[CheckMessage]:
    return list(evicting(settings.CELERY_BROKER_URL))


@register(Tags.security, deploy=True)
def not_for_production(app_configs: Any = None, **options: Any) -> list[CheckMessage]:
    """What may be shown to a colleague, and is an error where ``check --deploy`` is asked."""
    outside = ", ".join(_outside())
    if not (settings.DEVELOPMENT and outside):
        return []
    found = Error(
        f"The database is the embedded one of this checkout, and {outside} is not this machine: nobody backs it up, "
        "and ./dev reset drops it.",
        hint="Set DATABASE_URL and REDIS_URL, or leave only localhost in ALLOWED_HOSTS and PUBLIC_URL.",
        id="clearline.E013",
    )
    return [found]


def refuse_contradictions() -> None:
    """Stop a web process, a worker or a command before it does anything.

    :raises ImproperlyConfigured: naming every contradiction, with its hint.
    """
    errors = [found for found in contradictions() if isinstance(found, Error)]
    if errors:
        said = "\n".join(f"{error.id}: {error.msg}\n    {error.hint}" for error in errors)
        raise ImproperlyConfigured(f"These settings contradict each other:\n{said}")


def _debug_in_public() -> Iterator[CheckMessage]:
    outside = ", ".join(_outside())
    if settings.DEBUG and outside:
        yield Error(
            f"DEBUG is on, and {outside} is not this machine: error pages would show secrets to anybody.",
            hint="Set DEBUG=0, or leave only localhost in ALLOWED_HOSTS and PUBLIC_URL.",
            id="clearline.E001",
        )


def _outside() -> list[str]:
    """The names under which others than this machine would reach us."""
    named = dict.fromkeys([*settings.ALLOWED_HOSTS, urlsplit(settings.PUBLIC_URL).hostname or ""])
    return [host for host in named if host and not _is_local(host)]


def _is_local(host: str) -> bool:
    if host.lstrip(".") == "localhost" or host.endswith(".localhost") or host == "testserver":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _weak_key() -> Iterator[CheckMessage]:
    key = settings.SECRET_KEY
    if not settings.DEBUG and (len(key) < SHORTEST_KEY or len(set(key)) < 8 or key.lower().startswith(UNSAFE_KEYS)):
        yield Error(
            "SECRET_KEY can be guessed: sessions and cursors are signed with it.",
            hint='Set SECRET_KEY to the output of: python -c "import secrets; print(secrets.token_urlsafe(50))"',
            id="clearline.E002",
        )


def _no_lockout() -> Iterator[CheckMessage]:
    backend, middleware = AXES
    if settings.AUTHENTICATION_BACKENDS[:1] != [backend] or settings.MIDDLEWARE[-1:] != [middleware]:
        yield Error(
            "Nobody is locked out after wrong passwords: django-axes is not in its places.",
            hint=f"{backend} comes first in AUTHENTICATION_BACKENDS, {middleware} last in MIDDLEWARE.",
            id="clearline.E003",
        )
    if getattr(settings, "AXES_ENABLED", True) is False and not settings.DEBUG:
        yield Error(
            "Nobody is locked out after wrong passwords: AXES_ENABLED is off.",
            hint="Leave AXES_ENABLED out outside development.",
            id="clearline.E004",
        )


def _half_https() -> Iterator[CheckMessage]:
    public, live = urlsplit(settings.PUBLIC_URL), urlsplit(settings.WS_URL)
    secure = public.scheme == "https"
    if secure and not (settings.SESSION_COOKIE_SECURE and settings.CSRF_COOKIE_SECURE):
        yield Error(
            "PUBLIC_URL is https, but cookies would also travel over http.",
            hint="Set HTTPS=1.",
            id="clearline.E005",
        )
    if secure and live.scheme != "wss":
        yield Error(
            "PUBLIC_URL is https and WS_URL is not wss: browsers refuse the mixture, and pages would not be live.",
            hint=f"Set WS_URL=wss://{live.netloc}{live.path}",
            id="clearline.E006",
        )
    if not settings.DEBUG and not secure and not _is_local(public.hostname or ""):
        yield Error(
            "PUBLIC_URL is not https: passwords and people's data would travel in the open.",
            hint="Put a proxy with TLS in front, set PUBLIC_URL=https://... and BEHIND_PROXY=1.",
            id="clearline.E007",
        )


def _wrong_ground() -> Iterator[CheckMessage]:
    for alias, database in settings.DATABASES.items():
        if database["ENGINE"] != "django.db.backends.postgresql":
            yield Error(
                f"The database {alias!r} is not PostgreSQL.",
                hint="DATABASE_URL and REPLICA_URL begin with postgres://",
                id="clearline.E008",
            )
        if database.get("ATOMIC_REQUESTS"):
            yield Error(
                "ATOMIC_REQUESTS wraps provider calls into transactions.",
                hint="Leave ATOMIC_REQUESTS out: services say where a transaction begins and ends.",
                id="clearline.E009",
            )
    if not settings.USE_TZ or settings.TIME_ZONE != "UTC":
        yield Error("Times are not stored in UTC.", hint="Leave USE_TZ and TIME_ZONE as they are.", id="clearline.E010")
    if getattr(settings, "CELERY_TASK_ALWAYS_EAGER", False):
        yield Error(
            "CELERY_TASK_ALWAYS_EAGER does the workers' work inside requests, and inside their transactions.",
            hint="Leave it out, and run a worker.",
            id="clearline.E011",
        )


def _providers() -> Iterator[CheckMessage]:
    for port, spec in settings.PROVIDERS.items():
        try:
            import_string(spec["BACKEND"])
        except (ImportError, KeyError) as error:
            yield Error(
                f"There is no adapter for {port!r}: {error}",
                hint=f"{port.upper()}_BACKEND names a class, such as integrations.softphone.voice.TelLink",
                id="clearline.E012",
            )
        else:
            if spec["BACKEND"].rsplit(".", 1)[-1].startswith("Simulated") and not settings.DEBUG:
                yield _simulated(port, spec["BACKEND"])


def _simulated(port: str, backend: str) -> CheckMessage:
    """A line that somebody chose is worth a warning; a carrier that stands in until there is a real one, a word."""
    said = f"Simulated: nobody is reached through {port!r}."
    hint = f"Right for a demo; otherwise name a real adapter in {port.upper()}_BACKEND."
    if backend.startswith("integrations.simulated."):
        return Info(said, hint=hint, id="clearline.I001")
    return Warning(said, hint=hint, id="clearline.W001")


def _simulated_clock() -> Iterator[CheckMessage]:
    if not settings.SIMULATED_CLOCK:
        return
    if not (settings.TESTING and settings.DEVELOPMENT):
        yield Error(
            "SIMULATED_CLOCK is set: people would be called and written to at hours that are not.",
            hint="Leave it out: it is for tests, on servers of their own.",
            id="clearline.E014",
        )
    try:
        clock.Pace.read(settings.SIMULATED_CLOCK)
    except ValueError:
        yield Error(
            "SIMULATED_CLOCK cannot be read.",
            hint="A moment with its zone, the second of the system's clock at which it is, and a speed: "
            '"2026-06-16T18:00:00+00:00 1781632800 20"',
            id="clearline.E015",
        )


_QUESTIONS = (_debug_in_public, _weak_key, _no_lockout, _half_https, _wrong_ground, _providers, _simulated_clock)
