"""The reasons of crm against an approach, each written twice: on facts, and on rows (see ``config.kernel.gate``)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q

from config.kernel.gate import Approach, Asked, Block, Fact, Facts, Level, Rule
from crm.choices import Channel, PointState
from crm.models import Contact, ContactPoint, Endpoint, Project, ProjectContact, Suppression

EVERY = frozenset(Channel.values)


class Deleted:
    """Whoever was deleted, and whatever project was, is left alone. A row that cannot be found counts as deleted."""

    code, level, channels, version = "deleted", Level.PAIR, EVERY, 1

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        gone = [subject for subject in ("contact", "project", "pair", "endpoint") if not facts.get(f"{subject}.here")]
        return Block(self.code, self.level, {"subject": gone[0]}) if gone else None

    def excludes(self, asked: Asked) -> Q:
        return Q(contact__deleted_at__isnull=False) | Q(project__deleted_at__isnull=False)


class ProjectSuppressed:
    code, level, channels, version = "project_suppressed", Level.PROJECT, EVERY, 1

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        return Block(self.code, self.level, {}) if facts.get("project.suppressed") else None

    def excludes(self, asked: Asked) -> Q:
        return Q(project__call_suppressed=True)


@dataclass(frozen=True)
class DoNotContact:
    """The person does not want to be approached on this channel."""

    code: str
    channels: frozenset[str]
    flag: str
    level = Level.CONTACT
    version = 1

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        return Block(self.code, self.level, {}) if facts.get(f"contact.{self.flag}") else None

    def excludes(self, asked: Asked) -> Q:
        return Q(**{f"contact__{self.flag}": True})


class PairSuppressed:
    code, level, channels, version = "pair_suppressed", Level.PAIR, EVERY, 1

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        return Block(self.code, self.level, {}) if facts.get("pair.suppressed") else None

    def excludes(self, asked: Asked) -> Q:
        return Q(suppress_for_project=True)


class NoCallableNumber:
    """There is no endpoint of the channel's kind that is this person's."""

    code, level, channels, version = "no_callable_number", Level.CONTACT, EVERY, 1

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        return None if facts.get("contact.reachable") else Block(self.code, self.level, {})

    def excludes(self, asked: Asked) -> Q:
        points = ContactPoint.objects.filter(contact=OuterRef("contact_id"))
        return Q(~Exists(points.reaching(asked.channel).good()))


class WrongPerson:
    """The number is not this person's, or no longer."""

    code, level, channels, version = "wrong_person", Level.ENDPOINT, EVERY, 1

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        if not facts.get("endpoint") or facts.get("point.state") == PointState.GOOD:
            return None
        return Block(self.code, self.level, {"state": facts.get("point.state") or "not theirs"})

    def excludes(self, asked: Asked) -> Q:
        return ~Q(state=PointState.GOOD)


class NumberFailed:
    """The line failed: it rests, and is then tried again by itself."""

    code, level, channels, version = "number_failed", Level.ENDPOINT, EVERY, 1

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        until = facts.get("endpoint.failed_until")
        if not isinstance(until, datetime) or until <= at:
            return None
        return Block(self.code, self.level, {}, until=until)

    def excludes(self, asked: Asked) -> Q:
        return Q(endpoint__failed_until__gt=asked.at)


class EndpointSuppressed:
    """Somebody asked that this line or mailbox be left alone."""

    code, level, channels, version = "endpoint_suppressed", Level.ENDPOINT, EVERY, 1

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        suppression = facts.get("endpoint.suppression")
        return Block(self.code, self.level, {"suppression": suppression}) if suppression else None

    def excludes(self, asked: Asked) -> Q:
        return Q(Exists(Suppression.objects.standing().on(asked.channel).filter(endpoint=OuterRef("endpoint_id"))))


RULES: list[Rule] = [
    Deleted(),
    ProjectSuppressed(),
    DoNotContact("do_not_call", frozenset({Channel.CALL, Channel.VOICEMAIL}), "do_not_call"),
    DoNotContact("do_not_text", frozenset({Channel.SMS}), "do_not_text"),
    DoNotContact("do_not_email", frozenset({Channel.EMAIL}), "do_not_email"),
    PairSuppressed(),
    NoCallableNumber(),
    WrongPerson(),
    EndpointSuppressed(),
    NumberFailed(),
]


def facts(approaches: Sequence[Approach], *, asked: Asked) -> Mapping[Approach, Facts]:
    """Gather what crm knows about ``approaches``, in six queries whatever their number."""
    contacts = _by_id(
        Contact, {a.contact_id for a in approaches}, "deleted_at", "do_not_call", "do_not_text", "do_not_email"
    )
    projects = _by_id(Project, {a.project_id for a in approaches}, "deleted_at", "call_suppressed")
    pairs = _by_id(ProjectContact, {a.pair_id for a in approaches}, "suppress_for_project", "callback_at")
    endpoints = _by_id(Endpoint, {a.endpoint_id for a in approaches}, "failed_until")
    points = _points({a.contact_id for a in approaches}, asked.channel)
    suppressions = _suppressions(set(endpoints), asked.channel)
    found: dict[Approach, Facts] = {}
    for approach in approaches:
        contact, project = contacts.get(approach.contact_id, {}), projects.get(approach.project_id, {})
        pair, endpoint = pairs.get(approach.pair_id, {}), endpoints.get(approach.endpoint_id, {})
        theirs = points.get(approach.contact_id, {})
        found[approach] = {
            "contact.here": bool(contact) and contact["deleted_at"] is None,
            "project.here": not approach.project_id or (bool(project) and project["deleted_at"] is None),
            "pair.here": not approach.pair_id or bool(pair),
            "endpoint.here": not approach.endpoint_id or bool(endpoint),
            **{f"contact.{flag}": contact.get(flag) for flag in ("do_not_call", "do_not_text", "do_not_email")},
            "contact.reachable": PointState.GOOD.value in theirs.values(),
            "project.suppressed": project.get("call_suppressed"),
            "pair.suppressed": pair.get("suppress_for_project"),
            "pair.callback_at": pair.get("callback_at"),
            "endpoint": str(approach.endpoint_id) if endpoint else None,
            "point.state": theirs.get(approach.endpoint_id),
            "endpoint.failed_until": endpoint.get("failed_until"),
            "endpoint.suppression": suppressions.get(approach.endpoint_id),
        }
    return found


def _by_id(model: Any, ids: set[Any], *fields: str) -> dict[Any, dict[str, Any]]:
    ids = ids - {None}
    return {row["id"]: row for row in model.objects.filter(id__in=ids).values("id", *fields)} if ids else {}


def _points(contacts: set[Any], channel: str) -> dict[Any, dict[Any, str]]:
    found: dict[Any, dict[Any, str]] = {}
    points = ContactPoint.objects.filter(contact__in=contacts).reaching(channel)
    for contact, endpoint, state in points.values_list("contact_id", "endpoint_id", "state"):
        found.setdefault(contact, {})[endpoint] = state
    return found


def _suppressions(endpoints: set[Any], channel: str) -> dict[Any, Fact]:
    standing = Suppression.objects.standing().on(channel).filter(endpoint__in=endpoints)
    return {endpoint: str(key) for key, endpoint in standing.values_list("id", "endpoint_id")}
