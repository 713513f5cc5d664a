"""Whom an enrolment names: what nobody knows or the asker does not see is refused by field; what is empty is not."""

import pytest

from campaigns.admin import campaign_page
from campaigns.models import Campaign, EnrollmentRun
from campaigns.services import audiences, enrolling
from campaigns.services.audiences import UnusableAudience
from campaigns.tests.drawings import drawing, node
from campaigns.tests.walks import begun
from config.kernel.ids import uuid7
from config.testing import NOON
from config.tests.clients import rep
from crm.models import IntakeRun
from crm.tests.factories import CompanyFactory, ProjectFactory, UserFactory
from crm.tests.intaking import somebody, take

pytestmark = pytest.mark.django_db
KNOWN = {"owner": UserFactory, "company": CompanyFactory, "project": ProjectFactory}


@pytest.fixture
def caller():
    return rep()


@pytest.fixture
def campaign(caller) -> Campaign:
    return begun(drawing(node("end", "exit")), owner=caller.user)


def enrol(caller, campaign, **told):
    return caller.send("post", f"campaigns/{campaign.pk}/enroll/", told)


@pytest.mark.parametrize("name", KNOWN)
def test_a_filter_that_names_what_nobody_knows_is_refused_by_field(caller, campaign, name):
    status, said = enrol(caller, campaign, filter={name: str(uuid7()), "has_phone": True})
    assert (status, said["error_code"], said["error"]) == (
        400, "unusable_audience", f"Nobody can be meant: unknown {name}.",
    )  # fmt: skip
    (detail,) = said["details"]
    assert detail["field"] == f"filter.{name}"
    assert detail["message"].startswith(f"There is no such {name}, or none that you may see: give the id of another")
    assert not EnrollmentRun.objects.exists()


def test_everything_that_is_unknown_is_named(caller, campaign):
    _, said = enrol(caller, campaign, filter={name: str(uuid7()) for name in KNOWN})
    assert {detail["field"] for detail in said["details"]} == {f"filter.{name}" for name in KNOWN}


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_known_and_has_nobody_is_nobody(caller, campaign, name):
    status, said = enrol(caller, campaign, filter={name: str(KNOWN[name]().pk)})
    assert status == 202, said
    enrolling.take(said["id"], at=NOON)
    run = EnrollmentRun.objects.get()
    assert (run.state, run.asked) == ("done", 0)


def test_what_somebody_else_owns_is_as_unknown_as_what_does_not_exist(caller, campaign):
    theirs, nobodys = (str(ProjectFactory(owner=owner).pk) for owner in (UserFactory(bdr=True), None))
    assert enrol(caller, campaign, filter={"project": theirs})[0] == 400
    assert enrol(caller, campaign, project=theirs)[0] == 400
    assert enrol(caller, campaign, filter={"project": nobodys})[0] == 202


def test_an_intake_means_everybody_in_it_whether_it_said_anything_new_and_whatever_others_said_later():
    """Ada changes in the second one, Bo stays as he is, Cy is new in it; a third one says it all again, twice."""
    ada, bo, cy = (somebody(name, contact_id=name) for name in ("Ada Example", "Bo Sample", "Cy Test"))
    changed = somebody("Ada Example", contact_id="Ada Example", title="Boss")
    for said in [(ada, bo), (changed, ("P-1", bo), cy), (changed, cy, bo, cy, bo)]:
        take(*said, chunk_rows=2)
    meant = [
        sorted(audiences.contacts_of({"intake": str(run.pk)}, by=None).values_list("name", flat=True))
        for run in IntakeRun.objects.order_by("id")
    ]
    assert meant == [["Ada Example", "Bo Sample"], *[["Ada Example", "Bo Sample", "Cy Test"]] * 2]


@pytest.mark.parametrize("name", ["search", "source", "region"])
def test_what_is_asked_for_is_no_longer_than_in_a_list(caller, campaign, name):
    status, said = enrol(caller, campaign, filter={name: "x" * 100_000})
    (detail,) = said["details"]
    assert (status, detail["field"]) == (400, f"filter.{name}")
    assert detail["message"] == "give at most 200 letters, not 100,000"
    for wrong in ({"owner": "x" * 100_000}, {"x" * 100_000: "y"}):
        assert len(str(enrol(caller, campaign, filter=wrong)[1])) < 1000
    assert enrol(caller, campaign, filter={name: "x" * 200})[0] == 202
    run = EnrollmentRun.objects.in_short().get()
    assert len(campaign_page.whom(run)) < 100


@pytest.mark.parametrize("name", ["project", "intake"])
def test_a_whole_project_or_intake_is_known_too(name):
    with pytest.raises(UnusableAudience) as refusal:
        audiences.checked({name: str(uuid7())}, by=None)
    assert refusal.value.details.keys() == {name}
