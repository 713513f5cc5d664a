"""Static files in production: every name carries the hash of what it holds, so browsers may keep it for ever."""

from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]  # it has no types

_MODULES = HashedFilesMixin._js_module_import_aggregation_patterns[1]  # type: ignore[attr-defined]  # noqa: SLF001 - see below


class HashedFiles(CompressedManifestStaticFilesStorage):
    """Our own modules name each other by hash too: no browser mixes those of two releases.

    Django's switch for that reads everybody's scripts, and one of django-htmx names a file that does not exist. Our
    modules must not import each other in a circle: their hashes would have no end.
    """

    patterns = (*CompressedManifestStaticFilesStorage.patterns, ("clearline/*.js", _MODULES))
