"""The gate's reasons about messages, and why walks end, as people say them."""

import re

from django.utils.safestring import SafeString

from campaigns.choices import CHANNELS
from campaigns.rules.standing import HOLDS
from config.kernel.admin import cells
from config.kernel.gate import gate
from crm.admin import reasons
from crm.choices import Channel

_CODE = re.compile(r"[a-z][a-z0-9_]*")
_TWIN = re.compile(r" \(as [0-9a-f-]{36}\)")

reasons.teach(
    {
        "campaign_ended": "The campaign was completed",
        "campaign_over": "The campaign does not run",
        "campaign_paused": "The campaign is paused",
        "cannot_be_decided": "Nothing could be decided about it: there is an error in Clearline",
        "duplicate_address": "Somebody else on this line got the same message",
        "goal": "Reached the goal",
        "may_have_been_sent": "It may have gone out, and it is too late to repeat it safely",
        "meeting": "A meeting was booked",
        "news_unheard": "Something has just happened to them",
        "no_account": "There is no account that sends on its channel",
        "no_consent": "The consent that it needs is missing",
        "opted_out": "Asked us to stop",
        "reply": "They answered",
        "sending_stopped": "All sending is stopped",
        "suppressed": "The number or address must be left alone",
        "too_late": "Its time to be sent was over",
        "twin_under_way": "The same message is on its way to somebody else on this line",
        "walk_elsewhere": "They have gone on, or left",
        "walk_paused": "They are paused, or need somebody",
    }
)


_OF_DISPATCH = {"cannot_be_decided", "no_account"}
_OF_EMAIL = {"no_callable_number": "No e-mail address"}


def in_words(reason: str, channel: str = "") -> str:
    """Return a reason in words: of codes their names, as they are said of ``channel``, of sentences themselves."""
    head, found, codes = reason.partition("blocked: ")
    parts = _TWIN.sub("", codes if found and not head else reason).split(", ")
    if not all(_CODE.fullmatch(part) for part in parts):
        return reason
    own = _OF_EMAIL if channel == Channel.EMAIL else {}
    words = "; ".join(own.get(part) or reasons.name_of(part) for part in parts)
    return f"Blocked: {words}" if found else words


def with_reason(state: SafeString, words: str) -> SafeString:
    """Return a state with its reason, in words, beside it, where there is one."""
    return cells.badges(state, words and cells.soft(words))


def blocking() -> dict[str, str]:
    """Return the reasons for which a message is blocked, by code, in words: those of the gate, and two of dispatch."""
    codes = {rule.code for channel in CHANNELS for rule in gate.rules(channel)} - HOLDS | _OF_DISPATCH
    return {code: reasons.name_of(code) for code in codes}
