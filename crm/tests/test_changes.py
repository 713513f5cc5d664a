"""Changes of a row as people read them: each field, who did it, and what it was at birth."""

import pytest
from django.contrib.auth.models import Group

from config.kernel.audit import acting
from crm.models import Contact, Project
from crm.reports.audit import HIDDEN, changes
from crm.tests.births import born_in_bulk
from crm.tests.factories import (
    CompanyFactory,
    ContactFactory,
    EndpointFactory,
    ProjectFactory,
    SourceRecordFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def rep():
    return UserFactory(bdr=True, name="Riley Rep")


def test_a_change_is_told_per_field_with_label_words_actor_and_origin(rep):
    company = CompanyFactory(name="Ace Electric")
    person = ContactFactory(lifecycle="new", do_not_call=False)

    with acting(user=rep.pk, service="api", ip="192.0.2.7", user_agent="Browser/1", request_id="r-1"):
        Contact.objects.update(lifecycle="closed_won", do_not_call=True, company=company, title="Buyer")

    change = changes(entity="crm.contact", entity_id=person.pk, user=rep)[0]
    assert (change.what, change.by, change.service, change.ip) == ("Contact", "Riley Rep", "api", "192.0.2.7")
    assert (change.user_agent, change.request_id, change.operation) == ("Browser/1", "r-1", "update")
    told = {each.field: (each.label, each.old_text, each.new_text) for each in change.fields}
    assert told == {
        "lifecycle": ("Stage", "New", "Closed won"),
        "do_not_call": ("Do not call", "no", "yes"),
        "company": ("Company", "-", "Ace Electric"),
        "title": ("Title", "-", "Buyer"),
    }
    raw = next(each for each in change.fields if each.field == "lifecycle")
    assert (raw.old, raw.new) == ("new", "closed_won")


def test_changes_come_newest_first_down_to_the_birth(rep):
    project = ProjectFactory(name="One")
    for name in ("Two", "Three"):
        Project.objects.update(name=name)

    told = changes(entity="crm.project", entity_id=project.pk)

    assert [change.operation for change in told] == ["update", "update", "create"]
    assert [change.fields[0].new for change in told[:2]] == ["Three", "Two"]


def test_a_birth_in_bulk_is_read_from_the_row_as_it_was_and_from_its_first_record(at):
    project = born_in_bulk(Project, project_id="P-1", name="First name", created_at=at)
    SourceRecordFactory(project=project, source="austin_permits", key="2026-1234")
    SourceRecordFactory(project=project, source="other", key="x")
    Project.objects.update(name="Second name")

    *_, birth = changes(entity="crm.project", entity_id=project.pk)

    assert (birth.operation, birth.at, birth.event_id) == ("create", at, None)
    assert birth.service == "intake: austin_permits, record 2026-1234"
    assert {each.field: each.new for each in birth.fields}["name"] == "First name"


def test_pages_of_changes_are_the_whole_and_nothing_twice():
    project = born_in_bulk(Project, project_id="P-1")
    for number in range(7):
        Project.objects.update(name=f"Name {number}")
    whole = changes(entity="crm.project", entity_id=project.pk)

    paged, before = [], None
    while page := changes(entity="crm.project", entity_id=project.pk, limit=3, before=before):
        paged += page
        before = page[-1].at, page[-1].key

    assert paged == whole
    assert len(whole) == 8


def test_the_name_of_what_one_does_not_see_is_withheld(rep):
    person, owner = ContactFactory(name="Pat Secret", owner=UserFactory(bdr=True)), ContactFactory()
    line = EndpointFactory(owner=owner)
    type(line).objects.update(owner=person)

    def told(user):
        return changes(entity="crm.endpoint", entity_id=line.pk, user=user)[0].fields[0].new_text

    assert told(rep) == HIDDEN
    assert told(UserFactory(admin=True)) == "Pat Secret"


def test_a_row_that_never_was_has_no_changes(rep):
    assert changes(entity="crm.contact", entity_id=rep.pk) == []
    assert changes(entity="no.such", entity_id=ProjectFactory.build().pk) == []


def test_passwords_and_bookkeeping_are_not_told(rep):
    with acting(user=rep.pk):
        type(rep).objects.filter(pk=rep.pk).update(password="secret", name="New")

    told = changes(entity="crm.user", entity_id=rep.pk)
    assert [each.field for each in told[0].fields] == ["name"]
    assert [(each.label, each.new_text) for each in told[1].fields] == [("Password changed", "yes")]
    assert "secret" not in str(told)


def test_a_role_that_was_given_is_told_in_words(rep):
    rep.groups.add(Group.objects.get(name="admin"))

    (given,) = changes(entity="crm.user", entity_id=rep.pk)[0].fields
    assert (given.label, given.old_text, given.new_text) == ("Roles", "bdr", "admin, bdr")
