"""Templates over HTTP: drawn, refused with the node at fault, published, compared, restored, taken to a spreadsheet."""

from typing import Any

import pytest

from campaigns.models import ContentTemplate, TemplateVersion
from campaigns.tests.factories import CampaignFactory
from config.tests.clients import Caller
from config.tests.clients import admin as an_admin
from config.tests.clients import rep as a_rep
from crm.tests.factories import ContactFactory, UserFactory

pytestmark = pytest.mark.django_db

NODES = [
    {"key": "hello", "type": "sms_send", "config": {"content": "hello"}},
    {"key": "end", "type": "exit", "config": {"reason": "done"}},
]
EDGES = [{"source": "hello", "target": "end"}]


@pytest.fixture
def caller() -> Caller:
    return a_rep()


@pytest.fixture
def template(caller: Caller) -> Any:
    caller.send(
        "post", "contents/", {"key": "hello", "channel": "sms", "name": "Hello", "body": "Hi {{contact.name|you}}"}
    )
    status, said = caller.send("post", "templates/", {"name": "Invitation", "graph": {"nodes": NODES, "edges": EDGES}})
    assert status == 201, said
    return said


def graph(caller: Caller, template: Any) -> Any:
    return caller.send("get", f"graphs/{template['draft']}/")[1]


def test_a_template_is_drawn_published_and_restored(caller, template):
    _, version = caller.send("post", f"templates/{template['id']}/publish/", {"note": "First"})
    drawn = {"revision": 0, "nodes": NODES[:1]}
    status, said = caller.send("patch", f"graphs/{template['draft']}/", drawn)
    assert (status, said["revision"], [each["key"] for each in said["nodes"]]) == (200, 1, ["hello"])
    _, again = caller.send("get", f"templates/{template['id']}/")
    assert (again["status"], again["revision"], again["published_revision"]) == ("published", 1, 0)

    status, found = caller.send("post", f"graphs/{version['graph']}/compare/", {"to": template["draft"]})
    assert {(each["kind"], each["what"], each["key"]) for each in found} == {
        ("removed", "node", "end"),
        ("removed", "edge", "hello:next"),
    }
    assert [len(caller.send("get", f"template-versions/?number={n}")[1]["results"]) for n in (1, 2)] == [1, 0]
    assert caller.send("get", "template-versions/?number=1.5")[0] == 400
    restore = f"template-versions/{version['id']}/restore/"
    assert caller.send("post", restore, {})[1]["details"][0]["field"] == "revision"
    status, said = caller.send("post", restore, {"revision": 0})
    assert (status, said["error_code"]) == (409, "drawn_meanwhile")
    assert [each["key"] for each in graph(caller, template)["nodes"]] == ["hello"]
    assert caller.send("post", restore, {"revision": 1})[0] == 200
    assert [each["key"] for each in graph(caller, template)["nodes"]] == ["hello", "end"]


def test_a_graph_says_what_is_wrong_with_it_and_is_not_published(caller, template):
    wrong = {"revision": 0, "nodes": [{"key": "hello", "type": "sms_send", "config": {"content": "gone"}}]}
    _, said = caller.send("patch", f"graphs/{template['draft']}/", wrong)
    assert said["faults"] == [
        {"code": "no_content", "message": "There is no content 'gone'.", "node": "hello", "field": "content"}
    ]
    status, refused = caller.send("post", f"templates/{template['id']}/publish/", {})
    assert (status, refused["error_code"]) == (400, "graph_has_faults")
    assert refused["details"][0]["field"] == "hello.content"


def test_two_who_draw_at_once(caller, template):
    caller.send("patch", f"graphs/{template['draft']}/", {"revision": 0, "nodes": NODES[:1]})
    status, said = caller.send("patch", f"graphs/{template['draft']}/", {"revision": 0, "nodes": NODES})
    assert (status, said["error_code"]) == (409, "drawn_meanwhile")


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"nodes": NODES}, "invalid", "revision"),
        ({"revision": 0}, "invalid", "nodes"),
        ({"revision": 0, "nodes": [{"key": "a"}]}, "invalid", "nodes.0.type"),
        ({"revision": 0, "nodes": [{"key": "a", "type": "exit", "color": "red"}]}, "invalid", "nodes.0.color"),
        ({"revision": 0, "nodes": [*NODES, NODES[0]]}, "not_drawable", "nodes.hello"),
        ({"revision": 0, "nodes": NODES, "edges": [{"source": "a", "target": "end"}]}, "not_drawable", "edges.a.next"),
    ],
)
def test_what_is_no_graph_is_refused_by_field(caller, template, body, code, field):
    status, said = caller.send("patch", f"graphs/{template['draft']}/", body)
    assert (status, said["error_code"]) == (400, code)
    assert field in {detail["field"] for detail in said["details"]}
    assert graph(caller, template)["revision"] == 0


def test_a_published_graph_is_not_drawn_on(caller, template):
    _, version = caller.send("post", f"templates/{template['id']}/publish/", {})
    status, said = caller.send("patch", f"graphs/{version['graph']}/", {"revision": 0, "nodes": NODES[:1]})
    assert (status, said["error_code"]) == (409, "graph_frozen")


