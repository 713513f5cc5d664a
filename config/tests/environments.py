"""Settings as another environment would make them."""

import os
import runpy
from typing import Any
from unittest import mock

from config.embedded import places


def settings_in(**environment: str) -> dict[str, Any]:
    """What ``config.settings`` makes of our environment with these changes; ours is the same afterwards."""
    with mock.patch.dict(os.environ, environment):
        return runpy.run_path(str(places.CHECKOUT / "config" / "settings.py"))
