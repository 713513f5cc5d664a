"""gunicorn's own lines, the same as everybody's: `gunicorn --logger-class config.logs_gunicorn.JsonLogger`."""

import logging
from typing import IO, Any

from gunicorn.glogging import Logger

from config.logs import JsonLines


class JsonLogger(Logger):
    """Writes JSON wherever gunicorn was told to write; its log of requests stays off, for ours says more and less."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.propagate = False  # Django makes it true while it loads; a reload would write every line twice

    def _set_handler(
        self, log: logging.Logger, output: Any, fmt: logging.Formatter, stream: IO[str] | None = None
    ) -> None:
        super()._set_handler(log, output, JsonLines(), stream)
