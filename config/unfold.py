"""The admin's clothes: title, colors and sidebar."""

from typing import Any

UNFOLD: dict[str, Any] = {"SITE_TITLE": "Clearline", "SITE_HEADER": "Clearline", "SITE_SYMBOL": "call"}
