"""`python -m integrations.simulated.carrier --port 8002 --ledger FILE`: the simulated carrier, until a signal comes."""

import argparse
import asyncio
import logging
import signal
from pathlib import Path

from aiohttp import web

from integrations.simulated.carrier.ledger import Ledger
from integrations.simulated.carrier.server import KEEPS, Carrier

HOST = "127.0.0.1"
logger = logging.getLogger("clearline.carrier")


def main() -> None:
    parser = argparse.ArgumentParser(prog="carrier", description="A carrier that only pretends: nobody is reached.")
    parser.add_argument("--port", type=int, required=True, help="of 127.0.0.1; 0 takes one that is free")
    parser.add_argument("--ledger", type=Path, required=True, help="the SQLite file that it remembers everything in")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    asyncio.run(serve(asked.port, asked.ledger))


async def serve(port: int, ledger: Path) -> None:
    """Serve until SIGINT or SIGTERM; requests under way get their answers."""
    kept = Ledger(ledger)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    runner = web.AppRunner(Carrier(kept).app(), access_log=None, keepalive_timeout=KEEPS, shutdown_timeout=2)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        where = runner.addresses[0]
        logger.info("simulated carrier at http://%s:%s: nobody is reached", where[0], where[1])
        await stopped.wait()
    finally:
        await runner.cleanup()
        kept.close()


if __name__ == "__main__":
    main()
