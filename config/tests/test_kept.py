"""Questions that are written down once: whoever asks, they answer as the QuerySet does."""

import gc
import weakref
from datetime import timedelta
from threading import Thread

import pytest
from django.db import connections

from config.kernel import kept
from config.testing import NOON
from crm.models import Contact, ProjectContact, User
from crm.tests.factories import ContactFactory, ProjectContactFactory, UserFactory

pytestmark = pytest.mark.django_db


def _seen(contacts, user, at):
    pairs = ProjectContact.objects.visible_to(user).select_related("contact", "project")
    return pairs.filter(contact__in=contacts, created_at__gt=at - timedelta(days=1)).order_by("id")


seen = kept.question(_seen)


def test_a_question_answers_as_the_queryset_does_whoever_asks_and_about_whomever(django_assert_num_queries):
    mine, boss = UserFactory(bdr=True), UserFactory(admin=True)
    pairs = [
        ProjectContactFactory(contact=ContactFactory(owner=owner, phone=f"+1512555013{place}"))
        for place, owner in enumerate([mine, None, UserFactory()])
    ]
    asked = [
        ([pairs[0].contact_id, pairs[1].contact_id, pairs[2].contact_id], user, at)
        for user in (mine, boss, UserFactory(bdr=True), User(is_active=False))
        for at in (pairs[0].created_at, pairs[1].created_at + timedelta(days=1))
    ]
    told = [seen(contacts=contacts, user=user, at=at) for contacts, user, at in asked]
    assert told == [list(_seen(*one)) for one in asked]
    assert {len(rows) for rows in told} == {0, 1, 2, 3}

    with django_assert_num_queries(1):
        again = seen(contacts=[pairs[0].contact_id], user=mine, at=pairs[0].created_at)
        assert (again[0].contact.name, again[0].project.name) == (pairs[0].contact.name, pairs[0].project.name)


def test_what_is_no_parameter_belongs_to_the_text():
    named = kept.question(lambda name, limit: Contact.objects.filter(name__contains=name).order_by("id")[:limit])
    first, second, _ = ContactFactory(name="100 % Ann"), ContactFactory(name="Ann %s"), ContactFactory(name="Bob")

    assert named(name="Ann", limit=1) == [first]
    assert named(name="Ann", limit=5) == [first, second]
    assert named(name="%", limit=5) == [first, second]
    assert named(name="%s", limit=5) == [second]


def test_values_and_annotations_come_as_the_queryset_gives_them():
    names = kept.question(lambda ids: Contact.objects.filter(pk__in=ids).values_list("name", flat=True))
    facts = kept.question(lambda ids: Contact.objects.filter(pk__in=ids).values("id", "attributes"))
    ann = ContactFactory(name="Ann", attributes={"likes": ["tea"]})

    assert names(ids=[ann.pk]) == ["Ann"]
    assert names(ids=[]) == []
    assert facts(ids=[ann.pk]) == [{"id": ann.pk, "attributes": {"likes": ["tea"]}}]


def test_two_moments_are_told_apart():
    between = kept.question(lambda since, until: Contact.objects.filter(created_at__gt=since, created_at__lte=until))
    ann = ContactFactory()
    hour = timedelta(hours=1)

    assert between(since=ann.created_at - hour, until=ann.created_at) == [ann]
    assert between(since=ann.created_at, until=ann.created_at + hour) == []
    assert between(since=NOON + hour, until=NOON) == []


def test_what_is_kept_keeps_no_connection_of_the_thread_that_asked_first():
    everybody = kept.question(Contact.objects.all)
    asked = []

    def ask():
        asked.append((everybody(), weakref.ref(connections["default"])))
        connections.close_all()

    thread = Thread(target=ask)
    thread.start(), thread.join()
    gc.collect()

    [(rows, connection)] = asked
    assert rows == everybody() == []
    assert connection() is None


@pytest.mark.parametrize(
    "build",
    [
        lambda at: Contact.objects.filter(created_at__gt=at.replace(hour=0, minute=0)),
        lambda at: Contact.objects.filter(created_at__year=at.year, name=f"{at:%H}"),
        lambda user: Contact.objects.filter(name=str(user.pk)),
        lambda ids: Contact.objects.filter(name=f"{ids[0]}"),
        lambda contact: Contact.objects.filter(name=contact.name),
        lambda ids: Contact.objects.filter(pk__in=ids).prefetch_related("points"),
    ],
)
def test_what_depends_on_more_than_can_vary_is_refused_before_it_answers_wrongly(build):
    given = {"at": NOON, "user": User(), "ids": [ContactFactory().pk], "contact": ContactFactory()}
    name = build.__code__.co_varnames[0]
    with pytest.raises(TypeError, match="cannot be kept"):
        kept.question(build)(**{name: given[name]})
