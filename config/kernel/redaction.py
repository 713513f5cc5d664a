"""Words about people taken out of texts that more people read than the database: logs, and errors that are kept."""

import re
from collections.abc import Iterator

from config.kernel.errors import DomainError

_KEPT = (
    r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"  # a UUID
    r"|\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?\b"  # a moment
)
_PRIVATE = re.compile(rf"({_KEPT})|\+?\d[\d\s().-]{{7,}}\d|[^\s<>(),;:=\"']+(?:@|%40)[^\s<>(),;:\"']+")
# What stands in quotes is a value, unless it is a name of ours, which has an underscore: "crm_company_has_a_name".
_QUOTED = re.compile(r"""(?<!\w)(?:'(?![a-z]+(?:_[a-z0-9]+)+')[^']*'?|"(?![a-z]+(?:_[a-z0-9]+)+")[^"]*"?)""")
_LONGEST_CHAIN = 10


def redact(text: str) -> str:
    """Replace what looks like a phone number or an e-mail address."""
    return _PRIVATE.sub(lambda found: found[1] or "[redacted]", text)


def redact_quoted(text: str) -> str:
    """Replace every quoted value too: PostgreSQL, Python and the servers quote what they were given, whoever's name."""
    return redact(_QUOTED.sub("[redacted]", text))


def brief(error: BaseException) -> str:
    """Say which error it is, without the values it speaks of.

    A refusal of ours speaks to whoever asked and may name people: only its code is told. PostgreSQL quotes the row in
    the lines after the first, Python and PostgreSQL quote values in the first.
    """
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    if isinstance(error, DomainError):
        return f"{kind}: {error.code}"
    return f"{kind}: {redact_quoted((str(error).splitlines() or [''])[0])}"


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield ``error`` and what caused it, the last one first."""
    met: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in met and len(met) < _LONGEST_CHAIN:
        met.append(cause)
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
