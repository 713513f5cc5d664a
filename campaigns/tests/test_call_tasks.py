"""Calls that campaigns ask for are seen by whoever may make them, with what to say, until they are made."""

import pytest

from calls.models import Disposition
from calls.signals import CallConcluded
from campaigns.models import CallTask, Campaign, ContentTemplate, Enrollment
from campaigns.services import enrolling, happenings
from campaigns.tests.drawings import drawing, node
from campaigns.tests.walks import begun, enrolled, run
from config.kernel.ids import uuid7
from config.testing import NOON
from crm.tests.backoffice import list_url, page_url, signed_in
from crm.tests.factories import ContactFactory, ProjectContactFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db
CALL = drawing(node("call", "call_task", script="opener", priority="urgent"), node("end", "exit"), "call>end")


@pytest.fixture
def task() -> CallTask:
    ContentTemplate.objects.create(key="opener", channel="call", name="Opener", body="Hello {{contact.first_name}}")
    rep = UserFactory(bdr=True)
    (walk,) = enrolled(begun(CALL, name="Spring", owner=rep), [ContactFactory(name="Alma Barford", owner=rep)])
    run(NOON)
    return CallTask.objects.get(enrollment=walk)


def test_a_call_is_found_with_what_to_say_by_whoever_sees_the_person_and_by_nobody_else(task):
    window, other = signed_in(task.contact.owner), signed_in(UserFactory(bdr=True))
    to_make = f"{list_url('campaigns.calltask')}?open=yes"
    assert "Alma Barford" in window.get(to_make).content.decode()
    assert "Alma Barford" not in other.get(to_make).content.decode()
    page = window.get(page_url(task)).content.decode()
    assert [words in page for words in ("Hello {{contact.first_name}}", "Urgent", "Spring")] == [True] * 3
    assert other.get(page_url(task)).status_code == 404


def test_the_list_of_calls_says_for_which_campaign_where_one_sees_that(task):
    window, calls = signed_in(task.contact.owner), list_url("campaigns.calltask")
    assert "Spring" in window.get(calls).content.decode()
    other = UserFactory(bdr=True)
    Campaign.objects.update(owner=other, sender=other)
    page = window.get(calls).content.decode()
    assert ("Alma Barford" in page, "Spring" in page) == (True, False)


def test_a_call_that_was_made_is_over_and_says_how_it_ended(task):
    window = signed_in(task.contact.owner)

    def found():
        asked = [f"/api/v1/call-tasks/?open={wanted}" for wanted in ("true", "false")]
        return [len(window.get(url).json()["results"]) for url in asked]

    assert found() == [1, 0]
    said = Disposition.objects.get(name="Call back")
    happenings.keep_call(CallConcluded(uuid7(), uuid7(), task.contact_id, None, said.pk, NOON))
    assert found() == [0, 1]
    assert "Call back" in window.get(page_url(task)).content.decode()
    assert "Alma Barford" not in window.get(f"{list_url('campaigns.calltask')}?open=yes").content.decode()


def test_whoever_is_to_be_called_at_once_with_others_is_called_for_their_own_part_in_the_project():
    project = ProjectFactory()
    pairs = ProjectContactFactory.create_batch(3, project=project)
    asked = enrolling.begin(campaign=begun(CALL), audience={"project": str(project.pk)}, by=None, at=NOON)
    enrolling.take(asked.pk, at=NOON)
    run(NOON)
    told = CallTask.objects.values_list("enrollment", "contact", "pair")
    assert set(told) == set(Enrollment.objects.values_list("id", "contact", "pair"))
    assert {pair for *_, pair in told} == {pair.pk for pair in pairs}
