from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, transaction

from campaigns.choices import TemplateStatus
from campaigns.models import Edge, EnrollmentStatus, Graph, Node, Template
from campaigns.rules.drawings import Drawing
from campaigns.services import contents, graphs, templates
from campaigns.tests.drawings import drawing, edge, node
from crm.models import AuditEvent
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
DRAWN = drawing(node("hello", "sms_send"), node("reply", "wait_for"), node("end", "exit"),
                "hello>reply", "reply:happened>end", "reply:timeout>end")  # fmt: skip
SHORTER = drawing(node("hello", "sms_send"))


@pytest.fixture
def words() -> None:
    contents.put(key="hello", channel="sms", name="Hello", body="Hello {{contact.first_name|there}}", at=AT)
    EnrollmentStatus.objects.get_or_create(name="Needs BDR", defaults={"place": 1})


@pytest.fixture
def template(words: None) -> Template:
    return templates.create(name="Invitation", drawing=DRAWN, by=None, at=AT)


def draft(row: Template) -> Drawing:
    row.refresh_from_db()
    return graphs.drawing_of(row.draft)


def test_a_drawing_is_kept_as_it_was_drawn(template: Template) -> None:
    assert draft(template).is_same(DRAWN)
    assert [each.key for each in draft(template).nodes] == ["hello", "reply", "end"]


def test_two_who_draw_at_once_notice_each_other(template: Template) -> None:
    templates.draw(row=template, drawing=SHORTER, revision=0, by=None, at=AT)
    with pytest.raises(graphs.DrawnMeanwhile, match="revision 1, yours is 0"):
        templates.draw(row=template, drawing=DRAWN, revision=0, by=None, at=AT)
    assert draft(template).is_same(SHORTER)


def test_drawing_the_same_again_is_no_change(template: Template) -> None:
    turned = Drawing(DRAWN.start, DRAWN.nodes[::-1], DRAWN.edges[::-1])
    assert templates.draw(row=template, drawing=turned, revision=0, by=None, at=AT).draft.revision == 0


@pytest.mark.parametrize(
    ("drawn", "where"),
    [
        (drawing(node("a", "exit"), node("a", "wait")), "nodes.a"),
        (drawing(node("a" * 81, "exit")), "nodes." + "a" * 80),
        (drawing(node("a", "exit", reason="\0")), "nodes.a"),
        (drawing(node("a", "exit", reason="\ud800")), "nodes.a"),
        (replace(drawing(node("a", "exit")), on_reply="b" * 81), "on_reply"),
        (replace(drawing(node("a", "exit")), start="\x01"), "start"),
        (drawing(node("a", "wait"), "a>b"), "edges.a.next"),
        (drawing(node("a", "wait"), "a>a", "a>a"), "edges.a.next"),
        (drawing(node("a", "wait"), edge("a:" + "x" * 81 + ">a")), "edges.a." + "x" * 81),
    ],
)
def test_what_is_no_graph_at_all_is_refused_with_its_place(template: Template, drawn: Drawing, where: str) -> None:
    with pytest.raises(graphs.NotDrawable) as refused:
        templates.draw(row=template, drawing=drawn, revision=None, by=None, at=AT)
    assert where in refused.value.details
    assert draft(template).is_same(DRAWN)


def test_a_draft_may_have_faults_and_a_version_may_not(template: Template) -> None:
    templates.draw(row=template, drawing=drawing(node("hello", "sms_send", content="gone")), revision=0, by=None, at=AT)
    assert [(fault.code, fault.node) for fault in templates.faults_of(template)] == [("no_content", "hello")]
    with pytest.raises(templates.HasFaults) as refused:
        templates.publish(row=template, by=None, at=AT)
    assert refused.value.details == {"hello.content": "There is no content 'gone'."}
    assert not template.versions.exists()


def test_versions_count_up_and_stay_what_they_were(template: Template) -> None:
    first = templates.publish(row=template, by=None, at=AT)
    templates.draw(row=template, drawing=SHORTER, revision=None, by=None, at=AT)
    second = templates.publish(row=template, by=None, at=AT, note="Shorter")
    template.refresh_from_db()
    assert (first.number, second.number, template.status) == (1, 2, TemplateStatus.PUBLISHED)
    assert graphs.drawing_of(first.graph).is_same(DRAWN)
    told = {(each.kind, each.what, each.key) for each in templates.differences(first.graph, second.graph)}
    assert told == {
        ("removed", "node", "reply"), ("removed", "node", "end"), ("removed", "edge", "hello:next"),
        ("removed", "edge", "reply:happened"), ("removed", "edge", "reply:timeout"),
    }  # fmt: skip


