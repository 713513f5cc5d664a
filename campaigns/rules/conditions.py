"""What a branch asks: conditions over what is known of a contact, a project, an enrollment and what happened last.

A condition is ``{"all": [..]}``, ``{"any": [..]}`` or ``{"fact": name, "is": operator, "value": ..}``. Facts are one
flat dictionary of plain values; what is not known answers every question but "empty" with no.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from campaigns.rules.drawings import Config

DEEPEST, MOST = 4, 50  # levels, and questions in one condition
ATTRIBUTE: Final = "contact.attributes."

FACTS: Final[Mapping[str, str]] = {
    "contact.title": "Title",
    "contact.seniority": "Seniority",
    "contact.department": "Department",
    "contact.region": "State",
    "contact.country": "Country",
    "contact.lifecycle": "Stage",
    "contact.priority": "Priority",
    "contact.lead_score": "Lead score",
    "contact.consent_given": "Consent given",
    "contact.has_phone": "Has a telephone number",
    "contact.has_email": "Has an e-mail address",
    "project.kind": "Kind of project",
    "project.status": "Status of the project",
    "project.value": "Value of the project",
    "enrollment.status": "Status in the campaign",
    "enrollment.visits": "Visits to this node",
    "last.outcome": "What became of the last step",
    "last.channel": "Channel of the last step",
    "last.disposition": "Outcome of the last call",
}

_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "equal": lambda known, value: _folded(known) == _folded(value),
    "other": lambda known, value: _folded(known) != _folded(value),
    "among": lambda known, value: _folded(known) in [_folded(each) for each in value],
    "contains": lambda known, value: str(_folded(value)) in str(_folded(known)),
    "least": lambda known, value: known >= value,
    "most": lambda known, value: known <= value,
}
EMPTY, FILLED = "empty", "filled"
OPERATORS: Final = (*_OPERATORS, EMPTY, FILLED)
EXACTLY: Final = ("equal", "other", "among")  # what they compare with is a whole name


def holds(condition: Config, facts: Mapping[str, Any]) -> bool:
    """Say whether ``facts`` meet a condition that has no ``faults``."""
    if "all" in condition:
        return all(holds(each, facts) for each in condition["all"])
    if "any" in condition:
        return any(holds(each, facts) for each in condition["any"])
    known, operator = facts.get(condition["fact"]), condition["is"]
    is_empty = known is None or known == ""
    if operator in (EMPTY, FILLED):
        return bool(is_empty == (operator == EMPTY))
    if is_empty or not _comparable(operator, known):
        return False
    return bool(_OPERATORS[operator](known, condition["value"]))


def named(condition: Config, fact: str, operators: tuple[str, ...] = EXACTLY) -> Iterator[str]:
    """Yield the texts that a condition compares a fact with by ``operators``, wherever it asks for it.

    Of one with ``faults`` those that can be made out.
    """
    for parts in (condition.get("all"), condition.get("any")):
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, Mapping):
                yield from named(part, fact, operators)
    if condition.get("fact") == fact and condition.get("is") in operators:
        value = condition.get("value")
        yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str))


def is_among(text: str, known: Iterable[str]) -> bool:
    """Say whether a condition takes ``text`` for one of ``known``."""
    return _folded(text) in {_folded(each) for each in known}


def faults(condition: Any) -> list[str]:
    """Return what is wrong with a condition, [] where nothing is."""
    found = list(_faults(condition, DEEPEST))
    return found or ([f"At most {MOST} questions in one condition."] if _size(condition) > MOST else [])


def _faults(condition: Any, levels: int) -> Iterator[str]:
    if not isinstance(condition, Mapping) or not condition:
        yield 'Give a condition: {"fact": .., "is": .., "value": ..}, or {"all": [..]}, or {"any": [..]}.'
    elif joined := condition.keys() & {"all", "any"}:
        yield from _faults_of_joined(condition, joined, levels)
    else:
        yield from _faults_of_question(condition)


def _faults_of_joined(condition: Config, joined: set[str], levels: int) -> Iterator[str]:
    parts = condition[next(iter(joined))]
    if len(condition) > 1:
        yield f'"{min(joined)}" stands alone.'
    elif not isinstance(parts, list) or not parts:
        yield f'"{min(joined)}" needs a list of conditions.'
    elif not levels:
        yield f"At most {DEEPEST} conditions within each other."
    else:
        for part in parts:
            yield from _faults(part, levels - 1)


def _faults_of_question(condition: Config) -> Iterator[str]:
    fact, operator = condition.get("fact"), condition.get("is")
    if not isinstance(fact, str) or (fact not in FACTS and not _names_attribute(fact)):
        yield f"Nobody knows {fact!r}; known are {', '.join(FACTS)} and {ATTRIBUTE}NAME."
    if operator not in OPERATORS:
        yield f'"is" is one of {", ".join(OPERATORS)}.'
    elif operator in (EMPTY, FILLED):
        if "value" in condition:
            yield f'"{operator}" compares with nothing: leave "value" out.'
    elif said := _fault_of_value(operator, condition.get("value")):
        yield said
    if more := condition.keys() - {"fact", "is", "value"}:
        yield f"Unknown: {', '.join(sorted(map(str, more)))}."


def _fault_of_value(operator: str, value: Any) -> str:
    if operator == "among":
        is_list = isinstance(value, list) and value and all(_is_plain(each) for each in value)
        return "" if is_list else '"among" needs a list of values.'
    if operator in ("least", "most"):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return "" if is_number else f'"{operator}" needs a number.'
    return "" if _is_plain(value) else f'"{operator}" needs a text, a number, true or false.'


def _comparable(operator: str, known: Any) -> bool:
    return operator not in ("least", "most") or (isinstance(known, int | float) and not isinstance(known, bool))


def _names_attribute(fact: str) -> bool:
    return fact.startswith(ATTRIBUTE) and len(fact) > len(ATTRIBUTE)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)


def _folded(value: Any) -> Any:
    return value.strip().casefold() if isinstance(value, str) else value


def _size(condition: Any) -> int:
    parts = [part for name in ("all", "any") for part in condition.get(name, [])]
    return sum(map(_size, parts)) if parts else 1
