"""Which promise of the database a statement broke."""

from django.db import IntegrityError


def broken_by(error: IntegrityError) -> str:
    """Return the name of the constraint that was broken; "" where PostgreSQL names none."""
    return getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or ""
