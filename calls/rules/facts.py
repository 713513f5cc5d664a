"""What the rules of telephone work look at, whatever the number of approaches by one statement (DESIGN 10).

Everything is read at once and under the locks of whoever decides: touches, closures, leases, both policies, and the
state of the law. Nothing is remembered from one decision to the next but the law itself, looked up by its state.

A question about the past (``Asked.up_to``) sees touches and closures as they stood then, and no lease that was taken
later. What is written over cannot be known: flags of people, pairs and projects, promises, policies, until when a
project or a number rests are today's; a lease that was given back since is not seen.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from calls.choices import Scope
from calls.rules import opening
from calls.rules.policies import TERMS, WEEK, Policy
from calls.rules.terminal import SUBJECT
from config.kernel.gate import Approach, Facts
from config.kernel.gate_facts import Question, Row, Source


def _touches(subject: str) -> str:
    """The touches of the last week, newest first; no more than the largest cap: more would not change any answer."""
    return f"""
           ARRAY(SELECT t.at FROM crm_touch t
                 WHERE t.{subject}_id = a.{subject}_id AND t.counts AND t.at < %(up_to)s::timestamptz
                   AND t.at > %(at)s::timestamptz - %(week)s::interval
                 ORDER BY t.at DESC LIMIT greatest(everybody.day_cap, everybody.week_cap))"""  # noqa: S608 - our own names


def _last_call(condition: str) -> str:
    """The last call to them: one on a number that is marked as not theirs was none."""
    return f"""
           (SELECT max(t.at) FROM crm_touch t
            WHERE t.contact_id = a.contact_id AND t.counts AND t.at < %(up_to)s::timestamptz
              AND t.at > %(at)s::timestamptz - greatest(%(week)s::interval, everybody.cooldown, own.cooldown)
              AND t.channel = 'call' AND {condition}
              AND NOT EXISTS (SELECT 1 FROM crm_contactpoint w WHERE w.contact_id = t.contact_id
                              AND w.endpoint_id = t.endpoint_id AND w.state = 'wrong_person'))"""  # noqa: S608 - our own names


def _held(subject: str) -> str:
    """The lease that somebody else holds on the contact or the number."""
    return f"""
    LEFT JOIN calls_lease {subject}_held
      ON {subject}_held.{subject}_id = a.{subject}_id AND {subject}_held.expires_at > %(at)s::timestamptz
     AND {subject}_held.taken_at < %(up_to)s::timestamptz AND {subject}_held.user_id IS DISTINCT FROM %(user)s::uuid"""


def _closed(scope: Scope, *, past: bool) -> str:
    """The terminal session that closes this subject longest; in the past also one that was lifted later on."""
    same = f"s.{scope.value}_id = a.{scope.value}_id" if scope in SUBJECT else "true"
    closing = f"""
        SELECT s.id, s.until FROM {{}}
        WHERE s.scope = '{scope.value}' AND {same} AND s.at < %(up_to)s::timestamptz
          AND (s.until IS NULL OR s.until > %(at)s::timestamptz) AND"""  # noqa: S608 - our own names
    standing = closing.format("calls_terminalsession s") + " s.lifted_at IS NULL"
    if past:  # two sets, because the indexes know only sessions that still stand
        lifts = "calls_terminallift l JOIN calls_terminalsession s ON s.id = l.session_id"
        standing += f" UNION ALL {closing.format(lifts)} l.at >= %(up_to)s::timestamptz"
    return f"""
    LEFT JOIN LATERAL (
        SELECT s.id, s.until FROM ({standing}) s
        ORDER BY s.until DESC NULLS FIRST, s.id LIMIT 1) {scope.value}_closed ON true"""  # noqa: S608 - our own names


# What a fact is made of begins with a colon.
_COLUMNS = {
    ":law": opening.STATE,
    **{f":{policy}.{term}": f"{policy}.{term}" for policy in ("everybody", "own") for term in TERMS},
    "project.not_before": "project.next_call_eligible_at",
    "hours.profile": "line.hours_profile_id::text",
    "touches.contact": _touches("contact"),
    "touches.endpoint": _touches("endpoint"),
    "calls.contact.last": _last_call("true"),
    "calls.pair.last": _last_call("(a.project_id IS NULL OR t.project_id = a.project_id)"),
}
for _subject in ("contact", "endpoint"):
    _COLUMNS[f"lease.{_subject}.by"] = f"{_subject}_held.user_id::text"
    _COLUMNS[f"lease.{_subject}.until"] = f"{_subject}_held.expires_at"
for _scope in Scope.values:
    _COLUMNS[f"terminal.{_scope}"] = f"{_scope}_closed.id::text"
    _COLUMNS[f"terminal.{_scope}.until"] = f"{_scope}_closed.until"


def _question(*, past: bool) -> Question:
    tables = f"""
    LEFT JOIN crm_project project ON project.id = a.project_id
    LEFT JOIN crm_endpoint line ON line.id = a.endpoint_id
    LEFT JOIN calls_callingpolicy everybody ON everybody.project_id IS NULL
    LEFT JOIN calls_callingpolicy own ON own.project_id = a.project_id
    {_held("contact")} {_held("endpoint")} {"".join(_closed(scope, past=past) for scope in Scope)}"""
    return Question(_COLUMNS, tables)


_NOW, _PAST = _question(past=False), _question(past=True)


def _made(approaches: Sequence[Approach], rows: Sequence[Row]) -> Sequence[Facts]:
    """A new law or profile costs one more statement."""
    opening.learn(row["hours.profile"] for row in rows)
    return [_facts_of(approach, row) for approach, row in zip(approaches, rows, strict=True)]


def _facts_of(approach: Approach, row: Row) -> Facts:
    terms = (tuple(row.pop(f":{policy}.{term}") for term in TERMS) for policy in ("everybody", "own"))
    return {
        "channel": approach.channel,
        "hours.law": opening.law_of(row.pop(":law")).version,
        **_allowed(*terms),
        **row,
    }


@lru_cache(maxsize=256)
def _allowed(everybody: tuple[Any, ...], own: tuple[Any, ...]) -> Facts:
    """What two policies allow together, by their terms; of one that is not there they are None."""
    general = Policy() if everybody[0] is None else Policy(*everybody)
    tightened = general if own[0] is None else general.tightened_by(Policy(*own))
    return {**tightened.facts(), "number.day_cap": general.day_cap, "number.week_cap": general.week_cap}


# What calls knows about approaches; with ``Asked.up_to`` nothing that was done then or later counts.
facts = Source(lambda asked: _PAST if asked.up_to else _NOW, lambda asked: {"week": WEEK}, _made)
