"""``explain_call`` finds a contact by whatever names them, and says so in words where there is none."""

import pytest
from django.core.management import CommandError, call_command

from calls.tests.factories import callable_pair
from config.kernel import clock
from config.testing import NOON
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def somebody_who_sees_everything():
    UserFactory(admin=True)


def explained(pair, contact, capsys):
    with clock.standing_at(NOON):
        call_command("explain_call", project=pair.project.project_id, contact=contact)
    return capsys.readouterr().out


def test_a_contact_is_found_by_phone_and_by_our_id(capsys):
    pair = callable_pair()

    for name in (pair.contact.primary_phone, str(pair.contact_id)):
        assert "may be called now" in explained(pair, name, capsys)


@pytest.mark.parametrize("name", ["x" * 36, "01a1fced-3e25-70ab-a3fc-4a57d0b4702g", "nobody"])
def test_a_name_that_nobody_has_is_answered_in_words(capsys, name):
    with pytest.raises(CommandError, match="No contact"):
        explained(callable_pair(), name, capsys)
