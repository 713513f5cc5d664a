"""The send protocol in small: one message, two workers, and everything that can happen, in every order there is.

Every state that can be reached is looked at. What the code does in transactions is one step here; between any two steps
a worker may die or be stopped for as long as it likes, answers and news may be lost, and somebody may say STOP. Each of
``FLAWS`` leaves safeguards out: then a way to a broken promise has to be found, or this model proves nothing.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

WORKERS: Final = 2
TRIES: Final = 2
SENT: Final = frozenset({"accepted", "delivered"})
NEVER_SENT: Final = frozenset({"blocked", "cancelled"})
OVER: Final = SENT | NEVER_SENT | {"rejected", "not_sent_presumed"}
CALLED_FIRST: Final = "called before it is marked"
TRIED_AGAIN: Final = "what is uncertain is tried again"
GATE_EARLY: Final = "the gate was asked when it was queued"
NO_FENCE: Final = "whoever comes back is not fenced"
DEAF: Final = "proof about what is over is ignored"
NO_SWAP: Final = "taken without looking"
BLOCKED_LATE: Final = "said to be blocked after a try"
SECOND_TRY: Final = "a second try is not refused"  # by T3 and by an index: it stands behind the other three
FLAWS: Final = {
    (CALLED_FIRST,): "sent twice",
    (TRIED_AGAIN, SECOND_TRY): "sent twice",
    (GATE_EARLY,): "sent after a stop",
    (NO_FENCE, SECOND_TRY): "sent twice",
    (DEAF,): "not true in the end",
    (NO_SWAP, SECOND_TRY): "sent twice",
    (BLOCKED_LATE,): "said never to have been tried",
}
HELD: Final = [(TRIED_AGAIN,), (NO_FENCE,), (NO_SWAP,), (SECOND_TRY,)]


class Worker(NamedTuple):
    """Somebody who has taken the message as number ``claim``; ``late``: decided after the stop, and passed."""

    at: str  # decides, calls, or the answer that it has got: taken, unsure, refused, rejected
    claim: int
    late: bool = False


class State(NamedTuple):
    """Our row, the workers, and what is true outside: the provider's ledger, its news, the person's wish."""

    row: str = "pending"
    claim: int = 0
    lapsed: bool = False
    tries: int = 0
    unproved: bool = False  # some try is not known to have failed
    workers: tuple[Worker, ...] = ()
    sent: int = 0
    news: bool = False
    stopped: bool = False
    sent_late: bool = False


Step = tuple[str, State]


@dataclass
class Explored:
    """All that was found: the states, each with the step that led there, and a way to each broken promise."""

    came: dict[State, tuple[State, str] | None]
    broken: dict[str, list[str]] = field(default_factory=dict)
    ways: set[tuple[str, str]] = field(default_factory=set)

    def way_to(self, state: State) -> list[str]:
        names = []
        while before := self.came[state]:
            state, name = before
            names.append(name)
        return names[::-1]


class Protocol:
    """The steps of trust 3.2; ``keyed``: the provider recognises a repeat by its key, as for e-mail."""

    def __init__(self, *, keyed: bool, flaws: Collection[str] = ()) -> None:
        self.keyed, self.flaws = keyed, flaws

    def explore(self) -> Explored:
        first = State()
        found = Explored({first: None})
        back: dict[State, list[State]] = {}
        ends: list[State] = []
        waiting = deque([first])
        while waiting:
            now = waiting.popleft()
            steps = [(name, _small(then)) for name, then in self._steps(now)]
            for promise in self._broken(now):
                found.broken.setdefault(promise, found.way_to(now))
            if not [name for name, then in steps if then != now and name != "they say stop"]:
                ends.append(now)
                if promise := self._ended_badly(now):
                    found.broken.setdefault(promise, found.way_to(now))
            for name, then in steps:
                found.ways.add((now.row, then.row))
                back.setdefault(then, []).append(now)
                if then not in found.came:
                    found.came[then] = now, name
                    waiting.append(then)
        stuck = found.came.keys() - _leading_to(ends, back)
        if stuck:
            found.broken["comes to no end"] = found.way_to(min(stuck))
        return found

    # What must hold

    def _broken(self, now: State) -> Iterator[str]:
        if now.sent > 1:
            yield "sent twice"
        if now.sent_late:
            yield "sent after a stop"
        if now.row in NEVER_SENT and now.tries:
            yield "said never to have been tried"

    def _ended_badly(self, now: State) -> str:
        if now.row not in OVER:
            return "left lying"
        return "" if (now.row in SENT) == bool(now.sent) else "not true in the end"

    # What can happen

    def _steps(self, now: State) -> Iterator[Step]:
        if len(now.workers) < WORKERS:
            yield from self._claim(now)
        for place, worker in enumerate(now.workers):
            others = now._replace(workers=now.workers[:place] + now.workers[place + 1 :])
            yield "a worker dies", others
            does: Callable[[State, State, Worker], Iterator[Step]]
            does = {"decides": self._decide, "calls": self._call}.get(worker.at, self._record)
            yield from does(now, others, worker)
        yield from self._time(now)
        yield from self._outside(now)

    def _claim(self, now: State) -> Iterator[Step]:
        """T2. It is a compare-and-swap, so however many are told to look, one gets it."""
        if now.row == "pending" or (NO_SWAP in self.flaws and now.row not in OVER):
            worker = Worker("decides", now.claim + 1)
            yield (
                "claim",
                now._replace(row="claimed", claim=now.claim + 1, lapsed=False, workers=(*now.workers, worker)),
            )

    def _decide(self, now: State, others: State, worker: Worker) -> Iterator[Step]:
        """T3: the gate and the mark are one commit."""
        is_ours = now.row == "claimed" and now.claim == worker.claim
        if not is_ours and not (NO_FENCE in self.flaws and now.row not in OVER):
            yield "lost claim", others
        elif now.unproved and not self.keyed and SECOND_TRY not in self.flaws:
            yield "may have been sent", others._replace(row="uncertain")
        elif now.stopped and GATE_EARLY not in self.flaws:
            tried = now.tries and BLOCKED_LATE not in self.flaws
            yield "the gate refuses", others._replace(row="uncertain" if tried else "blocked")
        else:
            calls = others._replace(workers=(*others.workers, Worker("calls", worker.claim, now.stopped)))
            if CALLED_FIRST in self.flaws:
                yield "decide", calls
            else:
                tries = min(now.tries + 1, TRIES)
                yield "mark", calls._replace(row="dispatching", lapsed=False, tries=tries, unproved=True)

    def _call(self, now: State, others: State, worker: Worker) -> Iterator[Step]:
        """However late it is: the check of the clock is before it, and a process may be stopped between the two."""

        def told(at: str) -> State:
            return others._replace(workers=(*others.workers, worker._replace(at=at)))

        for at in ("unsure", "refused", "rejected"):
            yield f"not sent, {at}", told(at)
        sent = now.sent if self.keyed and now.sent else min(now.sent + 1, 2)
        late = now.sent_late or worker.late
        for at in ("taken", "unsure"):
            yield f"sent, {at}", told(at)._replace(sent=sent, news=True, sent_late=late)

    def _record(self, now: State, others: State, worker: Worker) -> Iterator[Step]:
        """T4: an id of the provider is proof; whatever else a worker has heard, only its claimant may say."""
        if worker.at == "taken":
            proves = now.row in {"pending", "claimed", "dispatching", "uncertain", "not_sent_presumed"}
            yield "record", others._replace(row="accepted") if proves else others
            return
        if not self._may_say(now, worker):
            yield "too late to record", others
        elif worker.at == "rejected":
            yield "record", others._replace(row="rejected", unproved=False)
        elif worker.at == "refused" and now.row == "uncertain":
            yield "record", others._replace(row="not_sent_presumed")
        elif worker.at == "refused":
            row = "pending" if now.tries < TRIES else "uncertain"
            yield "record", others._replace(row=row, unproved=self.keyed and now.tries > 1)
        elif self.keyed and now.row == "dispatching" and now.tries < TRIES:
            yield "record", others._replace(row="pending")
        else:
            yield "record", others._replace(row="uncertain")

    def _may_say(self, now: State, worker: Worker) -> bool:
        if NO_FENCE in self.flaws or CALLED_FIRST in self.flaws:
            return now.row in {"pending", "claimed", "dispatching", "uncertain"}
        return now.claim == worker.claim and now.row in {"dispatching", "uncertain"}

    def _time(self, now: State) -> Iterator[Step]:
        """What runs beside the workers: the end of a claim, the sweeper, the reconciler, a person."""
        if now.row in {"claimed", "dispatching"}:
            if not now.lapsed:
                yield "the claim runs out", now._replace(lapsed=True)
            elif now.row == "claimed":
                yield "sweep", now._replace(row="pending", lapsed=False)
            else:
                again = self.keyed or TRIED_AGAIN in self.flaws
                yield "sweep", now._replace(row="pending" if again and now.tries < TRIES else "uncertain", lapsed=False)
        if now.row == "claimed":  # its commit does not wait for the disk, and the next one gets the same number
            yield "the server forgets the claim", now._replace(row="pending", claim=now.claim - 1, lapsed=False)
        if now.row == "uncertain":
            yield "reconcile", now._replace(row="accepted" if now.sent else "not_sent_presumed")
            yield "somebody writes it off", now._replace(row="not_sent_presumed")
        if now.row == "pending" and not now.tries:
            yield "its walk ends", now._replace(row="cancelled")

    def _outside(self, now: State) -> Iterator[Step]:
        """T5: proof may leave any state. News may be lost; then the comparison of the ledgers finds it."""
        if not now.stopped:
            yield "they say stop", now._replace(stopped=True)
        hears = not (DEAF in self.flaws and now.row in OVER - SENT)
        proved = now._replace(row="delivered", news=False) if hears else now._replace(news=False)
        if now.news:
            yield "news", proved
            yield "news is lost", now._replace(news=False)
        if now.sent and now.row not in SENT and hears:
            yield "ledger", now._replace(row="accepted")


def _small(state: State) -> State:
    """Count claims from nought, and put workers in order: what differs in nothing else is the same."""
    numbers = {old: new for new, old in enumerate(sorted({state.claim, *(worker.claim for worker in state.workers)}))}
    workers = sorted(worker._replace(claim=numbers[worker.claim]) for worker in state.workers)
    return state._replace(claim=numbers[state.claim], workers=tuple(workers))


def _leading_to(ends: list[State], back: dict[State, list[State]]) -> set[State]:
    reached, waiting = set(ends), deque(ends)
    while waiting:
        for before in back.get(waiting.popleft(), ()):
            if before not in reached:
                reached.add(before)
                waiting.append(before)
    return reached
