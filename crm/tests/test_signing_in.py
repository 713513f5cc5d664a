"""Whoever is signed in: known with what they may do by one statement per request, and true at that moment."""

import pytest
from django.contrib.auth.models import Permission

from config.kernel.ids import uuid7
from crm.services.signing_in import Backend
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def granted(codename):
    return Permission.objects.get(codename=codename)


def test_they_come_with_their_own_permissions_and_those_of_their_groups(django_assert_num_queries):
    rep = UserFactory(bdr=True)
    rep.user_permissions.add(granted("correct_any_call"))

    with django_assert_num_queries(1):
        known = Backend().get_user(str(rep.pk))
        assert known == rep
        assert known.has_perms(["calls.correct_any_call", "calls.use_call_desk"])
        assert not known.sees_everything
    assert known.get_all_permissions() == UserFactory._meta.model.objects.get(pk=rep.pk).get_all_permissions()


def test_what_is_taken_from_them_is_gone_with_the_next_request():
    rep = UserFactory(bdr=True)
    assert Backend().get_user(rep.pk).has_perm("calls.use_call_desk")

    rep.groups.clear()

    assert Backend().get_user(rep.pk).get_all_permissions() == set()


def test_a_superuser_may_do_everything_and_whoever_left_or_never_was_is_nobody():
    assert Backend().get_user(UserFactory(is_superuser=True).pk).get_all_permissions() >= {"crm.see_everything"}
    assert [Backend().get_user(key) for key in (UserFactory(is_active=False).pk, uuid7(), "?")] == [None, None, None]
