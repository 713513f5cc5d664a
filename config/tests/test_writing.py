"""What is written at once: rows of several tables by one statement, all of them or none."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from config.kernel.writing import birth, together
from config.testing import NOON
from crm.choices import Channel
from crm.models import Contact, ContactPoint, Project, Touch
from crm.tests.factories import ContactFactory, ProjectFactory

pytestmark = pytest.mark.django_db


def touch(**fields):
    return Touch(channel=Channel.CALL, at=NOON, source="tests", source_id=fields["contact"].pk, **fields)


def test_rows_of_several_tables_are_one_statement_and_count_as_saved(django_assert_num_queries):
    ann, tower = (
        Contact(name="Ann", attributes={"likes": ["tea"]}, edited=["name"]),
        Project(name="Tower", created_at=Now()),
    )

    with django_assert_num_queries(1):
        assert together(birth(tower), birth(ann), birth(touch(contact=ann, project=tower))) == 1

    kept = Touch.objects.get()
    assert (kept.contact, kept.project, kept.counts) == (ann, tower, True)
    assert (kept.contact.attributes, kept.contact.edited) == ({"likes": ["tea"]}, ["name"])
    assert kept.contact.search == ann.search != ""  # what PostgreSQL fills is read when it is asked for
    point = ContactPoint(contact=ann, kind="address")
    together(birth(point))
    assert (point.extension, point.state) == ("", "good")
    assert tower.created_at == Project.objects.get().created_at
    ann.name = "Anna"
    ann.save()
    assert Contact.objects.get().name == "Anna"


def test_the_same_parameter_of_two_parts_is_each_ones_own_and_the_last_tells_how_many():
    first, second = ProjectFactory(name="First"), ProjectFactory(name="Second")
    rename = "UPDATE crm_project SET name = %(name)s WHERE id = %(id)s"

    assert together((rename, {"name": "1", "id": first.pk}), (rename, {"name": "2", "id": second.pk})) == 1

    assert list(Project.objects.order_by("name").values_list("name", "pk")) == [("1", first.pk), ("2", second.pk)]


def test_where_one_cannot_be_written_none_is():
    ann = ContactFactory()
    together(birth(touch(contact=ann)))

    with pytest.raises(IntegrityError), transaction.atomic():
        together(birth(Project(name="Tower")), birth(touch(contact=ann)))

    assert (Project.objects.count(), Touch.objects.count()) == (0, 1)
