"""./dev bench [SUBJECT ...] [--sizes 100000,1000000]: every budget beside its yardstick, in one run."""

import argparse
import importlib
import os
import platform
import sys
from pathlib import Path

import django

SUBJECTS = ["intake", "year", "queue", "waterfall", "lease", "engine", "dispatch", "api_lists", "admin_lists"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="dev bench", description=__doc__)
    parser.add_argument("subjects", nargs="*", help=f"of {', '.join(SUBJECTS)}; all of them without")
    parser.add_argument("--sizes", default="100000,1000000", help="how many pairs or contacts")
    options = parser.parse_args()
    unknown = set(options.subjects) - set(SUBJECTS)
    if unknown:
        sys.exit(f"No benchmark {', '.join(sorted(unknown))}: choose from {', '.join(SUBJECTS)}.")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from config import embedded

    embedded.ensure()
    django.setup()
    from django.conf import settings

    from benchmarks import world

    settings.DEBUG = False  # it keeps a log of all statements, which no production does

    world.database()
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}\n"
    )
    print("| what | ours | yardstick | ratio | spread | budget |\n|---|--:|--:|--:|---|---|")
    sizes = [int(size) for size in options.sizes.split(",")]
    for subject in options.subjects or [name for name in SUBJECTS if (Path(__file__).parent / f"{name}.py").exists()]:
        for row in importlib.import_module(f"benchmarks.{subject}").run(sizes):
            against = f"{row.yardstick:,.1f}" if row.yardstick is not None else ""
            ratio = f"{row.ratio:,.3g}" if row.ratio is not None else ""
            print(
                f"| {row.name} | {row.ours:,.1f} {row.unit} | {against} | {ratio} | {row.spread} | {row.budget} |",
                flush=True,
            )


main()
