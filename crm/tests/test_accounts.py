"""Who may sign in, and as what."""

import threading

import pytest
from django.db import transaction

from crm.models import AuditEvent, User
from crm.services import accounts
from crm.tests.factories import PASSWORD, UserFactory

STRONG = "a rather long pass phrase"


@pytest.fixture
def admin(db) -> User:
    return UserFactory(admin=True)


def create(at, **said):
    return accounts.create_user(
        **{"email": "ana@clearline.example", "name": "Ana", "role": "bdr", "password": STRONG, "at": at, **said}
    )


@pytest.mark.django_db
def test_a_new_user_signs_in_with_an_address_in_lower_case_and_has_the_permissions_of_the_role(at):
    user = create(at, email=" Ana@Clearline.Example ")

    assert user.email == "ana@clearline.example"
    assert user.is_staff
    assert user.has_perm("calls.use_call_desk")
    assert not user.has_perm("crm.see_everything")
    assert user.check_password(STRONG)


@pytest.mark.django_db
@pytest.mark.parametrize(("said", "field"), [
    ({"email": "no address"}, "email"), ({"name": " "}, "name"), ({"password": "eleven-char"}, "password"),
    ({"time_zone": "Mars/Olympus"}, "time_zone"), ({"role": "king"}, "role"),
])  # fmt: skip
def test_what_cannot_be_used_is_named_and_nobody_is_let_in(at, said, field):
    with pytest.raises(accounts.UnusableAccount) as refusal:
        create(at, **said)

    assert set(refusal.value.details) == {field}
    assert not User.objects.exists()


@pytest.mark.django_db
def test_an_address_belongs_to_one_user_however_it_is_written(at):
    create(at)

    with pytest.raises(accounts.EmailTaken):
        create(at, email="ANA@clearline.example")


def test_an_edit_changes_what_it_names_and_nothing_else(admin, at):
    user = UserFactory(bdr=True, name="Rae", time_zone="America/Denver")

    accounts.edit_user(user=user, changes={"name": "Rae Rep", "role": "admin"}, by=admin, at=at)

    user = User.objects.get(pk=user.pk)
    assert (user.name, user.time_zone) == ("Rae Rep", "America/Denver")
    assert list(user.groups.values_list("name", flat=True)) == ["admin"]


def test_fields_that_are_not_for_people_are_refused(admin, at):
    with pytest.raises(accounts.UnusableAccount, match="is_superuser"):
        accounts.edit_user(user=admin, changes={"is_superuser": True}, by=admin, at=at)


def test_an_edit_cannot_take_somebody_elses_address(admin, at):
    user = UserFactory(bdr=True)

    with pytest.raises(accounts.EmailTaken):
        accounts.edit_user(user=user, changes={"email": admin.email.upper()}, by=admin, at=at)


def test_somebody_is_always_left_who_can_let_others_in(admin, at):
    with pytest.raises(accounts.LastAdmin):
        accounts.edit_user(user=admin, changes={"role": "bdr"}, by=admin, at=at)
    second = UserFactory(admin=True)
    with pytest.raises(accounts.NotYourself):
        accounts.deactivate(user=admin, by=admin, at=at)

    accounts.deactivate(user=admin, by=second, at=at)
    with pytest.raises(accounts.LastAdmin):
        accounts.edit_user(user=second, changes={"role": "bdr"}, by=second, at=at)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("topple", [
    lambda one, other, at: accounts.edit_user(user=other, changes={"role": "bdr"}, by=one, at=at),
    lambda one, other, at: accounts.deactivate(user=other, by=one, at=at),
], ids=["demote", "deactivate"])  # fmt: skip
def test_of_two_admins_who_topple_each_other_at_once_one_stays(threads, at, topple):
    for _ in range(5):
        one, other = UserFactory(admin=True), UserFactory(admin=True)
        ready = threading.Barrier(2)

        def fall(by, user, ready=ready):
            def try_it():
                with transaction.atomic():  # as a request does, where nothing is tried again after a deadlock
                    User.objects.get(pk=by.pk)
                    ready.wait(30)
                    try:
                        topple(by, user, at)
                    except accounts.LastAdmin:
                        return "stays"
                    return "fell"

            return try_it

        assert sorted(threads(fall(one, other), fall(other, one))) == ["fell", "stays"]
        assert User.objects.filter(is_active=True, groups__name="admin").count() == 1
        User.objects.filter(is_active=True).update(is_active=False)


def test_what_is_done_to_an_account_is_recorded_with_who_did_it(admin, at):
    user = create(at, by=admin)
    accounts.edit_user(user=user, changes={"role": "admin", "name": "Ana Admin"}, by=admin, at=at)
    accounts.set_password(user=user, password=STRONG + " 2", by=admin, at=at)
    accounts.deactivate(user=user, by=admin, at=at)

    events = AuditEvent.objects.filter(entity="crm.user", entity_id=user.pk).order_by("at")
    assert {event.actor for event in events} == {admin}
    assert [list(event.new) for event in events[1:]] == [
        ["roles"], ["name"], ["roles"], ["password_changed"], ["is_active"],
    ]  # fmt: skip
    assert (events[3].old, events[3].new) == ({"roles": ["bdr"]}, {"roles": ["admin"]})
    assert not any(STRONG in str((event.old, event.new)) or user.password in str(event.new) for event in events)


def test_whoever_is_deactivated_keeps_their_role_for_the_day_they_come_back(admin, at):
    user = UserFactory(bdr=True)

    accounts.deactivate(user=user, by=admin, at=at)
    out = User.objects.get(pk=user.pk).is_active
    accounts.activate(user=user, by=admin, at=at)

    back = User.objects.get(pk=user.pk)
    assert not out
    assert back.is_active
    assert back.groups.filter(name="bdr").exists()
    assert back.check_password(PASSWORD)


def test_a_weak_password_changes_nothing(admin, at):
    user = UserFactory(bdr=True)

    with pytest.raises(accounts.UnusableAccount):
        accounts.set_password(user=user, password="password12", by=admin, at=at)

    assert User.objects.get(pk=user.pk).check_password(PASSWORD)


def test_a_locked_out_user_may_try_again_at_once(admin, at, client, settings):
    settings.AXES_FAILURE_LIMIT = 2
    user = UserFactory(bdr=True)
    said = {"username": user.email, "password": "wrong"}
    for _ in range(3):
        client.post("/admin/login/", said)
    locked = client.post("/admin/login/", {**said, "password": PASSWORD}).status_code

    accounts.unlock(user=user, by=admin, at=at)

    assert locked == 429
    assert client.post("/admin/login/", {**said, "password": PASSWORD}).status_code == 302
