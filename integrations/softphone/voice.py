"""Lines that need no telephone company: the rep's own telephone, and one that only pretends.

``calls.providers.VoiceProvider`` twice. Neither asks anybody over a network, so neither can be unavailable.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from calls.choices import OVER, EventKind
from calls.models import CallSession
from calls.providers import Handover
from calls.services import recording
from config.kernel.providers import Rejected

_E164 = re.compile(r"\+[1-9][0-9]{3,14}")
_EXTENSION = re.compile(r"[0-9]{1,20}")


def _checked(to: str) -> str:
    if not _E164.fullmatch(to):
        raise Rejected(f"{to or 'Nothing'} cannot be dialed: a number looks like +15125550134.")
    return to


class TelLink:
    """The rep's own telephone or softphone: a ``tel:`` link (RFC 3966) that the page opens; no news comes back."""

    label = "Your phone"

    def begin(self, *, to: str, extension: str, reference: str) -> Handover:
        """See ``VoiceProvider.begin``. An extension that is not of digits is left to the rep's fingers."""
        more = f";ext={extension}" if _EXTENSION.fullmatch(extension) else ""
        return Handover(kind="link", url=f"tel:{_checked(to)}{more}")


@dataclass(frozen=True, slots=True)
class Scene:
    """What happens on the simulated line, ``after`` seconds from dialing."""

    after: int
    kind: EventKind


def _play(*scenes: tuple[int, EventKind]) -> tuple[Scene, ...]:
    return tuple(Scene(after, kind) for after, kind in scenes)


PLAYS = (
    _play((1, EventKind.RINGING), (5, EventKind.ANSWERED), (50, EventKind.COMPLETED)),
    _play((1, EventKind.RINGING), (8, EventKind.ANSWERED), (95, EventKind.COMPLETED)),
    _play((1, EventKind.RINGING), (22, EventKind.COMPLETED)),
    _play((1, EventKind.RINGING), (14, EventKind.VOICEMAIL)),
    _play((2, EventKind.BUSY)),
)
_ODDS = (0, 0, 1, 1, 2, 2, 3, 4)


class SimulatedLine:
    """A line for demos: it rings, is answered or not, and ends, always the same for one session. Nobody is called.

    Nothing runs in the background: whoever looks at the call lets it play on (``advance``), and news that fell due
    in between is told with the moment at which it happened.
    """

    label = "Simulated line"

    def begin(self, *, to: str, extension: str, reference: str) -> Handover:
        """See ``VoiceProvider.begin``."""
        _checked(to)
        return Handover(kind="live")

    def advance(self, *, session: CallSession, at: datetime) -> None:
        """Tell what has happened on the line until ``at``; telling it twice is once. A call that is over stays so."""
        if session.now.status in OVER:
            return
        for scene in play_of(str(session.pk)):
            moment = session.initiated_at + timedelta(seconds=scene.after)
            if moment <= at:
                recording.add_event(
                    session=session, kind=scene.kind, at=moment, external_id=f"simulated.{scene.kind.value}",
                    facts=_facts(scene),
                )  # fmt: skip


def play_of(reference: str) -> tuple[Scene, ...]:
    """Return what happens in the call ``reference``: half of the calls are answered."""
    return PLAYS[_ODDS[sha256(reference.encode()).digest()[0] % len(_ODDS)]]


def _facts(scene: Scene) -> dict[str, Any]:
    return {"simulated": True} if scene.kind != EventKind.COMPLETED else {"simulated": True, "by": "them"}
