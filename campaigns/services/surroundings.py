"""What graphs refer to, as validation wants it: the contents there are, the statuses, and the outcomes of calls."""

from collections.abc import Mapping

from calls.models import Disposition
from campaigns.models import ContentTemplate, EnrollmentStatus
from campaigns.rules.composing import Content
from campaigns.rules.validation import Surroundings


def known(*, senders: frozenset[str] | None = None, says: Mapping[str, str] | None = None) -> Surroundings:
    """Return all that a graph may name, in three queries. ``senders`` and ``says`` are as in ``Surroundings``."""
    contents = ContentTemplate.objects.in_use().values_list("key", "channel", "subject", "body")
    statuses = dict(EnrollmentStatus.objects.values_list("name", "is_active"))
    return Surroundings(
        contents={key: Content(channel, subject, body) for key, channel, subject, body in contents},
        statuses=frozenset(name for name, in_use in statuses.items() if in_use),
        off=frozenset(name for name, in_use in statuses.items() if not in_use),
        dispositions=frozenset(Disposition.objects.filter(is_active=True).values_list("name", flat=True)),
        senders=senders,
        says=says,
    )
