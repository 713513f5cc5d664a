"""./dev chaos [--seconds N] [--seed N]: everything that runs is broken while campaigns go on, and the ledgers match.

On servers of its own that are thrown away: pages, workers and beat as ``./dev up`` starts them, against the simulated
carrier, while PostgreSQL is stopped at once and started again, Valkey is emptied, and programs are killed, frozen and
woken. People come in all the time; they answer, some want no more, and what becomes of their messages is told late,
twice and out of order. Then it is quiet, time passes, and what must hold is looked at (trust 3.5). The clock of all of
it runs twenty times as fast.
"""

import argparse
import random
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks.chaos.breaking import Chaos
from config.embedded import places


def main() -> None:
    parser = argparse.ArgumentParser(prog="dev chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for how long things are broken")
    parser.add_argument("--people", type=int, help="by default as many as there is time for")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument("--tables", default="", help="the address of a migrated database to copy")
    asked = parser.parse_args()
    people = asked.people or min(1_200, round(4 * asked.seconds))
    print(f"chaos with seed {asked.seed}, {asked.seconds:.0f} seconds, {people} people", flush=True)
    signal.signal(signal.SIGTERM, lambda *ignored: sys.exit("chaos was asked to end"))  # servers end with us
    room = places.MEMORY if places.memory_has_room() else None  # what is killed anew all the time needs no slow disk
    with tempfile.TemporaryDirectory(prefix="clearline-chaos-", dir=room) as place:
        Path(place).chmod(0o755)
        chaos = Chaos(Path(place), seconds=asked.seconds, people=people, seed=asked.seed, tables=asked.tables)
        broken = chaos.run()
    for promise in broken:
        print(f"BROKEN: {promise}")
    sys.exit(f"seed {asked.seed}: {len(broken)} promises are broken" if broken else 0)


if __name__ == "__main__":
    main()
