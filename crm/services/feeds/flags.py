"""Yes or no. Whether somebody may be approached fails closed: what cannot be read counts as "do not"."""

from typing import Final

from crm.services.feeds.troubles import UnusableCell
from crm.services.normalization.amounts import parse_amount
from crm.services.normalization.dates import UnusableDate, parse_date
from crm.services.normalization.refusals import Unusable

YES: Final = frozenset(
    {"true", "t", "yes", "y", "1", "1.0", "-1", "x", "on", "checked", "ticked", "selected", "enabled", "wahr", "ja"}
    | {"si", "s\u00ed", "oui", "vrai", "sim", "verdadero", "\u2713", "\u2714", "\u2611", "\u2705"}
)
NO: Final = frozenset(
    {"false", "f", "no", "n", "0", "0.0", "off", "unchecked", "unticked", "not selected", "disabled", "falsch", "nein"}
    | {"non", "faux", "n\u00e3o", "nao", "falso", "\u2717", "\u2610"}
)
GIVEN: Final = frozenset(
    {"opted in", "opt in", "opted-in", "opt-in", "optin", "subscribed", "granted", "given", "consented", "agreed"}
)
TAKEN_BACK: Final = frozenset(
    {"opted out", "opt out", "opted-out", "opt-out", "optout", "unsubscribed", "withdrawn", "revoked", "denied"}
    | {"refused", "declined"}
)
STOP: Final = TAKEN_BACK | frozenset(
    {"dnc", "do not call", "do not contact", "do not email", "do not text", "do not mail", "don't call", "stop"}
    | {"don't contact", "blocked", "blacklisted", "blocklisted", "suppressed", "stopped", "bounced", "complained"}
)

# Fields of which a cell that cannot be read sets the flag.
CLOSED: Final = frozenset({"do_not_call", "do_not_email", "do_not_text", "call_suppressed", "suppress_for_project"})


def flag(text: str) -> bool:
    """Whether this says yes. :raises UnusableCell: it says neither yes nor no."""
    word = text.lower()
    if word in YES:
        return True
    if word in NO:
        return False
    raise UnusableCell("not_a_flag", text)


def consent(text: str) -> bool:
    """The same, also in words for consent and its withdrawal."""
    word = text.lower()
    if word in GIVEN:
        return True
    return False if word in TAKEN_BACK else flag(text)


def refusal(text: str) -> bool:
    """Whether somebody refuses to be approached: yes, a word for it, any number but 0, or the day they said so.

    :raises UnusableCell: none of these. Whoever asked takes it as a yes (``CLOSED``) and says so.
    """
    word = text.lower()
    if word in YES or word in STOP:
        return True
    if word in NO or word in GIVEN:
        return False
    try:
        return bool(parse_amount(text))
    except Unusable:
        return _is_day(text)


def _is_day(text: str) -> bool:
    try:
        return bool(parse_date(text))
    except UnusableDate as error:
        if error.reason == "empty":  # 0000-00-00: they never said so
            return False
        raise UnusableCell("taken_as_yes", text) from error
