import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import RequestFactory

from config.kernel.audit import acting
from config.middleware import Audit
from crm.models import AuditEvent, Contact, ContactPoint, Project, User
from crm.services import accounts, editing
from crm.tests.factories import (
    CompanyFactory,
    ContactFactory,
    ContactPointFactory,
    EndpointFactory,
    ProjectContactFactory,
    ProjectFactory,
    SuppressionFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def sql(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def events_of(row, operation="update"):
    return list(AuditEvent.objects.filter(entity_id=row.pk, operation=operation).order_by("at"))


def rename_by_save(project):
    project.name = "New"
    project.save()


def rename_by_upsert(project):
    Project.objects.bulk_create(
        [Project(id=project.pk, project_id=project.project_id, name="New")],
        update_conflicts=True, unique_fields=["project_id"], update_fields=["name"],
    )  # fmt: skip


RENAMES = {
    "save": rename_by_save,
    "update": lambda project: Project.objects.filter(pk=project.pk).update(name="New"),
    "bulk_update": lambda project: Project.objects.bulk_update([Project(id=project.pk, name="New")], ["name"]),
    "raw SQL": lambda project: sql("UPDATE crm_project SET name = 'New' WHERE id = %s", project.pk),
    "upsert": rename_by_upsert,
    "service": lambda project: editing.edit(row=project, changes={"name": "New"}, by=None, at=project.created_at),
}


@pytest.mark.parametrize("rename", RENAMES.values(), ids=RENAMES.keys())
def test_a_change_is_recorded_with_old_and_new_values_however_it_is_made(rename):
    project, rep = ProjectFactory(name="Old"), UserFactory()

    with acting(user=rep.pk, service="test", ip="192.0.2.7", user_agent="Agent/1", request_id="r-1"):
        rename(project)

    (event,) = events_of(project)
    assert (event.old["name"], event.new["name"]) == ("Old", "New")
    assert set(event.old) == set(event.new) <= {"name", "edited"}
    assert (event.entity, event.actor, event.service) == ("crm.project", rep, "test")
    assert (event.ip, event.user_agent, event.request_id) == ("192.0.2.7", "Agent/1", "r-1")


def test_each_row_of_one_statement_gets_its_own_event():
    projects = [ProjectFactory(name=f"Old {n}") for n in range(3)]

    Project.objects.update(name="New")

    assert [event.old["name"] for project in projects for event in events_of(project)] == ["Old 0", "Old 1", "Old 2"]


def test_births_are_recorded_one_by_one_and_left_out_in_bulk():
    single = ProjectFactory(name="Single", stage="")
    Project.objects.bulk_create([Project(project_id=f"many-{n}") for n in range(3)])
    with acting(service="intake", bulk=True):
        Project.objects.bulk_create([Project(project_id=f"bulk-{n}") for n in range(3)])
        Project.objects.filter(project_id="bulk-0").update(name="Changed")

    (born,) = events_of(single, "create")
    assert born.old is None
    assert born.new["name"] == "Single"
    named = AuditEvent.objects.filter(operation="create", entity="crm.project").values_list(
        "new__project_id", flat=True
    )
    assert set(named) == {single.project_id, "many-0", "many-1", "many-2"}
    assert events_of(Project.objects.get(project_id="bulk-0"))


def test_a_deletion_keeps_the_whole_row():
    point = ContactPointFactory(label="desk")

    ContactPoint.objects.filter(pk=point.pk).delete()

    (gone,) = events_of(point, "delete")
    assert (gone.old["label"], gone.old["contact_id"], gone.new) == ("desk", str(point.contact_id), None)


@pytest.mark.parametrize(
    ("factory", "silent"),
    [
        (ContactFactory, {"data_quality": 7}),
        (EndpointFactory, {"hours_profile": None}),
        (ProjectContactFactory, {"callable_from": "2026-06-16T00:00Z", "last_touch_at": "2026-06-16T00:00Z"}),
        (UserFactory, {"last_login": "2026-06-16T00:00Z"}),
        (CompanyFactory, {"updated_at": "2026-06-16T00:00Z"}),
    ],
)
def test_hints_counters_and_secrets_are_not_recorded(factory, silent):
    row = factory()

    type(row).objects.filter(pk=row.pk).update(**silent)

    assert events_of(row) == []


def test_of_a_password_it_is_recorded_that_it_changed_and_nothing_of_it():
    user, boss = UserFactory(), UserFactory()

    with acting(user=boss.pk, ip="192.0.2.7", user_agent="Agent/1"):
        User.objects.filter(pk=user.pk).update(password="topsecret")
        User.objects.filter(pk=user.pk).update(password="topsecret")

    (event,) = events_of(user)
    assert (event.old, event.new) == (None, {"password_changed": True})
    assert (event.actor, event.ip, event.user_agent) == (boss, "192.0.2.7", "Agent/1")


ADMIN, BDR, MEMBER = ["admin"], ["bdr"], "UPDATE crm_user_groups"
JOINS = {
    "set": (lambda user, group: user.groups.set([group("admin")]), [(BDR, []), ([], ADMIN)]),
    "add": (lambda user, group: user.groups.add(group("admin")), [(BDR, ["admin", "bdr"])]),
    "add again": (lambda user, group: user.groups.add(group("bdr")), []),
    "remove": (lambda user, group: user.groups.remove(group("bdr")), [(BDR, [])]),
    "clear": (lambda user, group: user.groups.clear(), [(BDR, [])]),
    "raw SQL": (
        lambda user, group: sql(
            "UPDATE crm_user_groups SET group_id = %s WHERE user_id = %s", group("admin").pk, user.pk
        ),
        [(BDR, ADMIN)],
    ),
    "service": (
        lambda user, group: accounts.edit_user(user=user, changes={"role": "admin"}, at=user.created_at),
        [(BDR, ADMIN)],
    ),
}


@pytest.mark.parametrize(("join", "told"), JOINS.values(), ids=JOINS.keys())
def test_who_becomes_and_who_ceases_to_be_an_admin_is_recorded_however_it_is_made(join, told):
    user, boss, bystander = UserFactory(bdr=True), UserFactory(admin=True), UserFactory(bdr=True)
    before = {event.pk for event in events_of(user)}

    with acting(user=boss.pk, ip="192.0.2.7"):
        join(user, lambda name: Group.objects.get(name=name))

    found = [event for event in events_of(user) if event.pk not in before]
    assert [(event.old, event.new) for event in found] == [({"roles": was}, {"roles": now}) for was, now in told]
    assert all((event.entity, event.actor, event.ip) == ("crm.user", boss, "192.0.2.7") for event in found)
    assert [event.new for event in events_of(bystander)] == [{"roles": BDR}]


def test_roles_of_many_are_recorded_one_by_one():
    users = [UserFactory(bdr=True) for _ in range(3)]

    User.groups.through.objects.all().delete()

    assert [events_of(user)[-1].old for user in users] == [{"roles": BDR}] * 3


def test_nothing_is_recorded_where_nothing_changes():
    project = ProjectFactory(name="Same", attributes={"a": 1})

    project.save()
    Project.objects.update(name="Same", attributes={"a": 1})
    sql("UPDATE crm_project SET name = name")
    sql("UPDATE crm_project SET name = 'Other' WHERE false")

    assert events_of(project) == []


def test_a_change_from_and_to_nothing_is_recorded(at):
    project = ProjectFactory()
    Project.objects.update(value=12, next_call_eligible_at=at)
    Project.objects.update(value=None, next_call_eligible_at=None)

    first, second = events_of(project)
    assert (first.old["value"], first.new["value"]) == (None, 12.0)
    assert (second.old["value"], second.new["value"]) == (12.0, None)


def test_what_is_rolled_back_was_never_recorded():
    project = ProjectFactory()

    with transaction.atomic():
        Project.objects.update(name="Never")
        transaction.set_rollback(True)

    assert events_of(project) == []


def test_whoever_acted_before_does_not_answer_for_what_comes_after():
    project, outer, inner = ProjectFactory(), UserFactory(), UserFactory()

    with acting(user=outer.pk, service="outer"):
        with acting(user=inner.pk):
            Project.objects.update(name="inner")
        Project.objects.update(name="outer")
    Project.objects.update(name="nobody")

    told = [(event.new["name"], event.actor, event.service) for event in events_of(project)]
    assert told == [("inner", inner, "outer"), ("outer", outer, "outer"), ("nobody", None, "")]


def test_bulk_ends_with_its_block():
    with acting(service="request"):
        with acting(bulk=True):
            Project.objects.bulk_create([Project(project_id="bulk")])
        single = ProjectFactory()

    assert AuditEvent.objects.filter(operation="create", entity="crm.project").get().entity_id == single.pk


def test_a_request_names_its_user_its_address_and_its_browser():
    project, rep = ProjectFactory(), UserFactory()
    request = RequestFactory().post("/", headers={"user-agent": "Browser/1"}, REMOTE_ADDR="192.0.2.9")
    request.user = rep

    def view(request):
        Project.objects.update(name="New")
        return HttpResponse()

    Audit(view)(request)

    (event,) = events_of(project)
    assert (event.actor, event.ip, event.user_agent) == (rep, "192.0.2.9", "Browser/1")


AUDITED = {
    "crm.company": CompanyFactory,
    "crm.contact": ContactFactory,
    "crm.contactpoint": ContactPointFactory,
    "crm.endpoint": EndpointFactory,
    "crm.project": ProjectFactory,
    "crm.projectcontact": ProjectContactFactory,
    "crm.suppression": SuppressionFactory,
    "crm.user": UserFactory,
}


CHANGED = {
    "crm.contactpoint": "label",
    "crm.endpoint": "line_type",
    "crm.projectcontact": "listed_name",
    "crm.suppression": "source",
}


def test_every_table_that_people_change_is_audited():
    found = {
        model._meta.label_lower
        for model in apps.get_app_config("crm").get_models()
        if any(trigger.name == "audit_update" for trigger in getattr(model._meta, "triggers", []))
    }

    assert found == set(AUDITED)


@pytest.mark.parametrize("label", AUDITED)
def test_every_audited_table_records_births_changes_and_ends(label):
    row = AUDITED[label]()
    table = type(row)._meta.db_table
    column = CHANGED.get(label, "name")
    births = AuditEvent.objects.filter(entity=label, entity_id=row.pk).count()

    sql(f"UPDATE {table} SET {column} = 'changed' WHERE id = %s", row.pk)
    sql("SELECT set_config('clearline.erasing', %s, true)", "yes")  # some are deleted by nobody else
    sql(f"DELETE FROM {table} WHERE id = %s", row.pk)

    told = list(AuditEvent.objects.filter(entity=label, entity_id=row.pk).order_by("at"))
    assert [event.operation for event in (told[0], *told[births:])] == ["create", "update", "delete"]
    assert told[births].new[column] == "changed"
    assert told[-1].old[column] == "changed"


def test_many_rows_are_recorded_in_one_statement(django_assert_num_queries):
    Project.objects.bulk_create([Project(project_id=f"p-{n}", name="Old") for n in range(500)])

    with django_assert_num_queries(1):
        Project.objects.update(name="New")

    assert AuditEvent.objects.filter(operation="update", old__name="Old", new__name="New").count() == 500


def test_a_reference_is_recorded_by_its_column():
    company = CompanyFactory()
    contact = ContactFactory(company=company)

    Contact.objects.update(company=None)

    (event,) = events_of(contact)
    assert (event.old, event.new) == ({"company_id": str(company.pk)}, {"company_id": None})
