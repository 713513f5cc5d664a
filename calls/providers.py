"""What telephone work needs from a telephone company."""

from dataclasses import dataclass
from typing import Protocol, cast

from config.kernel.providers import providers


@dataclass(frozen=True, slots=True)
class Handover:
    """How a call goes on after we have let go of it: a link that the rep's own device opens, or a line that lives."""

    kind: str  # "link" or "live"
    url: str = ""


class VoiceProvider(Protocol):
    label: str  # what the call desk calls this line, for example "Your phone" or "Simulated line"

    def begin(self, *, to: str, extension: str, reference: str) -> Handover:
        """Begin a call to ``to`` (E.164) and return how it goes on.

        ``reference`` is our session's id; news about the call comes back with it. Called once per session, outside
        any transaction.

        :raises config.kernel.providers.Rejected: the number or the account is refused for good.
        :raises config.kernel.providers.Unavailable: certainly not dialed; trying again is safe.
        :raises config.kernel.providers.OutcomeUnknown: it may be ringing; do not dial again.
        """
        ...


def voice() -> VoiceProvider:
    return cast("VoiceProvider", providers["voice"])
