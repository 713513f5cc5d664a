import pytest
from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from crm.services import roles
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def permissions(role):
    found = Group.objects.get(name=role).permissions.values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in found}


def test_a_migrated_database_has_both_roles():
    assert permissions("admin") > permissions("bdr") > {"crm.view_contact", "calls.use_call_desk"}


@pytest.mark.parametrize(
    "permission",
    [
        *("crm.view_contact", "crm.add_contact", "crm.change_contact", "crm.view_company", "crm.view_project"),
        *("crm.view_projectcontact", "crm.add_contactpoint", "crm.change_contactpoint", "crm.change_projectcontact"),
        *("crm.view_touch", "crm.view_gatedecision", "crm.view_endpoint", "crm.add_suppression", "crm.view_consent"),
        *("calls.use_call_desk", "calls.view_callsession", "calls.add_callsession", "calls.view_callstatus"),
        *("calls.view_disposition", "calls.view_terminalsession", "calls.view_callinghours"),
    ],
)
def test_a_bdr_may(permission):
    assert UserFactory(bdr=True).has_perm(permission)


@pytest.mark.parametrize(
    "permission",
    [
        *("crm.see_everything", "crm.view_user", "crm.add_user", "crm.change_user", "crm.change_suppression"),
        *("crm.view_auditevent", "calls.correct_any_call", "calls.change_callingpolicy", "calls.change_disposition"),
        *("calls.change_callinghours", "calls.add_terminalsession", "auth.change_group", "crm.add_intakerun"),
    ],
)
def test_a_bdr_may_not_and_an_admin_may_what_is_ours(permission):
    assert not UserFactory(bdr=True).has_perm(permission)
    assert UserFactory(admin=True).has_perm(permission) is not permission.startswith("auth.")


def test_a_bdr_deletes_nothing():
    assert not [name for name in permissions("bdr") if ".delete_" in name]


def test_an_admin_may_everything_that_our_apps_know():
    ours = Permission.objects.filter(content_type__app_label__in=roles.APPS)

    assert permissions("admin") == {f"{each.content_type.app_label}.{each.codename}" for each in ours}


def test_every_word_of_the_table_is_a_permission_that_exists():
    assert len(permissions("bdr")) == len(roles.of_bdr())


def test_every_migrate_puts_the_roles_back_in_step_and_leaves_other_apps_alone():
    group = Group.objects.get(name="bdr")
    theirs = Permission.objects.get(content_type__app_label="admin", codename="view_logentry")
    group.permissions.add(theirs, Permission.objects.get(codename="delete_contact"))
    group.permissions.remove(Permission.objects.get(codename="view_contact"))
    Group.objects.get(name="admin").delete()

    call_command("migrate", verbosity=0)

    assert permissions("bdr") == {*(f"{app}.{codename}" for app, codename in roles.of_bdr()), "admin.view_logentry"}
    assert permissions("admin")


def test_on_a_database_where_permissions_are_yet_to_be_made_they_are_made_first():
    Permission.objects.all().delete()
    Group.objects.all().delete()

    call_command("migrate", verbosity=0)

    assert "calls.use_call_desk" in permissions("bdr")
    assert "crm.see_everything" in permissions("admin")


def test_granting_twice_writes_nothing(django_assert_num_queries):
    create_permissions(apps.get_app_config("crm"), verbosity=0)

    with django_assert_num_queries(5):  # what there is, and each group with what it has
        roles.grant(models=apps)


@pytest.mark.django_db(transaction=True)
def test_roles_survive_what_tests_do_to_a_database():
    assert permissions("bdr")
    assert UserFactory(bdr=True).has_perm("crm.view_contact")