def test_a_graph_goes_to_a_spreadsheet_and_back(caller, template):
    answer = caller.get(f"/api/v1/graphs/{template['draft']}/export-csv/")
    text = answer.content.decode()
    assert answer["Content-Type"].startswith("text/csv")
    assert "hello,sms_send" in text
    changed = text.replace('""reason"":""done""', '""reason"":""over""')
    assert changed != text
    status, said = caller.send("post", f"graphs/{template['draft']}/import-csv/", {"revision": 0, "csv": changed})
    assert (status, said["nodes"][1]["config"]) == (200, {"reason": "over"})
    status, said = caller.send("post", f"graphs/{template['draft']}/import-csv/", {"revision": 1, "csv": "a,b\n1,2\n"})
    assert (status, said["error_code"]) == (400, "unreadable_graph")


def test_a_graph_goes_to_another_system_as_it_is(caller, template):
    sent = caller.get(f"/api/v1/graphs/{template['draft']}/export-json/").json()
    status, copy = caller.send("post", "templates/", {"name": "Elsewhere", "graph": sent})
    assert status == 201, copy
    assert caller.send("post", f"graphs/{template['draft']}/compare/", {"to": copy["draft"]}) == (200, [])


def test_white_space_around_a_key_or_a_name_is_part_of_it_wherever_it_goes(caller, template):
    nodes = [{"key": " a", "type": "exit", "name": "The end "}]
    copy = caller.send("post", "templates/", {"name": "Elsewhere", "graph": {"start": " a", "nodes": nodes}})[1]
    sent = caller.get(f"/api/v1/graphs/{copy['draft']}/export-json/").json()
    assert (sent["start"], sent["nodes"][0]["key"], sent["nodes"][0]["name"]) == (" a", " a", "The end ")
    text = caller.get(f"/api/v1/graphs/{copy['draft']}/export-csv/").content.decode()
    caller.send("post", f"graphs/{template['draft']}/import-csv/", {"revision": 0, "csv": text})
    assert caller.send("post", f"graphs/{template['draft']}/compare/", {"to": copy["draft"]}) == (200, [])


def test_a_name_is_taken_once(caller, template):
    status, said = caller.send("post", "templates/", {"name": "invitation"})
    assert (status, said["error_code"]) == (409, "already_exists"), said
    assert caller.send("post", f"templates/{template['id']}/clone/", {"name": "Invitation 2"})[0] == 201


def test_a_preview_shows_what_a_contact_would_get(caller, template):
    content = ContentTemplate.objects.get(key="hello")
    ada = ContactFactory(first_name="Ada", last_name="Byron", name="Ada Byron", owner=caller.user)
    status, said = caller.send("post", f"contents/{content.pk}/preview/", {"contact": str(ada.pk)})
    assert (status, said["body"], said["missing"]) == (200, "Hi Ada Byron", [])
    assert said["sms"] == {"encoding": "GSM-7", "units": 12, "segments": 1, "odd_characters": []}
    ContentTemplate.objects.filter(pk=content.pk).update(
        body="{{project.name}} {{contact.title}} {{event.place|the hall}}"
    )
    said = caller.send("post", f"contents/{content.pk}/preview/", {"contact": str(ada.pk)})[1]
    assert (said["missing"], said["later"]) == (["contact.title"], ["project.name"])
    ContentTemplate.objects.filter(pk=content.pk).update(body="Yours, {{owner.name}}")
    nobodys = str(ContactFactory(owner=None).pk)
    for campaign, told in [(None, ([], ["owner.name"])), (CampaignFactory(owner=None), (["owner.name"], []))]:
        asked = {"contact": nobodys, **({"campaign": str(campaign.pk)} if campaign else {})}
        said = caller.send("post", f"contents/{content.pk}/preview/", asked)[1]
        assert (said["missing"], said["later"]) == told
    ContentTemplate.objects.filter(pk=content.pk).update(body="In {{event.place|the hall}}")
    campaign = CampaignFactory(event_place="Hill Hall")
    asked = {"contact": str(ada.pk), "campaign": str(campaign.pk)}
    assert caller.send("post", f"contents/{content.pk}/preview/", asked)[1]["body"] == "In Hill Hall"
    hidden = ContactFactory(owner=UserFactory(bdr=True))
    assert caller.send("post", f"contents/{content.pk}/preview/", {"contact": str(hidden.pk)})[0] == 400


def test_only_an_admin_archives_a_content_or_changes_the_statuses(caller, template):
    content = ContentTemplate.objects.get(key="hello")
    assert caller.send("post", f"contents/{content.pk}/archive/", {})[0] == 403
    assert caller.send("post", "enrollment-statuses/", {"name": "Won"})[0] == 403
    boss = an_admin()
    assert boss.send("post", f"contents/{content.pk}/archive/", {})[0] == 200
    assert boss.send("post", "enrollment-statuses/", {"name": "Won", "place": 90})[0] == 201
    assert graph(caller, template)["faults"][0]["code"] == "no_content"
    assert not TemplateVersion.objects.exists()


def test_a_number_that_could_not_be_written_again_is_refused_of_a_graph_and_of_a_template(caller, template):
    """The database gives the number back as a whole one with three hundred digits."""
    question = {"fact": "contact.lead_score", "is": "least", "value": 1e300}
    drawn = {"nodes": NODES, "edges": [{**EDGES[0], "condition": question}]}
    revision = graph(caller, template)["revision"]
    for answer in (
        caller.send("patch", f"graphs/{template['draft']}/", {**drawn, "revision": revision}),
        caller.send("post", "templates/", {"name": "Another", "graph": drawn}),
    ):
        assert (answer[0], answer[1]["error_code"]) == (400, "unreadable_graph")
        assert "edges[0]: 'condition' holds a number" in answer[1]["error"]
    assert caller.get(f"/api/v1/graphs/{template['draft']}/export-json/").status_code == 200
