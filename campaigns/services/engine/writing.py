"""What a batch of moves leaves in the database, each table by one statement, in the order of the locks."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from campaigns.choices import ENDED, EnrollmentState
from campaigns.models import Campaign
from campaigns.rules.moves import Move
from campaigns.services import bells, counting, routes
from campaigns.services.engine import statements
from campaigns.services.engine.claiming import Claimed, Stand, is_to_begin
from campaigns.services.engine.statements import Part, Statement
from campaigns.services.people import Walker
from config.kernel import prepared
from crm.choices import Channel, Priority


class Decided(NamedTuple):
    """What becomes of one enrollment; no move: nothing but that its message was heard of."""

    claimed: Claimed
    move: Move | None
    walker: Walker | None = None


class _Group:
    """Those who stood alike and move alike."""

    def __init__(self, stand: Stand, move: Move, decided: Sequence[Decided]) -> None:
        self.spot, self.move, self.decided, self._execution = stand.spot, move, decided, stand.execution_in
        self.ids = [one.claimed.id.hex for one in decided]
        self._map = routes.map_of(stand.spot.graph)

    @property
    def has_ended(self) -> bool:
        return self.move.state in ENDED and self.spot.state not in ENDED

    def node(self, key: str | None) -> UUID | None:
        return self._map.ids.get(key) if key else None

    def enrollments(self, campaign: Campaign, statuses: Mapping[str, UUID]) -> Part:
        move = self.move
        alike = {
            "state": move.state,
            "node": self.node(move.node),
            "visit": move.visit,
            "visits": move.visits,
            "status": statuses.get(move.status),
            "stage": move.stage,
            "last": move.last,
            "wake_at": move.wake_at,
            "wake_rule": move.wake_rule,
            "reason": move.reason,
            "ended": move.state in ENDED,
            "held": move.begun,
            "freed": move.ended is not None,
            "paused_from": move.paused_from,
            "execution": None if is_to_begin(move) else self._execution(campaign),
            "left": move.left.total_seconds() if move.left is not None else None,
        }
        return Part(alike, {"id": self.ids})

    def steps(self) -> Iterator[Part]:
        if self.move.ended:
            outcome, label = self.move.ended
            yield Part({"outcome": outcome, "exit": label}, {"enrollment": self.ids})

    def events(self) -> Iterator[Part]:
        for note in self.move.notes:
            alike = {"node": self.node(note.node), "kind": note.kind, "exit": note.exit, "state": note.state}
            yield Part({**alike, "data": note.data}, {"enrollment": self.ids})

    def sends(self) -> Iterator[Part]:
        for send in self.move.sends:
            composed = [one.walker.composed(send.content) for one in self.decided if one.walker]
            each: dict[str, list[Any]] = {
                "enrollment": self.ids,
                "contact": [one.claimed.contact for one in self.decided],
                "subject": [text.subject for text in composed],
                "body": [text.body for text in composed],
                "segments": [text.segments for text in composed],
            }
            alike = {"channel": send.channel, "node": self.node(send.node), "run_no": self.spot.run_no}
            alike |= {"visit": send.visit, "tries": send.tries, "content": send.content, "consent": send.consent}
            yield Part(alike, each)

    def tasks(self) -> Iterator[Part]:
        for task in self.move.tasks:
            each: dict[str, list[Any]] = {
                "enrollment": self.ids,
                "contact": [one.claimed.contact for one in self.decided],
                "pair": [one.claimed.pair for one in self.decided],
            }
            alike = {"node": self.node(task.node), "visit": task.visit, "script": task.script}
            yield Part({**alike, "priority": Priority[task.priority.upper()].value}, each)

    def again(self) -> Iterator[Part]:
        for news in self.move.again:
            yield Part({"news": news}, {"enrollment": self.ids})

    def counts(self, statuses: Mapping[str, UUID]) -> Iterator[tuple[counting.Counted, int]]:
        move, was, now = self.move, self.spot.status, statuses.get(self.move.status)
        yield (None, f"state:{self.spot.state}"), -1
        yield (None, f"state:{move.state}"), 1
        if was != now:
            yield from (((None, f"status:{status}"), more) for status, more in ((was, -1), (now, 1)) if status)
        yield (None, "emails_generated"), sum(send.channel == Channel.EMAIL and not send.tries for send in move.sends)
        yield from (((self.node(key), name), more) for key, name, more in move.counts)


class Batch:
    """The moves of one campaign that are written together: whoever stood alike and moves alike, as one."""

    def __init__(
        self, campaign: Campaign, decided: Iterable[Decided], *, statuses: Mapping[str, UUID], at: datetime,
        by: UUID | None = None,
    ) -> None:  # fmt: skip
        self._campaign, self._statuses, self._at = campaign, statuses, at
        self._of_all = {
            "at": at, "epoch": campaign.epoch, "campaign": campaign.pk, "sender": campaign.sender_id, "by": by,
        }  # fmt: skip
        alike: dict[tuple[Stand, Move], list[Decided]] = defaultdict(list)
        self._messages: list[UUID] = []
        for one in decided:
            if one.claimed.message:
                self._messages.append(one.claimed.message)
            if one.move:
                alike[one.claimed.stand, one.move].append(one)
        self._groups = [_Group(stand, move, some) for (stand, move), some in alike.items()]

    def write(self) -> None:
        """Write all of it: enrollments and what hangs on them, then messages, then numbers (DESIGN 13)."""
        with prepared.without_waiting():
            self._write(self._groups)

    def _write(self, groups: Sequence[_Group]) -> None:
        left = (group for group in groups if group.move.state == EnrollmentState.EXITED)
        gone = [key for group in left for key in group.ids]
        over = [key for group in groups if group.move.state in ENDED for key in group.ids]
        self._run(statements.STEPS, (part for group in groups for part in group.steps()))
        self._run(statements.ENROLLMENTS, (group.enrollments(self._campaign, self._statuses) for group in groups))
        self._run(statements.EVENTS, (part for group in groups for part in group.events()))
        self._run(statements.TASKS, (part for group in groups for part in group.tasks()))
        if gone:
            prepared.run(statements.TASKS_OFF, {"at": self._at, "enrollments": prepared.array("uuid", gone)})
        if over:
            prepared.run(statements.DROP, {"at": self._at, "enrollments": prepared.array("uuid", over)})
        if gone:
            prepared.run(statements.TOLD_ENDED, {"enrollments": prepared.array("uuid", gone)})
        self._run(statements.SENDS, (part for group in groups for part in group.sends()))
        if any(group.move.sends for group in groups):
            bells.dispatcher()
        self._run(statements.AGAIN, (part for group in groups for part in group.again()))
        if any(group.move.again for group in groups):
            bells.engine()
        if self._messages:
            prepared.run(statements.TOLD, {"messages": self._messages})
        if self._campaign.company_limit:
            self._let_next_begin()
        self._count()

    def _run(self, statement: Statement, told: Iterable[Part]) -> None:
        if parts := list(told):
            statement.run(parts, self._of_all)

    def _let_next_begin(self) -> None:
        ended = (group for group in self._groups if group.has_ended and not group.spot.is_held)
        freed = Counter(one.claimed.company for group in ended for one in group.decided if one.claimed.company)
        if freed:
            companies = sorted(freed)
            number = [freed[company] for company in companies]
            of_all = {"at": self._at, "campaign": self._campaign.pk, "limit": self._campaign.company_limit}
            prepared.run(statements.NEXT_OF_COMPANY, {**of_all, "companies": companies, "freed": number})

    def _count(self) -> None:
        counts: Counter[counting.Counted] = Counter()
        for group in self._groups:
            for counted, more in group.counts(self._statuses):
                counts[counted] += more * len(group.ids)
        counting.add(campaign=self._campaign.pk, counts=counts)
