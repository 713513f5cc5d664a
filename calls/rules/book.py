"""The rules of telephone work in the order of the waterfall, and the facts that they read."""

from collections.abc import Mapping, Sequence
from typing import Any

from calls.rules import caps, leased, opening, terminal
from calls.rules.policies import WEEK, general, policies_of
from config.kernel.gate import Approach, Asked, Facts, Rule
from crm.models import Endpoint, Project

RULES: list[Rule] = [
    *terminal.RULES,
    *caps.RULES,
    *leased.RULES,
    *terminal.NUMBER_RULES,
    *caps.NUMBER_RULES,
    opening.OutsideHours(),
    *leased.NUMBER_RULES,
]


def facts(approaches: Sequence[Approach], *, asked: Asked) -> Mapping[Approach, Facts]:
    """Gather what calls knows about ``approaches``, in nine queries whatever their number."""
    contacts = {a.contact_id for a in approaches}
    projects = {a.project_id for a in approaches if a.project_id}
    endpoints = {a.endpoint_id for a in approaches if a.endpoint_id}
    policies = policies_of(projects, asked)
    touches = caps.touch_facts(contacts, endpoints, asked)
    last = caps.last_calls(contacts, max(policies.longest_cooldown, WEEK), asked)
    closed = terminal.terminal_facts(set(approaches), asked)
    held = leased.lease_facts(contacts, endpoints, asked)
    not_before: dict[Any, Any] = dict(
        Project.objects.filter(id__in=projects).values_list("id", "next_call_eligible_at")
    )
    profiles: dict[Any, Any] = dict(Endpoint.objects.filter(id__in=endpoints).values_list("id", "hours_profile_id"))
    found: dict[Approach, Facts] = {}
    for approach in approaches:
        profile = profiles.get(approach.endpoint_id)
        found[approach] = {
            "channel": approach.channel,
            **policies.of(approach.project_id).facts(),
            "number.day_cap": general(asked).day_cap,
            "number.week_cap": general(asked).week_cap,
            "touches.contact": touches["contact"].get(approach.contact_id, []),
            "touches.endpoint": touches["endpoint"].get(approach.endpoint_id, []),
            "calls.contact.last": last.get((approach.contact_id, None)),
            "calls.pair.last": last.get((approach.contact_id, approach.project_id)),
            "project.not_before": not_before.get(approach.project_id),
            "hours.profile": str(profile) if profile else None,
            **held.get(("contact", approach.contact_id), {}),
            **held.get(("endpoint", approach.endpoint_id), {}),
            **_closed(approach, closed),
        }
    return found


def _closed(approach: Approach, closed: Mapping[tuple[str, Any], Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    subjects: dict[str, Any] = {scope.value: getattr(approach, name) for scope, name in terminal.SUBJECT.items()}
    for scope, subject in {**subjects, "everyone": None}.items():
        if session := closed.get((scope, subject)):
            found[f"terminal.{scope}"], found[f"terminal.{scope}.until"] = session
    return found
