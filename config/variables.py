"""The environment as settings read it: what makes no sense is refused by the name of its variable.

Values of addresses are never repeated: they hold passwords.
"""

from typing import Any
from urllib.parse import SplitResult, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

YES, NO = ("1", "true", "on", "yes"), ("0", "false", "off", "no")


class Variables(environ.Env):
    """Each method raises ImproperlyConfigured, naming the variable, where its text cannot be what is asked for."""

    def flag(self, name: str, *, default: bool) -> bool:
        said = self._text(name).lower()
        if said and said not in (*YES, *NO):
            raise ImproperlyConfigured(f"{name} is neither on nor off: write 1 or 0.")
        return said in YES if said else default

    def number(self, name: str, *, default: int, least: int = 0) -> int:
        said = self._text(name)
        if said and not (said.isascii() and said.isdigit() and int(said) >= least):
            raise ImproperlyConfigured(f"{name} is no whole number from {least} on.")
        return int(said) if said else default

    def words(self, name: str, *, default: list[str]) -> list[str]:
        return [word for part in self._text(name).split(",") if (word := part.strip())] or default

    def hosts(self, name: str, *, default: list[str]) -> list[str]:
        found = self.words(name, default=default)
        if any("/" in host for host in found):
            raise ImproperlyConfigured(f"{name} names hosts: leave out the scheme and the path.")
        return found

    def origins(self, name: str, *, default: list[str]) -> list[str]:
        found = self.words(name, default=default)
        for origin in found:
            self._require(name, origin, ("https", "http"))
        return found

    def one_of(self, name: str, words: tuple[str, ...], *, default: str) -> str:
        said = self._text(name).upper() or default
        if said not in words:
            raise ImproperlyConfigured(f"{name} is none of {', '.join(words)}.")
        return said

    def page(self, name: str, schemes: tuple[str, ...], *, default: str) -> str:
        """An address that browsers reach."""
        said = self._text(name) or default
        self._require(name, said, schemes)
        return said

    def server(self, name: str, schemes: tuple[str, ...], *, instead: str = "") -> str:
        """The address of a server; ``instead`` is the variable that stands for one that is not given."""
        said = str(self(name))
        self._require(f"{name} (or {instead}, where it is not given)" if instead else name, said, schemes, host=False)
        return said

    def database(self, name: str) -> dict[str, Any]:
        """A PostgreSQL, as Django's DATABASES have it."""
        found: dict[str, Any] = self.db_url_config(self.server(name, ("postgres", "postgresql")))
        return found

    def _text(self, name: str) -> str:
        return str(self(name, default="")).strip()

    def _require(self, name: str, said: str, schemes: tuple[str, ...], *, host: bool = True) -> None:
        begins = " or ".join(f"{scheme}://" for scheme in schemes)
        parts = _split(said)
        if parts is None or parts.scheme not in schemes or "://" not in said or (host and not parts.hostname):
            raise ImproperlyConfigured(f"{name} is no address that begins with {begins}.")


def _split(address: str) -> SplitResult | None:
    """The parts of an address, None where it has none or its port is no number."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    return parts
