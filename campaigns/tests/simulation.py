"""Campaigns of weeks in seconds: what happens in a ``world``, step by step, and what is left of it.

In the end the faults stop, time passes, and what must hold is looked at (trust 3.5): see ``watching`` and ``promises``.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from campaigns.choices import LIVE, SETTLED, CampaignStatus, EnrollmentState, MessageState
from campaigns.models import (
    Attempt,
    Campaign,
    Enrollment,
    EnrollmentEvent,
    EnrollmentStep,
    Happening,
    Message,
    SendingAccount,
)
from campaigns.services import campaigns, handling
from campaigns.services.dispatch import accounts, exits
from campaigns.services.engine import running as engine
from campaigns.tests import fate, promises
from campaigns.tests.carriers import EVERYBODY, Carrier
from campaigns.tests.world import World
from config.kernel import clock, faults
from crm.models import GateDecision, Touch

_STORIES: Final = (Message, Attempt, Enrollment, EnrollmentEvent, EnrollmentStep, Happening, Touch, GateDecision)
_LAST: Final = timedelta(days=60)


class Simulation:
    """What happens in the world of a seed; after each step what must hold at every moment is looked at."""

    def __init__(self, seed: int, carriers: dict[str, Carrier]) -> None:
        self.world, self.log = World(seed, carriers), list[str]()
        self._look()

    def run(self, steps: int) -> None:
        world = self.world
        weights: dict[Callable[[], None], int] = {
            world.later: 22, world.engine: 25, world.dispatch: 18, world.sweep: 5, world.carrier_changes: 4,
            world.news: 5, world.click: 5, world.answer: 3, world.call: 3, world.talk: 5, world.suppression: 1,
            world.closing: 1, world.run_campaign: 5, world.edit: 1, world.enrol: 2, world.account: 1, world.backlog: 5,
            world.hand: 5, world.status: 1, world.death: 7, world.breakage: 4, world.retry: 3,
        }  # fmt: skip
        for _ in range(steps):
            (act,) = world.random.choices(list(weights), list(weights.values()))
            self._do(act)

    def settle_down(self, within: timedelta = _LAST) -> None:
        """The faults stop and time passes, until nothing is left to do; people still open what they have got."""
        faults.strike = None
        for carrier in self.world.carriers.values():
            for to in [EVERYBODY, *map(self.world.line_of, self.world.people)]:
                carrier.behave("accept", to)
        self._do(self._everything_may_go_on)
        ends = self.world.at + within
        while self.world.at < ends:
            self._everything()
            if not self._open():
                return
            self._do(self.world.click)
            self.world.passes(timedelta(hours=6))

    def _everything_may_go_on(self) -> None:
        SendingAccount.objects.update(is_active=True)
        for row in Campaign.objects.filter(status=CampaignStatus.PAUSED).order_by("pk"):
            campaigns.resume(row=row, by=self.world.user, at=self.world.at)
        everybody = Enrollment.objects.values_list("pk", flat=True)
        handling.resume(everybody, by=self.world.user, at=self.world.at)
        handling.retry(everybody, by=self.world.user, at=self.world.at)

    def _everything(self) -> None:
        self._do(self.world.sweep)
        with clock.standing_at(self.world.at):
            presumed = Message.objects.filter(state=MessageState.NOT_SENT_PRESUMED, decided_at=None)
            for message in presumed.order_by("pk"):
                exits.write_off(message=message, by=self.world.user, at=self.world.at)
        for _ in range(6):
            self._do(self.world.backlog)
            with clock.standing_at(self.world.at):
                moved, _ = engine.run(at=self.world.at)
            self._do(self.world.dispatch)
            if not moved and not accounts.ready(at=self.world.at):
                return

    def _do(self, act: Callable[[], None]) -> None:
        with clock.standing_at(self.world.at):
            act()
        self._look()
        self.log.append(f"{self.world.at:%d %b %H:%M} {act.__name__} {self.world.watch.digest()}")

    def _look(self) -> None:
        with clock.standing_at(self.world.at):
            self.world.watch.look(self.world.at)

    def _open(self) -> bool:
        waits = Enrollment.objects.filter(state__in=LIVE).exclude(state=EnrollmentState.PARKED)
        waits = waits.exclude(state=EnrollmentState.PENDING, wake_at=None)  # behind those who move, or need somebody
        return (
            waits.exists()
            or Message.objects.filter(direction="outbound", decided_at=None).exclude(state__in=SETTLED).exists()
        )

    def faults_found(self) -> list[str]:
        """Return what does not hold, in words; [] where all does."""
        return [f"seed {self.world.seed}: {each}" for each in promises.faults_found(self.world.watch)]

    def story(self) -> list[str]:
        """Return what has happened, step by step, and all that is left of it; the same for the same seed."""
        rows = [
            f"{model.__name__} {row}"
            for model in _STORIES
            for row in model.objects.order_by("pk").values(*fate.columns(model))
        ]
        sent = [f"{channel} {row}" for channel, carrier in self.world.carriers.items() for row in carrier.rows()]
        return [*self.log, *rows, *sent]
