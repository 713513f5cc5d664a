"""Somebody who walks without a database, wake by wake."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from campaigns.rules import conditions, splits
from campaigns.rules.composing import Content, Unsendable, compose
from campaigns.rules.drawings import Config, Drawing, DrawnEdge
from campaigns.rules.moves import Move, Route, Standing
from campaigns.rules.walking import walk
from config.kernel.ids import uuid7

NOON = datetime(2026, 11, 24, 18, tzinfo=UTC)  # in Chicago
CONTENTS = {
    "hello": Content("sms", "", "Hello {{contact.first_name|there}}"), "name": Content("sms", "", "{{x}}"),
    "mail": Content("email", "Hello", "See https://example.com"),
}  # fmt: skip


@dataclass
class Somebody:
    facts: dict[str, Any] = field(default_factory=dict)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("America/Chicago"))
    stop: str = ""
    is_called: bool = True
    id: UUID = field(default_factory=uuid7)

    def meets(self, condition: Config, known: Mapping[str, Any]) -> bool:
        return conditions.holds(condition, {**self.facts, **known})

    def unsendable(self, channel: str, key: str) -> str:
        try:
            compose(channel, key, CONTENTS, {"contact.first_name": "Ada"})
        except Unsendable as error:
            return str(error)
        return ""

    def way_of(self, edges: Sequence[DrawnEdge], node: str) -> str:
        return splits.way_of(edges, enrollment=self.id, node=node).label


def go(drawn: Drawing, standing: Standing | None = None, at: datetime = NOON, **said: Any) -> Move:
    person, event = said.pop("person", Somebody()), said.pop("event", None)
    route = Route(drawn, event=event, goal=said.pop("goal", ""), statuses=said.pop("statuses", None))
    move = walk(route, standing or Standing(), person, at, **said)
    assert move is not None
    return move


def standing_after(move: Move) -> Standing:
    rule = move.wake_rule or {}
    return Standing(
        move.state, move.node, move.visit, move.visits, move.status, move.stage, move.last, rule.get("tries", 0),
        move.wake_at, move.wake_rule, is_held=move.state in {"waiting", "waiting_send"},
    )  # fmt: skip
