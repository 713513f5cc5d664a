"""The refusals a domain function may raise; interfaces translate them, the domain never speaks HTTP."""

from collections.abc import Mapping
from typing import Any


class DomainError(Exception):
    """A request was understood and refused. ``code`` is for programs, the message is for people.

    ``details`` name the fields at fault: ``{field: message}``.
    """

    code = "refused"

    def __init__(self, message: str, *, details: Mapping[str, str] | None = None, **facts: Any) -> None:
        super().__init__(message)
        self.details = dict(details or {})
        self.facts = facts


class Conflict(DomainError):
    """The thing is no longer in a state that allows this."""

    code = "conflict"


class NotThere(DomainError):
    """The thing does not exist for whoever asks."""

    code = "not_found"
