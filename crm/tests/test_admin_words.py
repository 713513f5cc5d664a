"""Pages say things as people do: no ids, no JSON, no code names, and nobody's name to who may not see them."""

import re
from html import unescape
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils.text import capfirst

from config.kernel.audit import acting
from config.kernel.ids import uuid7
from config.testing import NOON
from crm.models import AuditEvent, GateDecision
from crm.services import editing
from crm.tests.backoffice import list_url, page_url, signed_in
from crm.tests.factories import (
    ContactFactory,
    EndpointFactory,
    HoursProfileFactory,
    ProjectContactFactory,
    ProjectFactory,
    ReviewItemFactory,
    SourceRecordFactory,
    SuppressionFactory,
    TouchFactory,
    UserFactory,
    give_point,
)

pytestmark = pytest.mark.django_db
ID = re.compile(r">[^<]*[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.fixture
def boss() -> Client:
    return signed_in(UserFactory(admin=True, name="Ada Admin"))


def read(client: Client, row: Any) -> str:
    return client.get(page_url(row), follow=True).content.decode()


def test_what_a_source_said_is_read_in_words(boss):
    raw = {
        "phones": [["(512) 555-0111", "+15125550111", "", "mobile_or_landline", "work"]],
        "company": {"name": "Applehurst Plumbing"},
        "emails": [],
        "listed_key": "ada marsh",
    }
    said = read(boss, SourceRecordFactory(key="A|1", contact=ContactFactory(name="Ada Marsh"), raw=raw))

    assert "(512) 555-0111, +15125550111, mobile or landline, work" in said
    assert "Company name" in said
    assert "Listed key" in said
    assert "{&quot;" not in said
    assert "[&#x27;" not in said


def test_a_change_names_the_row_that_was_changed(boss):
    person = ContactFactory(name="Ada Marsh")
    editing.edit(row=person, changes={"title": "Owner"}, by=UserFactory(admin=True), at=NOON)
    said = read(boss, AuditEvent.objects.filter(entity_id=person.pk).latest("pk"))

    assert "Ada Marsh" in said
    assert not ID.search(said)


def test_what_an_account_may_do_is_said_as_people_say_it(boss):
    said, of_admin = read(boss, UserFactory(bdr=True)), read(boss, UserFactory(admin=True))

    assert ">See, add and change<" in said
    assert "campaigns, companies, contact points, contacts, contents, messages, people in campaigns" in said
    assert "use call desk" in said
    assert "crm.view" not in said
    assert "Everything that anybody may do here." in of_admin


def test_places_are_cities_with_their_law(boss):
    profile = HoursProfileFactory(key="America/Boise US-ID|America/New_York US")

    listed = boss.get(list_url("crm.hoursprofile")).content.decode()

    assert "Boise (US-ID), New York (US)" in listed
    assert "Boise (US-ID)" in read(boss, profile)
    assert "data-toolbar" not in listed  # there is nothing to ask of this list


def test_a_review_names_only_those_whom_one_may_see():
    rep, other = UserFactory(bdr=True), UserFactory(bdr=True)
    mine, theirs = ContactFactory(name="Mine Marsh", owner=rep), ContactFactory(name="Theirs Marsh", owner=other)
    ReviewItemFactory(contact=mine, other=theirs)

    seen = [signed_in(user).get(list_url("crm.reviewitem")).content.decode() for user in (rep, UserFactory(admin=True))]

    assert ["Theirs Marsh" in text for text in seen] == [False, True]


def test_a_thing_has_one_word_in_sidebar_heading_breadcrumbs_and_title(boss):
    items = [item for group in settings.UNFOLD["SIDEBAR"]["navigation"] for item in group["items"] if "model" in item]
    for item in items:
        app, name = item["model"].split(".")
        url = reverse(f"admin:{app}_{name}_changelist") + item["asks"]

        said = boss.get(url).content.decode()

        assert _title(said) == f"{item['title']} | Clearline", url
        assert item["title"] in _crumbs(said), url
        if not item["asks"]:
            words = apps.get_model(item["model"])._meta.verbose_name_plural
            assert item["title"] == capfirst(words), url


def test_a_page_is_called_by_its_heading_and_never_by_a_key(boss):
    touch = TouchFactory(
        contact=ContactFactory(name="Pat Sample"), endpoint=EndpointFactory(value="+15125550134"), at=NOON
    )
    refused = GateDecision.objects.create(
        id=uuid7(), at=NOON, action="lease", channel="call", contact=touch.contact, allowed=False, codes=["cooldown"]
    )
    rows = {
        touch: ["Calls", "Touches", "Call to Pat Sample"],
        ProjectFactory(name="Hill Clinic"): ["Projects", "Hill Clinic"],
        touch.endpoint: ["People", "Numbers and e-mails", "(512) 555-0134"],
        EndpointFactory(kind="email", value="pat@example.com"): ["People", "Numbers and e-mails", "pat@example.com"],
        refused: ["Rules", "Gate decisions", "Lease refused for Pat Sample"],
    }  # fmt: skip
    for row, crumbs in rows.items():
        said = boss.get(page_url(row)).content.decode()

        assert _crumbs(said) == crumbs
        assert _title(said) == f"{crumbs[-1]} | Clearline"


def test_forms_are_called_by_what_they_write(boss):
    person = ContactFactory(name="Pat Sample")
    edited, new = (
        boss.get(url).content.decode() for url in (f"{page_url(person)}?tab=edit", "/admin/crm/contact/add/")
    )

    assert (_title(edited), _crumbs(edited)) == ("Pat Sample | Clearline", ["People", "Contacts", "Pat Sample"])
    assert (_title(new), _crumbs(new)) == ("New contact | Clearline", ["People", "Contacts", "New contact"])


def test_a_question_stands_below_the_page_that_it_is_about(boss):
    person = ContactFactory(name="Pat Sample")

    said = boss.get(f"/admin/crm/contact/{person.pk}/do/suppress/").content.decode()

    assert _crumbs(said) == ["People", "Contacts", "Pat Sample", "Suppress"]


def _crumbs(page):
    (heading,) = re.findall(r"<h1 .*?</h1>", page, re.DOTALL)
    return [unescape(words) for words in re.findall(r'truncate tracking-tight">(.*?)</', heading)]


def _title(page):
    (said,) = re.findall(r"<title>(.*?)</title>", page, re.DOTALL)
    return unescape(said.strip())


@pytest.mark.parametrize("label", ["crm.suppression", "crm.touch", "crm.endpoint"])
def test_lists_write_numbers_as_people_do_and_name_whose_they_are_to_who_may_know(boss, label):
    rep = UserFactory(bdr=True)
    hidden, mine = ContactFactory(name="Pat Sample", owner=UserFactory(bdr=True)), ContactFactory(owner=rep)
    line = EndpointFactory(value="+15125550134", owner=hidden)
    give_point(mine, "phone", line.value)
    SuppressionFactory(endpoint=line, at=NOON)
    for person in (hidden, mine):
        TouchFactory(contact=person, endpoint=line, at=NOON)

    seen, told = (client.get(list_url(label)).content.decode() for client in (signed_in(rep), boss))

    for page in (seen, told):
        assert "(512) 555-0134" in page
        assert ">+15125550134<" not in page
    assert "Pat Sample" in told
    assert "Pat Sample" not in seen


def test_a_timeline_says_what_came_in_words_and_not_by_which_key(boss):
    person = ContactFactory(name="Pat Sample")
    with acting(service="intake", bulk=True):
        point = give_point(person, "phone", "+15125550134", label="work")
        pair = ProjectContactFactory(contact=person, project=ProjectFactory(name="Hill Clinic"), roles=["folder_owner"])
    SourceRecordFactory(contact=person, source="permits", key="2014|folder_owner|phone:+15125550134")

    said = " ".join(boss.get(page_url(person)).content.decode().split())

    assert f"intake: permits · {point.value_given} · work · Phone</p>" in said
    assert f"intake: permits · {pair.project} · folder owner</p>" in said
    assert "2014|folder_owner" not in said
    assert "Callable from" not in said
