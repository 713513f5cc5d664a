"""Rows as an intake makes them, and a record as somebody posts it."""

from typing import Any, Final

from config.kernel.audit import acting

RECORD: Final[dict[str, Any]] = {
    "project": {"project_id": "P-1", "name": "Example Tower"},
    "contacts": [{"name": "Ada Example", "phone": "512 555 0134", "roles": ["owner"]}],
}


def born_in_bulk(model: Any, **fields: Any) -> Any:
    """Make a row whose birth no entry of the audit tells."""
    with acting(service="intake", bulk=True):
        return model.objects.create(**fields)
