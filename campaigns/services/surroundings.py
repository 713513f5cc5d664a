"""What graphs refer to, as validation wants it: the contents there are, and the statuses."""

from campaigns.models import ContentTemplate, EnrollmentStatus
from campaigns.rules.validation import Content, Surroundings


def known(*, senders: frozenset[str] | None = None, has_event: bool | None = None) -> Surroundings:
    """Return all that a graph may name, in two queries. ``senders`` and ``has_event`` are as in ``Surroundings``."""
    contents = ContentTemplate.objects.in_use().values_list("key", "channel", "subject", "body")
    statuses = EnrollmentStatus.objects.filter(is_active=True).values_list("name", flat=True)
    return Surroundings(
        contents={key: Content(channel, f"{subject}\n{body}") for key, channel, subject, body in contents},
        statuses=frozenset(statuses),
        senders=senders,
        has_event=has_event,
    )
