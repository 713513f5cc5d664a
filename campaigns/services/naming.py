"""Names of what people make for campaigns: templates, statuses, contents, accounts, and the campaigns themselves."""

from config.kernel.errors import DomainError
from crm.services.normalization.text import one_line, shows_nothing


class Nameless(DomainError):
    """A name shows something."""

    code = "nameless"


def named(text: str, *, what: str) -> str:
    """Return a name as it is kept: one line, with single spaces, without what nobody can see.

    :raises Nameless: nothing of it can be seen.
    """
    name = one_line(text)
    if shows_nothing(name):
        raise Nameless(f"Give the {what} a name.", details={"name": "Write something."})
    return name
