"""What telephone work needs from a telephone company."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

from config.kernel.providers import providers

if TYPE_CHECKING:
    from calls.models import CallSession


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


@runtime_checkable
class PlayedLine(VoiceProvider, Protocol):
    """A line for demos, which tells nothing by itself: whoever looks at a call lets it play on."""

    def advance(self, *, session: "CallSession", at: datetime) -> None:
        """Tell everything that has happened in ``session`` until ``at``. Idempotent."""
        ...


def voice() -> VoiceProvider:
    return cast("VoiceProvider", providers["voice"])
