"""What the database itself refuses: triggers that keep rows as they are, or at least keep them."""

from collections.abc import Sequence
from typing import Any

import pgtrigger

ERASING = "current_setting('clearline.erasing', true) = 'yes'"  # set by the erasure function alone (DESIGN 20)


def never_deleted(*, instead: str) -> list[pgtrigger.Trigger]:
    """Refuse DELETE, but for the erasure function; ``instead`` says what to do. ``audited`` refuses TRUNCATE."""
    return [refused(pgtrigger.Delete, "keep_delete", f"never deleted. {instead}")]


def append_only(*, but: Sequence[str] = ()) -> list[pgtrigger.Trigger]:
    """Refuse UPDATE, DELETE and TRUNCATE; ``but`` names the columns that may still change."""
    why = "append-only: a correction is a new row."
    changes = "to_jsonb(OLD) IS DISTINCT FROM to_jsonb(NEW)"
    if but:
        spared = "'{" + ",".join(but) + "}'::text[]"
        changes = f"to_jsonb(OLD) - {spared} IS DISTINCT FROM to_jsonb(NEW) - {spared}"
    return [
        pgtrigger.Trigger(
            name="keep_update",
            when=pgtrigger.Before,
            operation=pgtrigger.Update,
            func=f"IF {changes} AND NOT coalesce({ERASING}, false) THEN {_refusal(why)} END IF; RETURN NEW;",
        ),
        refused(pgtrigger.Delete, "keep_delete", why),
        refused(pgtrigger.Truncate, "keep_truncate", why),
    ]


def refused(operation: Any, name: str, why: str) -> pgtrigger.Trigger:
    """Refuse DELETE, but for the erasure function, or TRUNCATE; ``why`` ends the sentence "this table is ..."."""
    if operation is pgtrigger.Truncate:
        func, level = f"{_refusal(why)} RETURN NULL;", pgtrigger.Statement
    else:
        func, level = f"IF NOT coalesce({ERASING}, false) THEN {_refusal(why)} END IF; RETURN OLD;", pgtrigger.Row
    return pgtrigger.Trigger(name=name, level=level, when=pgtrigger.Before, operation=operation, func=func)


def _refusal(why: str) -> str:
    return f"RAISE EXCEPTION '% is {why}', TG_TABLE_NAME USING ERRCODE = '23001';"
