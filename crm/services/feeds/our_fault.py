"""A row at which our own code stumbled: refused like any other, so that the rest of its file goes on."""

import logging
import traceback
from collections.abc import Mapping
from typing import Final

from crm.services.feeds.records import Refused

logger = logging.getLogger(__name__)

CODE: Final = "our_fault"
REASON: Final = (
    "This row met a fault of ours, which was logged; the other rows were not affected. Take out what is unusual in it "
    "and send it again, or keep it until the fault is mended."
)


def refused_by_our_fault(row: int, line: int, raw: Mapping[str, str], error: Exception) -> Refused:
    """Refuse the row, and log what went wrong where; never the words of the error, which may quote the row."""
    place = traceback.extract_tb(error.__traceback__)[-1:]
    where = ", ".join(f"{frame.filename}:{frame.lineno}" for frame in place)
    logger.error("Row %s could not be read by a fault of ours: %s at %s", row, type(error).__name__, where)
    return Refused(row, line, dict(raw), CODE, REASON)
