from calls.models.calls import CallDraft, CallEvent, CallNews, CallSession, CallStatus
from calls.models.leases import Lease, Waterfall
from calls.models.policies import CallingHours, CallingPolicy, Disposition
from calls.models.terminal import TerminalLift, TerminalSession

__all__ = [
    "CallDraft",
    "CallEvent",
    "CallNews",
    "CallSession",
    "CallStatus",
    "CallingHours",
    "CallingPolicy",
    "Disposition",
    "Lease",
    "TerminalLift",
    "TerminalSession",
    "Waterfall",
]
