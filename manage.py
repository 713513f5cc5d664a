#!/usr/bin/env python
"""Django's command line, with the embedded servers running where the environment names no others."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from config import embedded

    if len(sys.argv) > 1 and sys.argv[1] not in {"help", "--help", "--version", "makemigrations", "spectacular"}:
        embedded.ensure()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
