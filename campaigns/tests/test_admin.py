"""The back office of campaigns: lists, pages with the picture of a graph, verbs that call services."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client

from campaigns.models import ContentTemplate, EnrollmentStatus, Template, TemplateVersion
from campaigns.services import demo, graphs, templates
from campaigns.tests.drawings import drawing, node
from campaigns.tests.scenes import a_campaign
from crm.tests.backoffice import ask, form_of, list_url, model, page_url, signed_in
from crm.tests.factories import UserFactory

LABELS = sorted(model._meta.label_lower for model in admin.site._registry if model._meta.app_label == "campaigns")
AT = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)


@pytest.fixture
def boss(db: Any) -> Client:
    return signed_in(UserFactory(admin=True))


@pytest.fixture
def template(db: Any) -> Template:
    demo.install(at=AT)
    return Template.objects.get(name="Call first")


def test_every_list_and_page_opens_empty_and_filled(boss, subtests):
    for label in LABELS:
        with subtests.test(label):
            assert boss.get(list_url(label)).status_code == 200
    a_campaign(people=9)
    for label in LABELS:
        with subtests.test(label):
            assert boss.get(list_url(label)).status_code == 200
            for row in one_of_each(model(label)._default_manager.all()):
                assert boss.get(page_url(row)).status_code == 200


def one_of_each(rows: Iterable[Model]) -> Iterable[Model]:
    """A row of each sort: what may make a difference to its page."""
    sorts = ("state", "status", "channel", "direction", "type", "kind", "source", "blocked_by", "anomaly")
    return {tuple(getattr(row, name, None) for name in sorts): row for row in rows}.values()


def test_a_list_of_templates_costs_the_same_queries_however_many_there_are(boss, django_assert_max_num_queries):
    costs = []
    for number in (3, 20):
        for index in range(number):
            templates.create(name=f"Template {number} {index}", by=None, at=AT)
        with django_assert_max_num_queries(30) as queries:
            boss.get(list_url("campaigns.template"))
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_a_page_shows_the_graph_and_what_is_wrong_with_it(boss, template):
    wrong = drawing(node("first", "sms_send", content="gone"), node("lost", "exit"), start="first")
    templates.draw(row=template, drawing=wrong, revision=None, by=None, at=AT)
    page = boss.get(page_url(template)).content.decode()
    assert "There is no content &#x27;gone&#x27;." in page
    assert "Nobody ever comes here" in page
    assert page.count("cl-faulty") == 2
    assert "Unpublished changes" in page


def test_a_version_says_what_is_new_since_the_one_before(boss, template):
    templates.draw(row=template, drawing=drawing(node("over", "exit", reason="Tired")), revision=None, by=None, at=AT)
    ask(boss, template, "publish", note="Nobody is called")
    version = TemplateVersion.objects.get(template=template, number=2)
    page = boss.get(page_url(version)).content.decode()
    assert "New since v1" in page
    assert "Nobody is called" in page
    ask(boss, template.versions.get(number=1), "restore")
    template.refresh_from_db()
    assert graphs.drawing_of(template.draft).is_same(graphs.drawing_of(template.versions.get(number=1).graph))


def test_what_a_colleague_drew_since_the_question_was_asked_is_not_overwritten(boss, template):
    version = template.versions.get(number=1)
    asked = f"{page_url(version).removesuffix('change/')}do/restore/"
    revision = boss.get(asked).context["form"]["revision"].value()
    drawn = drawing(node("over", "exit", reason="Tired"))
    templates.draw(row=template, drawing=drawn, revision=None, by=None, at=AT)
    answer = boss.post(asked, {"revision": revision}, follow=True)
    assert "Somebody has drawn on the draft since you read it" in answer.content.decode()
    assert "This field is required" in boss.post(asked, {}).content.decode()
    template.refresh_from_db()
    assert graphs.drawing_of(template.draft).is_same(drawn)


def test_what_cannot_be_published_says_why(boss, template):
    templates.draw(row=template, drawing=drawing(node("a", "sms_send", content="gone")), revision=None, by=None, at=AT)
    answer = ask(boss, template, "publish", note="")
    assert "The graph has 1 fault: mend them first." in answer.content.decode()
    assert template.versions.count() == 1


def test_a_template_is_copied_archived_and_brought_back(boss, template):
    ask(boss, template, "clone", name="Call first, again")
    assert Template.objects.filter(name="Call first, again").exists()
    ask(boss, template, "archive")
    template.refresh_from_db()
    assert template.status == "archived"
    ask(boss, template, "bring_back")
    template.refresh_from_db()
    assert template.status == "published"


def test_a_content_is_written_in_the_back_office(boss):
    new = {"key": "hello", "name": "Hello", "channel": "sms", "subject": "", "body": "Hi {{contact.first_name|there}}"}
    answer = boss.post("/admin/campaigns/contenttemplate/add/", new, follow=True)
    row = ContentTemplate.objects.get()
    assert "1 segment, GSM-7" in answer.content.decode()
    changed = {**form_of(boss, f"{page_url(row)}?tab=edit"), "body": "Hi {{contact.shoe}}"}
    answer = boss.post(page_url(row), changed)
    assert "It asks for contact.shoe, which nobody knows." in answer.content.decode()
    boss.post(page_url(row), {**changed, "body": "Hello"})
    row.refresh_from_db()
    assert (row.key, row.body) == ("hello", "Hello")


def test_a_rep_draws_and_writes_but_archives_no_content_and_changes_no_status(template):
    rep = signed_in(UserFactory(bdr=True))
    content, status = ContentTemplate.objects.first(), EnrollmentStatus.objects.first()
    assert rep.get(page_url(template)).status_code == 200
    ask(rep, template, "clone", name="Mine")
    assert Template.objects.filter(name="Mine").exists()
    assert rep.get(f"/admin/campaigns/contenttemplate/{content.pk}/do/archive/").status_code in {403, 404}
    assert rep.post(page_url(status), {"name": "Other", "place": "1"}).status_code == 403
