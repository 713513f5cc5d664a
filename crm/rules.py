"""The reasons of crm against an approach, each written twice: on facts, and on rows (see ``config.kernel.gate``)."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from config.kernel.gate import Asked, Block, Facts, Level, Rule
from config.kernel.gate_facts import Question, Source
from crm.choices import REACHED_BY, Channel, PointState
from crm.models import ContactPoint, Suppression

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
    follows = "wrong_person"  # it blocks exactly those to whom that rule leaves no number

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


_FACTS = Question(
    columns={
        "contact.here": "c.id IS NOT NULL AND c.deleted_at IS NULL",
        "project.here": "a.project_id IS NULL OR (p.id IS NOT NULL AND p.deleted_at IS NULL)",
        "pair.here": "a.pair_id IS NULL OR pc.id IS NOT NULL",
        "endpoint.here": "a.endpoint_id IS NULL OR e.id IS NOT NULL",
        "contact.do_not_call": "c.do_not_call",
        "contact.do_not_text": "c.do_not_text",
        "contact.do_not_email": "c.do_not_email",
        "contact.reachable": """
            EXISTS (SELECT 1 FROM crm_contactpoint t
                    WHERE t.contact_id = a.contact_id AND t.kind = %(kind)s AND t.endpoint_id IS NOT NULL
                      AND t.state = 'good')""",
        "project.suppressed": "p.call_suppressed",
        "pair.suppressed": "pc.suppress_for_project",
        "pair.callback_at": "pc.callback_at",
        "endpoint": "e.id::text",
        "point.state": "point.state",
        "endpoint.failed_until": "e.failed_until",
        "endpoint.suppression": """
            (SELECT x.id::text FROM crm_suppression x
             WHERE x.endpoint_id = e.id AND x.lifted_at IS NULL AND x.at < %(up_to)s::timestamptz
               AND x.channel IN ('', %(channel)s)
             ORDER BY x.id LIMIT 1)""",
    },
    tables="""
    LEFT JOIN crm_contact c ON c.id = a.contact_id
    LEFT JOIN crm_project p ON p.id = a.project_id
    LEFT JOIN crm_projectcontact pc
      ON pc.id = a.pair_id AND pc.contact_id = a.contact_id AND pc.project_id = a.project_id
    LEFT JOIN crm_endpoint e ON e.id = a.endpoint_id
    LEFT JOIN crm_contactpoint point
      ON point.contact_id = a.contact_id AND point.endpoint_id = a.endpoint_id AND point.kind = %(kind)s""",
)

# What crm knows about approaches. With ``Asked.up_to`` a suppression from then or later does not count. What has been
# written over since cannot be known: flags, promises and the state of a number are today's, and a suppression that was
# lifted is not seen.
facts = Source(lambda asked: _FACTS, lambda asked: {"kind": REACHED_BY[Channel(asked.channel)].value})
