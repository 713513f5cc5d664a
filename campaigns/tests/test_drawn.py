"""Who drew what is in the history of the campaign or template: who, when, which parts came, went and changed."""

from dataclasses import replace

import pytest

from campaigns.models import Campaign, Template
from campaigns.services import campaigns, graphs, templates
from campaigns.tests.drawings import drawing, edge, node
from config.kernel.audit import acting
from config.testing import NOON
from crm.models import AuditEvent
from crm.reports import audit
from crm.tests.backoffice import page_url, signed_in
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
FIRST = drawing(node("hello", "sms_send"), node("rest", "wait"), node("end", "exit"), "hello>rest", "rest>end")
THEN = drawing(node("hello", "sms_send", content="mail"), node("call", "call_task"), node("end", "exit"), "hello>call",
               edge("call>end"))  # fmt: skip


@pytest.fixture
def rep():
    return UserFactory(bdr=True, name="Riley Demo")


@pytest.fixture
def template(rep):
    return templates.create(name="Open house", drawing=FIRST, by=rep, at=NOON)


@pytest.fixture
def campaign(rep, template):
    graph = graphs.new(FIRST)
    return Campaign.objects.create(name="Open house", graph=graph, owner=rep)


def drawings_of(row):
    entity = type(row)._meta.label_lower
    found = audit.changes(entity=entity, entity_id=row.pk)
    return [one for one in found if any(field.field.startswith(("node", "edge", "start")) for field in one.fields)]


def said(change):
    return {field.field: (field.old_text, field.new_text) for field in change.fields}


def draw(row, drawn, by):
    if isinstance(row, Template):
        return templates.draw(row=row, drawing=drawn, revision=None, by=by, at=NOON)
    return campaigns.redraw(row=row, drawing=drawn, revision=None, by=by, at=NOON)


@pytest.mark.parametrize("which", ["template", "campaign"])
def test_what_came_went_and_changed_is_told_with_who_did_it(request, rep, which):
    row = request.getfixturevalue(which)

    with acting(ip="203.0.113.7", user_agent="Test"):
        draw(row, THEN, rep)

    (change,) = drawings_of(row)
    assert (change.by, change.ip, change.user_agent) == ("Riley Demo", "203.0.113.7", "Test")
    assert said(change) == {
        "node hello": ("config.content: hello", "config.content: mail"),
        "node rest": ("name: rest, type: wait, config.mode: duration, config.unit: days, config.amount: 2", "-"),
        "node call": ("-", "name: call, type: call_task"),
        "edge hello:next": ("target: rest", "target: call"),
        "edge rest:next": ("target: end", "-"),
        "edge call:next": ("-", "target: end"),
    }


def test_drawing_the_same_or_only_moving_says_nothing(campaign, rep):
    draw(campaign, FIRST, rep)
    draw(campaign, replace(FIRST, nodes=tuple(replace(one, x=one.x + 50) for one in FIRST.nodes)), rep)

    assert campaign.graph.nodes.filter(x__gte=50).exists()
    assert not AuditEvent.objects.filter(entity_id=campaign.pk, operation="update").exists()


def test_what_is_refused_is_not_told(campaign, template, rep):
    wrong = drawing(node("hello", "sms_send"), "hello>nowhere")
    for row in (campaign, template):
        with pytest.raises(graphs.NotDrawable):
            draw(row, wrong, rep)
        assert drawings_of(row) == []


def test_a_version_that_is_restored_is_a_drawing_too(template, rep):
    draw(template, THEN, rep)
    draw(template, FIRST, rep)

    newest, before = drawings_of(template)
    assert {name: (new, old) for name, (old, new) in said(before).items()} == said(newest)


def test_the_history_of_a_campaign_shows_it(campaign, rep):
    draw(campaign, THEN, rep)

    page = signed_in(UserFactory(admin=True)).get(page_url(campaign).replace("change/", "history/")).content.decode()
    assert "Node rest" in page
    assert "Riley Demo" in page


def test_an_audited_drawing_costs_the_same_however_much_changes(template, rep, django_assert_max_num_queries):
    costs = []
    for number in (2, 30):
        parts = [node(f"n{n}", "exit", reason=str(number)) for n in range(number)]
        with django_assert_max_num_queries(30) as queries:
            draw(template, drawing(*parts), rep)
        costs.append(len(queries))
    assert costs[0] == costs[1]
    assert AuditEvent.objects.filter(entity="campaigns.template", entity_id=template.pk, operation="update").exists()
