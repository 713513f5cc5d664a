"""What each type of node may be told, and by which exits people leave it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from campaigns.choices import AwaitedEvent, ConsentRule, Exit, NodeType, Unit, WaitMode, Weekday, WhenBlocked
from campaigns.rules.config_fields import Clock, Day, Field, OneOf, SomeOf, Text, Whole
from campaigns.rules.drawings import Config
from crm.choices import Channel, Priority

ROUNDS: Final = 100  # of a loop at most
AMOUNT: Final = Whole(1, 10_000)
PRIORITIES: Final = tuple(name.lower() for name in Priority.names)


@dataclass(frozen=True)
class Shape:
    """``exits`` are those that people may leave by, and whether there has to be an edge for it: without an edge for an
    exit that may be open, the walk is completed there. ``own_exits``: the node names its exits itself.
    """

    fields: Mapping[str, Field]
    exits: Mapping[str, bool]
    own_exits: bool = False


_NEXT: Final = {Exit.NEXT.value: False}
_SEND: Final[Mapping[str, Field]] = {
    "content": Text(80, required=True),
    "when_blocked": OneOf(tuple(WhenBlocked.values), required=False),
}

SHAPES: Final[Mapping[str, Shape]] = {
    NodeType.STAGE: Shape({"status": Text(80, required=True)}, _NEXT),
    NodeType.SMS_SEND: Shape(_SEND, _NEXT),
    NodeType.EMAIL_SEND: Shape(_SEND, _NEXT),
    NodeType.VOICEMAIL_DROP: Shape({**_SEND, "consent": OneOf(tuple(ConsentRule.values), required=False)}, _NEXT),
    NodeType.CALL_TASK: Shape(
        {"script": Text(80), "priority": OneOf(PRIORITIES, required=False)},
        _NEXT,
    ),
    NodeType.WAIT: Shape({}, _NEXT),  # by its mode, see below
    NodeType.WAIT_FOR: Shape(
        {
            "event": OneOf(tuple(AwaitedEvent.values)),
            "outcomes": SomeOf(required=False),
            "amount": AMOUNT,
            "unit": OneOf(tuple(Unit.values)),
        },
        {Exit.HAPPENED: True, Exit.TIMEOUT: True},
    ),
    NodeType.BRANCH: Shape({}, {Exit.ELSE: True}, own_exits=True),
    NodeType.SPLIT: Shape({}, {}, own_exits=True),
    NodeType.JUMP: Shape({"rounds": Whole(1, ROUNDS)}, {Exit.AGAIN: True, Exit.DONE: False}),
    NodeType.EXIT: Shape({"reason": Text(200)}, {}),
}

_MODES: Final[Mapping[str, Mapping[str, Field]]] = {
    WaitMode.DURATION: {"amount": AMOUNT, "unit": OneOf(tuple(Unit.values))},
    WaitMode.DATE: {"date": Day(), "time": Clock()},
    WaitMode.EVENT: {"days": Whole(-365, 365), "time": Clock()},
    WaitMode.WEEKDAY: {"weekdays": SomeOf(tuple(Weekday.values)), "time": Clock()},
}
CHANNEL_OF: Final = {
    NodeType.SMS_SEND: Channel.SMS,
    NodeType.EMAIL_SEND: Channel.EMAIL,
    NodeType.VOICEMAIL_DROP: Channel.VOICEMAIL,
    NodeType.CALL_TASK: Channel.CALL,
}


def fields_of(node_type: str, config: Config) -> Mapping[str, Field]:
    """Return the fields that a node of this type may have; those of a wait depend on its mode."""
    if node_type != NodeType.WAIT:
        return SHAPES[node_type].fields
    mode = config.get("mode")
    return {"mode": OneOf(tuple(WaitMode.values)), **(_MODES.get(mode, {}) if isinstance(mode, str) else {})}
