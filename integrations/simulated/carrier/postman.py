"""Carries news to whoever sent the message: at least once, in batches, again where nobody took it."""

import asyncio
import logging
from collections import defaultdict

from aiohttp import ClientError, ClientSession, ClientTimeout

from config.kernel import clock
from integrations.simulated.carrier.ledger import Ledger, News

logger = logging.getLogger(__name__)
BATCH = 50  # news in one request
LOOK = 400  # news at a time
PAUSE = 0.05  # seconds between two looks
LONGEST = 60.0  # seconds between two tries
GIVES_UP = 40  # tries


class Postman:
    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.heard = 0  # requests that were taken

    async def work(self) -> None:
        """Look for due news until cancelled."""
        async with ClientSession(timeout=ClientTimeout(total=10), trust_env=False) as session:
            while True:
                if not await self.round(session):
                    await asyncio.sleep(PAUSE)

    async def round(self, session: ClientSession) -> int:
        """Carry what is due; return how much of it was taken."""
        due = self.ledger.due(clock.now().timestamp(), LOOK)
        bags: dict[str, list[News]] = defaultdict(list)
        for one in due:
            bags[one.url].append(one)
        parts = [(url, bag[at : at + BATCH]) for url, bag in bags.items() for at in range(0, len(bag), BATCH)]
        done = await asyncio.gather(*(self.carry(session, url, bag) for url, bag in parts))
        return sum(done)

    async def carry(self, session: ClientSession, url: str, bag: list[News]) -> int:
        if await post(session, url, [one.event for one in bag]):
            self.ledger.told(bag)
            self.heard += 1
            return len(bag)
        tries = max(one.tries for one in bag)
        if tries >= GIVES_UP:
            logger.warning("Nobody took %s news in %s tries; they are dropped", len(bag), tries)
            self.ledger.told(bag)
        else:
            self.ledger.put_off(bag, clock.now().timestamp() + min(LONGEST, 0.5 * 2**tries))
        return 0


async def post(session: ClientSession, url: str, events: list[dict[str, object]]) -> bool:
    """Tell ``events`` to ``url`` and say whether they were taken."""
    try:
        async with session.post(url, json={"events": events}, allow_redirects=False) as answer:
            return answer.status < 300
    except (ClientError, TimeoutError, ValueError, OSError):
        return False
