"""By hand somebody rests longer, never shorter, but by whoever may lift a suppression."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from config.kernel.gate import Approach, Asked, Facts, gate
from crm.choices import Channel
from crm.models import Project, ProjectContact


def shortened(row: Any, found: Mapping[str, Any], *, at: datetime) -> list[str]:
    """Return which of ``found`` would end a rest sooner than it ends now: a project's, or that of whoever was called.

    A promise to call back passes the cooldown, because they asked for it: one that is written down by hand is nobody's
    word but the writer's, so it counts as sooner where it lies before the end of the present cooldown. The caller
    has locked the person, so that no call begins meanwhile.
    """
    names = []
    if isinstance(row, Project) and "next_call_eligible_at" in found:
        was, then = row.next_call_eligible_at, found["next_call_eligible_at"]
        if was and was > at and (then is None or then < was):
            names.append("next_call_eligible_at")
    if isinstance(row, ProjectContact) and found.get("callback_at") and _eases(row, found["callback_at"], at):
        names.append("callback_at")
    return names


def _eases(pair: ProjectContact, callback_at: datetime, at: datetime) -> bool:
    """Whether the gate would open sooner with this promise than it does as things stand."""
    approach = Approach(pair.contact_id, None, Channel.CALL.value, pair_id=pair.pk, project_id=pair.project_id)
    asked = Asked(at=at, channel=approach.channel)
    facts = gate.decide([approach], asked=asked)[0].facts
    before = _ends(facts, at)
    after = _ends({**facts, "pair.callback_at": callback_at}, at)
    return any(after.get(code, at) < end for code, end in before.items())


def _ends(facts: Facts, at: datetime) -> dict[str, datetime]:
    """When each rule that stands against calling ends by itself."""
    return {block.code: block.until for block in gate.judge(facts, at, Channel.CALL.value) if block.until}