def test_nothing_new_is_not_published(template: Template) -> None:
    templates.publish(row=template, by=None, at=AT)
    moved = Drawing(DRAWN.start, tuple(type(each)(**{**each.__dict__, "x": 40.0}) for each in DRAWN.nodes), DRAWN.edges)
    templates.draw(row=template, drawing=moved, revision=None, by=None, at=AT)
    with pytest.raises(templates.NothingNew):
        templates.publish(row=template, by=None, at=AT)


def test_an_earlier_version_comes_back_as_the_draft(template: Template) -> None:
    first = templates.publish(row=template, by=None, at=AT)
    templates.draw(row=template, drawing=SHORTER, revision=None, by=None, at=AT)
    templates.restore(version=first, revision=None, by=None, at=AT)
    assert draft(template).is_same(DRAWN)


@pytest.mark.parametrize(
    "change",
    [
        lambda graph: Graph.objects.filter(pk=graph.pk).update(start="x"),
        lambda graph: Graph.objects.filter(pk=graph.pk)._raw_delete("default"),
        lambda graph: Node.objects.filter(graph=graph).update(name="x"),
        lambda graph: Node.objects.filter(graph=graph).delete(),
        lambda graph: Edge.objects.filter(graph=graph).update(label="x"),
        lambda graph: Edge.objects.filter(graph=graph).delete(),
        lambda graph: Node.objects.create(graph=graph, key="x", type="exit"),
        lambda graph: Edge.objects.create(
            graph=graph, source=graph.nodes.first(), target=graph.nodes.first(), label="x"
        ),
    ],
)
def test_the_database_itself_keeps_what_was_published(template: Template, change: Callable[[Graph], object]) -> None:
    graph = templates.publish(row=template, by=None, at=AT).graph
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        change(graph)
    assert graphs.drawing_of(Graph.objects.get(pk=graph.pk)).is_same(DRAWN)


def test_a_node_cannot_move_into_a_published_graph(template: Template) -> None:
    graph = templates.publish(row=template, by=None, at=AT).graph
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        Node.objects.filter(graph=template.draft).update(graph=graph)


def test_an_edge_joins_nodes_of_its_own_graph(template: Template) -> None:
    other = graphs.new(SHORTER)
    with pytest.raises(DatabaseError, match="of its own graph"), transaction.atomic():
        Edge.objects.create(graph=other, source=other.nodes.get(), target=template.draft.nodes.get(key="end"))


def test_a_clone_begins_as_a_draft_of_its_own(template: Template) -> None:
    templates.publish(row=template, by=None, at=AT)
    copy = templates.clone(row=template, name="Invitation 2", by=None, at=AT)
    templates.draw(row=copy, drawing=SHORTER, revision=None, by=None, at=AT)
    assert copy.status == TemplateStatus.DRAFT
    assert draft(template).is_same(DRAWN)


def test_names_are_taken_whatever_their_case(template: Template) -> None:
    with pytest.raises(templates.NameTaken):
        templates.clone(row=template, name="INVITATION", by=None, at=AT)


def test_whoever_restores_over_what_was_drawn_since_is_told_what_that_would_lose(template: Template) -> None:
    version = templates.publish(row=template, by=None, at=AT)
    templates.draw(row=template, drawing=SHORTER, revision=None, by=None, at=AT)
    with pytest.raises(graphs.DrawnMeanwhile, match="Look at what they have drawn, and if it may go") as refusal:
        templates.restore(version=version, revision=0, by=None, at=AT)
    now = refusal.value.facts["revision"]
    assert templates.restore(version=version, revision=now, by=None, at=AT).draft.revision == now + 1


def test_an_archived_template_is_not_drawn_on(template: Template) -> None:
    templates.archive(row=template, by=None, at=AT)
    with pytest.raises(templates.IsArchived):
        templates.draw(row=template, drawing=SHORTER, revision=None, by=None, at=AT)
    assert templates.bring_back(row=template, by=None, at=AT).status == TemplateStatus.DRAFT


def test_who_renamed_it_stands_in_the_history(template: Template) -> None:
    admin = UserFactory(admin=True)
    templates.edit(row=template, changes={"name": "Invited"}, by=admin, at=AT)
    event = AuditEvent.objects.filter(entity="campaigns.template", operation="update").latest("id")
    assert (event.actor_id, event.old["name"], event.new["name"]) == (admin.pk, "Invitation", "Invited")
