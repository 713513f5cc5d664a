"""Whatever a file says, whoever must be left alone before it must be left alone after it (trust D18)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from config.testing import NOON, examples
from crm.models import Contact, Endpoint, Suppression
from crm.services import consenting
from crm.services.feeds.records import Party
from crm.tests.factories import ContactFactory, SuppressionFactory
from crm.tests.intaking import OTHER_PHONE, PHONE, somebody, take

pytestmark = pytest.mark.django_db
MAYBE = st.none() | st.booleans()
NAMES = st.sampled_from(["", "Ada Example", "ADA EXAMPLE", "Bo Sample"])
WORDS = st.sampled_from(["", "Owner", "x" * 40])


@st.composite
def parties(draw: st.DrawFn) -> Party:
    """Somebody who is one of those we know, by an id, a number or an address, or nobody whom we know."""
    return somebody(
        draw(NAMES),
        phone=draw(st.sampled_from(["", PHONE, OTHER_PHONE])),
        email=draw(st.sampled_from(["", "ada@example.com"])),
        contact_id=draw(st.sampled_from(["", "x-1"])),
        do_not_call=draw(MAYBE),
        do_not_email=draw(MAYBE),
        do_not_text=draw(MAYBE),
        consent_given=draw(MAYBE),
        title=draw(WORDS),
    )


def forbidden() -> dict[str, set[Any]]:
    """What stands against anybody, by what it is."""
    people = Contact.objects.all()
    flags = ("do_not_call", "do_not_email", "do_not_text")
    return {
        "suppressions": set(Suppression.objects.standing().values_list("pk", flat=True)),
        "closed lines": set(Endpoint.objects.exclude(suppressed_at=None).values_list("value", flat=True)),
        **{flag: set(people.filter(**{flag: True}).values_list("pk", flat=True)) for flag in flags},
        "withdrawn": set(people.filter(consent_given=False, consents__kind="withdrawn").values_list("pk", flat=True)),
    }


@given(rows=st.lists(parties(), min_size=1, max_size=4), flag=st.sampled_from(["do_not_call", "do_not_text", ""]))
@examples(40)
def test_no_row_of_a_file_lets_anybody_be_approached_who_was_not(rows, flag):
    with transaction.atomic():
        _take_in(rows, flag)
        transaction.set_rollback(True)  # the next example begins anew


def _take_in(rows: list[Party], flag: str) -> None:
    person = ContactFactory(phone=PHONE, email="ada@example.com", name="Ada Example", **({flag: True} if flag else {}))
    SuppressionFactory(endpoint=Endpoint.objects.get(value=PHONE))
    consenting.give(contact=person, source="form", at=NOON - timedelta(days=2))
    consenting.withdraw(contact=person, source="call", at=NOON - timedelta(days=1))
    before = forbidden()
    assert before["suppressions"]
    assert before["withdrawn"] == {person.pk}

    take(*rows)

    after = forbidden()
    assert {what: missing for what, told in before.items() if (missing := told - after[what])} == {}
