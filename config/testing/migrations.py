"""`python -m config.testing.migrations`: refuse migrations that would lock or break a running Clearline.

What the linter knows: new NOT NULL columns without a default in the database, dropped and renamed columns and tables,
indexes built under a lock, data migrations that cannot be undone. A release runs beside the one before it, on tables
that are full.
"""

import os
import sys

APPS = ("crm", "calls", "campaigns", "integrations")

# Migrations of the first release besides those marked `initial`: nobody had a row in these tables when they ran. A
# migration of a later release never belongs here; it is rewritten until the linter is content.
FIRST_RELEASE: tuple[str, ...] = ()


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django_migration_linter import MigrationLinter

    from config import embedded

    embedded.ensure()
    django.setup()
    linter = MigrationLinter(
        include_apps=APPS,
        ignore_name=FIRST_RELEASE,
        ignore_initial_migrations=True,
        all_warnings_as_errors=True,
        no_cache=True,
        quiet=["ignore", "ok"],
    )
    linter.lint_all_migrations()
    linter.print_summary()
    return int(linter.has_errors)


if __name__ == "__main__":
    sys.exit(main())
