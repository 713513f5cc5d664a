"""What the tests of points share: numbers of three cities, a person read anew, and what is told meanwhile."""

import pytest

from config.testing.hearing import hearing
from crm.models import Contact
from crm.signals import reachability_changed

AUSTIN, DALLAS, BOSTON = "+15125550134", "+12145550134", "+16175550134"


@pytest.fixture
def news():
    """What is told while the test runs: one dataclass per signal."""
    with hearing(reachability_changed) as heard:
        yield heard


def fresh(contact):
    return Contact.objects.get(pk=contact.pk)
