"""Whom a campaign is for: a set of contacts, told in a way that can be kept and asked again."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet

from config.kernel.errors import DomainError
from crm.choices import Lifecycle
from crm.models import Company, Contact, IntakePerson, IntakeRun, Project, ProjectContact, User

MOST_IDS: Final = 10_000  # in one list; more come as a filter or an intake
BEST: Final = 100  # lead score
LONGEST: Final = 200  # letters of a text, as in the search of lists
SHOWN: Final = 60  # letters, of what cannot be read
Words = Callable[[Any], Q]


class UnusableAudience(DomainError):
    """``details`` say which part of the audience cannot be used, and what it may be."""

    code = "unusable_audience"


def _cut(value: Any) -> str:
    return repr(value)[:SHOWN]


def _key(value: Any) -> UUID:
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError as error:
        raise ValueError(f"{_cut(value)} is no id") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{_cut(value)} is no text")  # noqa: TRY004 - one kind of error for whatever cannot be read
    if len(value) > LONGEST:
        raise ValueError(f"give at most {LONGEST} letters, not {len(value):,}")
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("say true or false")  # noqa: TRY004 - likewise
    return value


def _lifecycle(value: Any) -> Q:
    if value not in Lifecycle.values:
        raise ValueError(f"a stage is one of {', '.join(Lifecycle.values)}")
    return Q(lifecycle=value)


def _score(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= BEST:
        raise ValueError(f"a lead score is a whole number from 0 to {BEST}")
    return value


FILTERS: Final[Mapping[str, Words]] = {
    "owner": lambda value: Q(owner=_key(value)),
    "company": lambda value: Q(company=_key(value)),
    "project": lambda value: Q(pairs__project=_key(value)),
    "lifecycle": _lifecycle,
    "source": lambda value: Q(source=_text(value)),
    "search": lambda value: Q(search__contains=_text(value).strip().lower()),
    "region": lambda value: Q(region__iexact=_text(value)),
    "lead_score_min": lambda value: Q(lead_score__gte=_score(value)),
    "lead_score_max": lambda value: Q(lead_score__lte=_score(value)),
    "has_phone": lambda value: ~Q(primary_phone__exact="") if _truth(value) else Q(primary_phone__exact=""),
    "has_email": lambda value: ~Q(primary_email__exact="") if _truth(value) else Q(primary_email__exact=""),
}
KINDS: Final = ("contacts", "filter", "project", "intake")
_ROWS: Final[Mapping[str, Any]] = {"owner": User, "company": Company, "project": Project, "intake": IntakeRun}
_NOT_THERE: Final = "There is no such {}, or none that you may see: give the id of another one, or leave it out."


def checked(audience: Mapping[str, Any], *, by: User | None) -> dict[str, Any]:
    """Return ``audience`` as it is kept: {"contacts": [ids]}, {"filter": {..}}, {"project": id} or {"intake": id}.

    :raises UnusableAudience: it is something else, cannot be read, or names a row that ``by`` does not see; one that
        they see may well have nobody.
    """
    kept = _read(audience)
    named = kept.get("filter", kept)
    unknown = {name: _NOT_THERE.format(name) for name in _ROWS if name in named and not _is_seen(name, named[name], by)}
    if unknown:
        prefix = "filter." if "filter" in kept else ""
        details = {f"{prefix}{name}": said for name, said in unknown.items()}
        raise UnusableAudience(f"Nobody can be meant: unknown {' and '.join(unknown)}.", details=details)
    return kept


def _is_seen(name: str, key: Any, by: User | None) -> bool:
    rows: Any = _ROWS[name].objects.filter(pk=key)
    return bool((rows.visible_to(by) if by and hasattr(rows, "visible_to") else rows).exists())


def _read(audience: Mapping[str, Any]) -> dict[str, Any]:
    if len(audience) != 1 or (kind := next(iter(audience))) not in KINDS:
        raise UnusableAudience(f"Say whom by exactly one of {', '.join(KINDS)}.", details={"audience": "One of them."})
    told = audience[kind]
    try:
        if kind == "contacts":
            return {kind: _ids(told)}
        if kind == "filter":
            return {kind: _filters(told)}
        return {kind: str(_key(told))}
    except ValueError as error:
        raise UnusableAudience(f"{kind} cannot be read: {error}.", details={kind: str(error)}) from error


def contacts_of(audience: Mapping[str, Any], *, by: User | None) -> QuerySet[Contact]:
    """Return whom ``audience`` means, of those whom ``by`` sees, deleted ones included; without an order."""
    contacts = Contact.objects.visible_to(by) if by else Contact.objects.all()
    (kind, told), *_ = audience.items()
    if kind == "contacts":
        return contacts.filter(pk__in=told)
    if kind == "project":
        return contacts.filter(pk__in=ProjectContact.objects.filter(project=told).values("contact"))
    if kind == "intake":
        return contacts.filter(pk__in=IntakePerson.objects.filter(run=told).values("contact"))
    found = contacts.filter(deleted_at=None)
    for name, value in told.items():
        found = found.filter(FILTERS[name](value))
    return found


def project_of(audience: Mapping[str, Any]) -> UUID | None:
    """Return the project that they are meant in, if they are."""
    told = audience.get("project") or audience.get("filter", {}).get("project")
    return _key(told) if told else None


def _ids(told: Any) -> list[str]:
    if not isinstance(told, list) or not told:
        raise ValueError("give a list of ids")
    ids = sorted({str(_key(each)) for each in told})
    if len(ids) > MOST_IDS:
        raise ValueError(f"at most {MOST_IDS:,} at once: use a filter or an intake")
    return ids


def _filters(told: Any) -> dict[str, Any]:
    if not isinstance(told, Mapping) or not told:
        raise ValueError(f"say by what: {', '.join(FILTERS)}")
    refused = {f"filter.{name[:SHOWN]}": said for name, value in told.items() if (said := _refusal(name, value))}
    if refused:
        raise UnusableAudience(f"filter cannot be read: {'; '.join(refused.values())}.", details=refused)
    return {name: str(value) if isinstance(value, UUID) else value for name, value in told.items()}


def _refusal(name: str, value: Any) -> str:
    if name not in FILTERS:
        return f"nobody knows {_cut(name)}; known are {', '.join(FILTERS)}"
    if isinstance(value, str) and not value.strip():
        return f"say which {name}, or leave it out: an empty one would mean everybody, or nobody"
    try:
        FILTERS[name](value)
    except ValueError as error:
        return str(error)
    return ""
