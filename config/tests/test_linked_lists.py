"""Lists that other pages lead to (``?contact=<id>``): each of these addresses is answered, for whoever may ask."""

from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model

from campaigns.tests.factories import CampaignFactory, EnrollmentFactory
from config.kernel.ids import uuid7
from config.testing import NOON
from crm.models import AuditEvent
from crm.services import editing
from crm.tests import backoffice
from crm.tests.backoffice import list_url, signed_in
from crm.tests.factories import ContactFactory, UserFactory

boss, rep = backoffice.boss, backoffice.rep
LINKS = sorted(
    (model._meta.label_lower, name) for model, desk in admin.site._registry.items() for name in desk.linked_by
)


def _other(label: str, name: str) -> type[Model] | None:
    other: Any = backoffice.model(label)._meta.get_field(name).related_model
    return other


def _shown(window: Any, label: str, **asked: Any) -> list[Any]:
    """The keys of the rows that the list shows."""
    answer = window.get(list_url(label), asked)
    assert answer.status_code == 200, answer
    return [row.pk for row in answer.context["cl"].result_list]


@pytest.mark.parametrize(("label", "name"), LINKS)
def test_rows_of_something_that_is_not_there_are_none(boss, label, name):
    assert _shown(boss, label, **{name: uuid7()}) == []


@pytest.mark.parametrize(("label", "name"), LINKS)
def test_what_rows_are_linked_by_says_who_sees_it(label, name):
    """What cannot say it is hidden from all but admins, and with it its rows."""
    other = _other(label, name)
    assert other is None or hasattr(other._default_manager.none(), "visible_to")


def test_the_changes_of_one_row_are_listed(boss):
    one, another = ContactFactory(), ContactFactory()
    for person in (one, another):
        editing.edit(row=person, changes={"title": "Owner"}, by=None, at=NOON)
    told = list(AuditEvent.objects.filter(entity_id=one.pk).values_list("pk", flat=True))
    assert told
    assert _shown(boss, "crm.auditevent", entity_id=one.pk) == sorted(told, reverse=True)
    assert "Only of one record" in boss.get(list_url("crm.auditevent"), {"entity_id": one.pk}).content.decode()


def test_a_rep_sees_who_stands_at_a_node_of_a_campaign_they_see(boss, rep):
    open_, hidden = (EnrollmentFactory(campaign=CampaignFactory(sender=of)) for of in (None, UserFactory(bdr=True)))
    window = signed_in(rep)
    assert _shown(window, "campaigns.enrollment", node=open_.node_id) == [open_.pk]
    assert _shown(window, "campaigns.enrollment", node=hidden.node_id) == []
    assert _shown(boss, "campaigns.enrollment", node=hidden.node_id) == [hidden.pk]
