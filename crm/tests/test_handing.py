"""What somebody looked after does not leave every queue with them."""

from datetime import timedelta

import pytest

from config.testing.hearing import hearing
from config.tests.clients import admin as an_admin
from crm.models import AuditEvent, Contact, Project, ProjectContact, User
from crm.services import handing
from crm.services.changing import MayNotAssign
from crm.signals import OwnersChanged, owners_changed
from crm.tests.backoffice import ask, list_url, page_url, signed_in
from crm.tests.factories import ContactFactory, ProjectContactFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss() -> User:
    return UserFactory(admin=True, name="Ada Admin")


@pytest.fixture
def leaver(at) -> User:
    """Owns two contacts, one deleted besides, and a project; has promised a callback."""
    user = UserFactory(bdr=True, name="Lee Leaver")
    ContactFactory(owner=user, name="Pat Kept", edited=["title"])
    ContactFactory(owner=user, edited=["owner"])
    ContactFactory(owner=user, deleted_at=at)
    ProjectFactory(owner=user, name="Kept Tower")
    ProjectContactFactory(callback_at=at + timedelta(days=1), callback_by=user)
    ContactFactory(owner=UserFactory(bdr=True), name="Somebody Else's")
    return user


@pytest.fixture
def told():
    with hearing(owners_changed) as heard:
        yield heard


def owned(user):
    return [model.objects.filter(owner=user).count() for model in (Contact, Project)]


def test_what_somebody_looks_after_is_counted_without_what_was_deleted(leaver):
    assert str(handing.held_by(leaver.pk)) == "2 contacts, 1 project and 1 callback"
    assert str(handing.held_by(UserFactory().pk)) == "nothing"


def test_all_of_it_goes_to_a_colleague_and_no_source_takes_it_back(leaver, boss, at, told):
    heir = UserFactory(bdr=True)

    handing.hand_over(user=leaver, to=heir, by=boss, at=at)

    assert (owned(leaver), owned(heir)) == ([0, 0], [3, 1])
    assert ProjectContact.objects.get(callback_by=heir).callback_at
    assert sorted(map(sorted, Contact.objects.filter(owner=heir).values_list("edited", flat=True))) == [
        ["owner"], ["owner"], ["owner", "title"],
    ]  # fmt: skip
    assert Contact.objects.get(name="Somebody Else's").owner not in (heir, leaver)
    assert told == [OwnersChanged(leaver.pk, heir.pk)]
    changes = AuditEvent.objects.filter(operation="update", new__has_key="owner_id")
    assert {event.actor for event in changes} == {boss}
    assert changes.count() == 4


def test_given_to_nobody_it_is_everybodys(leaver, boss, at):
    rep = UserFactory(bdr=True)
    assert not Contact.objects.visible_to(rep).filter(name="Pat Kept").exists()

    handing.hand_over(user=leaver, to=None, by=boss, at=at)

    assert Contact.objects.visible_to(rep).filter(name="Pat Kept").exists()
    assert Project.objects.visible_to(rep).filter(name="Kept Tower").exists()


def test_only_an_admin_gives_away_what_is_somebodys_and_only_to_who_works_here(leaver, boss, at):
    with pytest.raises(MayNotAssign):
        handing.hand_over(user=leaver, to=None, by=leaver, at=at)
    with pytest.raises(handing.CannotBeGiven, match="does not work here"):
        handing.hand_over(user=leaver, to=UserFactory(bdr=True, is_active=False), by=boss, at=at)
    with pytest.raises(handing.CannotBeGiven, match="has it already"):
        handing.hand_over(user=leaver, to=leaver, by=boss, at=at)

    assert owned(leaver) == [3, 1]


def test_it_takes_the_same_queries_however_much_it_is(leaver, boss, at, django_assert_num_queries):
    ContactFactory.create_batch(20, owner=leaver)
    heir = UserFactory(bdr=True)
    boss.has_perm("crm.see_everything")  # read once, kept

    with django_assert_num_queries(10):
        handing.hand_over(user=leaver, to=heir, by=boss, at=at)


def test_the_back_office_says_what_a_leaver_has_and_offers_to_give_it_away(leaver, boss):
    client, heir = signed_in(boss), UserFactory(bdr=True, name="Hana Heir")
    question = client.get(f"/admin/crm/user/{leaver.pk}/do/deactivate/").content.decode()

    done = ask(client, leaver, "deactivate", hand_over_to=str(heir.pk)).content.decode()

    assert "2 contacts, 1 project and 1 callback" in question
    assert "Hana Heir" in question
    assert "still has" not in done
    assert owned(heir) == [3, 1]
    assert not User.objects.get(pk=leaver.pk).is_active


def test_without_a_choice_it_says_what_stays_with_them_and_where_to_change_it(leaver, boss):
    client = signed_in(boss)

    said = ask(client, leaver, "deactivate").content.decode()
    page = client.get(page_url(leaver)).content.decode()
    ask(client, leaver, "hand-over", hand_over_to="nobody")

    assert "Lee Leaver still has 2 contacts, 1 project and 1 callback. No other rep sees or calls them" in said
    assert "hand them over" in page
    assert f'href="{list_url("crm.contact")}?owner={leaver.pk}"' in page
    assert owned(None) == [3 + 1, 1 + 1]  # the pair's contact and project were nobody's before


def test_what_deactivated_colleagues_own_can_be_listed(leaver, boss):
    client = signed_in(boss)
    ask(client, leaver, "deactivate")

    for asked in ("left", str(leaver.pk)):
        listed = client.get(list_url("crm.contact"), {"owner": asked}).content.decode()
        assert "Pat Kept" in listed
        assert "Somebody Else" not in listed


def test_a_program_hears_what_stays_and_gives_it_away(leaver):
    admin, heir = an_admin(), UserFactory(bdr=True)
    path = f"users/{leaver.pk}/"

    _, kept = admin.send("patch", path, {"is_active": False})
    _, given = admin.send("patch", path, {"hand_over_to": str(heir.pk)})
    status, _ = admin.send("patch", path, {"hand_over_to": str(leaver.pk)})

    assert kept["owns"] == {"contacts": 2, "projects": 1, "callbacks": 1}
    assert given["owns"] == {"contacts": 0, "projects": 0, "callbacks": 0}
    assert owned(heir) == [3, 1]
    assert status == 400
