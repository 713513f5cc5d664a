"""What graphs refer to, as validation wants it: the contents there are, and the statuses."""

from collections.abc import Mapping

from campaigns.models import ContentTemplate, EnrollmentStatus
from campaigns.rules.validation import Content, Surroundings


def known(*, senders: frozenset[str] | None = None, says: Mapping[str, str] | None = None) -> Surroundings:
    """Return all that a graph may name, in two queries. ``senders`` and ``says`` are as in ``Surroundings``."""
    contents = ContentTemplate.objects.in_use().values_list("key", "channel", "subject", "body")
    statuses = EnrollmentStatus.objects.filter(is_active=True).values_list("name", flat=True)
    return Surroundings(
        contents={key: Content(channel, f"{subject}\n{body}") for key, channel, subject, body in contents},
        statuses=frozenset(statuses),
        senders=senders,
        says=says,
    )
