"""`python -m config.supervisor up [--port N] | stop | reset`; people call it through `./dev`."""

import argparse
import os

from config import embedded
from config.embedded import places
from config.supervisor import record
from config.supervisor.output import Terminal
from config.supervisor.reset import reset
from config.supervisor.up import up


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev", description="Run, stop or reset Clearline on this machine.")
    actions = parser.add_subparsers(dest="action", required=True)
    starting = actions.add_parser("up", help="run everything in the foreground until Ctrl-C")
    starting.add_argument("--port", type=_port, default=8000, help="for pages; the next one is for live updates")
    actions.add_parser("stop", help="stop everything that runs here")
    actions.add_parser("reset", help="drop the database, migrate, load the sample, make demo users")
    asked = parser.parse_args()
    os.chdir(places.CHECKOUT)
    embedded.set_default_env()
    match asked.action:
        case "up":
            up(asked.port)
        case "stop":
            stop()
        case "reset":
            reset()


def stop() -> None:
    """Stop whatever of this checkout runs, and say what it was."""
    ended = record.stop_running()
    stopped = embedded.stop_all()
    what = [*(["./dev up"] if ended else []), *stopped]
    Terminal().say(f"stopped {', '.join(what)}" if what else "nothing was running")


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65534:
        raise argparse.ArgumentTypeError(f"{text} is not a port; give a number from 1 to 65534")
    return int(text)


if __name__ == "__main__":
    main()
