"""Whom an enrolment means: what is told of it to whom, and by what it is asked for in the back office."""

import tracemalloc
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import Campaign, Enrollment, EnrollmentRun
from campaigns.services import enrolling
from campaigns.tests.factories import CampaignFactory
from config.kernel.ids import uuid7
from config.testing import NOON
from config.tests.clients import admin as an_admin
from config.tests.clients import rep as a_rep
from crm.models import IntakePerson
from crm.tests.backoffice import page_url, signed_in
from crm.tests.factories import ContactFactory, IntakeRunFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db


def begun(campaign: Campaign, by: Any, **audience: Any) -> EnrollmentRun:
    return enrolling.begin(campaign=campaign, audience=audience, by=by, at=NOON)


def test_lists_say_how_many_and_only_its_beginner_and_admins_read_whom(django_assert_num_queries):
    caller, colleague, boss = a_rep(), a_rep(), an_admin()
    campaign = CampaignFactory(owner=caller.user)
    people = sorted(str(ContactFactory().pk) for _ in range(3))
    run = begun(campaign, caller.user, contacts=people)
    begun(campaign, caller.user, filter={"source": "permits"})
    listed = "enrollment-runs/"
    for one in (caller, colleague, boss):
        _, said = one.send("get", listed)
        assert [row["audience"] for row in said["results"]] == [{"filter": {"source": "permits"}}, {"contacts": 3}]
        assert not any(key in str(said) for key in people)
        status, said = one.send("get", f"{listed}{run.pk}/")
        assert (status, said["audience"]) == (200, {"contacts": 3})
        assert said["contacts"] == (None if one is colleague else people)
    with CaptureQueriesContext(connection) as few:
        boss.send("get", listed)
    for _ in range(5):
        begun(campaign, None, contacts=people)
    with django_assert_num_queries(len(few)):
        boss.send("get", listed)


def test_a_list_is_read_whatever_number_was_kept_in_it():
    boss = an_admin()
    run = begun(CampaignFactory(), None, filter={"region": "TX"})
    EnrollmentRun.objects.filter(pk=run.pk).update(audience={"filter": {"region": 1e308}})
    status, said = boss.send("get", "enrollment-runs/")
    assert (status, said["results"][0]["audience"]) == (200, {"filter": {"region": 10**308}})


@pytest.mark.django_db(transaction=True)
def test_however_many_are_enrolled_they_are_never_held_in_memory():
    """E11: whom a filter means is asked chunk by chunk, by a cursor that is kept with its people."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO crm_contact (name, region) SELECT g, 'TX' FROM generate_series(1, 30000) g")
    run = begun(CampaignFactory(), None, filter={"region": "TX"})
    enrolling.take(run.pk, at=NOON)
    tracemalloc.start()
    try:
        while enrolling.take(run.pk, at=NOON):
            pass
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    run.refresh_from_db()
    assert (run.state, run.enrolled) == ("done", 30_000)
    assert most < 2_000_000  # bytes, of five more chunks


def test_a_run_ends_where_its_campaign_did_meanwhile_and_whoever_is_in_stays():
    campaign = CampaignFactory()
    audience = {"contacts": [str(one.pk) for one in ContactFactory.create_batch(3)]}
    row = begun(campaign, None, **audience)
    assert enrolling.take(row.pk, at=NOON, size=2)
    Campaign.objects.filter(pk=campaign.pk).update(status="completed")
    assert not enrolling.take(row.pk, at=NOON, size=2)
    row.refresh_from_db()
    assert (row.state, row.error, row.enrolled) == ("failed", "The campaign was completed meanwhile.", 2)
    assert Enrollment.objects.filter(campaign=campaign).count() == 2


def test_a_project_that_is_hidden_is_not_named():
    caller, colleague = a_rep(), a_rep()
    project = ProjectFactory(owner=caller.user)
    campaign = CampaignFactory(owner=caller.user)
    begun(campaign, caller.user, project=str(project.pk))
    begun(campaign, caller.user, filter={"project": str(project.pk), "source": "permits"})
    named, hidden = str(project.pk), None
    for one, key in ((caller, named), (colleague, hidden)):
        _, said = one.send("get", "enrollment-runs/")
        told = [row["audience"] for row in said["results"]]
        assert told == [{"filter": {"project": key, "source": "permits"}}, {"project": key}]


def test_pages_do_not_read_the_list():
    boss = UserFactory(admin=True)
    run = begun(CampaignFactory(owner=boss), boss, contacts=[str(uuid7()), str(uuid7())])
    short = EnrollmentRun.objects.in_short().get(pk=run.pk)
    assert (short.whom, "audience" in short.get_deferred_fields()) == ({"contacts": 2}, True)
    assert "2 contacts of a list" in signed_in(boss).get(page_url(run)).content.decode()
    run = begun(run.campaign, boss, filter={"owner": str(boss.pk), "has_email": False, "region": "TX"})
    assert "of one owner, region: TX, has email: no" in signed_in(boss).get(page_url(run)).content.decode()


def test_an_intake_that_nobody_knows_is_refused_like_a_project():
    caller = a_rep()
    campaign = CampaignFactory(owner=caller.user)
    for kind in ("intake", "project"):
        status, said = caller.send("post", f"campaigns/{campaign.pk}/enroll/", {kind: str(uuid7())})
        assert (status, [one["field"] for one in said["details"]]) == (400, [kind])
    known = IntakeRunFactory(state="done")
    status, said = caller.send("post", f"campaigns/{campaign.pk}/enroll/", {"intake": str(known.pk)})
    assert (status, said["audience"]) == (202, {"intake": str(known.pk)})


def form_for(user: Any, campaign: Campaign, **answers: Any) -> Any:
    url = f"/admin/campaigns/campaign/{campaign.pk}/do/enroll/"
    window = signed_in(user)
    return window.post(url, answers, follow=True) if answers else window.get(url)


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ({"has_email": "yes", "region": "TX"}, {"has_email": True, "region": "TX"}),
        ({"has_email": "no", "has_phone": "yes"}, {"has_email": False, "has_phone": True}),
        ({"lead_score_min": "0", "lead_score_max": "70"}, {"lead_score_min": 0, "lead_score_max": 70}),
    ],
)
def test_people_are_asked_for_by_what_they_are(answers, asked):
    boss = UserFactory(admin=True)
    form_for(boss, CampaignFactory(owner=boss), **answers)
    assert EnrollmentRun.objects.get().audience == {"filter": asked}


def test_an_intake_is_chosen_of_those_that_are_done_the_newest_first(monkeypatch):
    monkeypatch.setattr("campaigns.admin.campaign_verbs.OFFERED", 2)
    boss = UserFactory(admin=True)
    campaign = CampaignFactory(owner=boss)
    IntakeRunFactory(state="running", file_name="half.csv")
    for name in ("first", "second", "third"):
        last = IntakeRunFactory(state="done", file_name=f"{name}.csv", rows_done=1200)
    IntakePerson.objects.create(run=last, contact=ContactFactory())
    offered = form_for(boss, campaign).context["form"].fields["intake"].choices
    assert [label.split(",")[0] for _, label in offered] == ["None", "third.csv", "second.csv"]
    assert offered[1][1].endswith("1,200 rows")
    form_for(boss, campaign, intake=str(last.pk))
    run = EnrollmentRun.objects.get()
    enrolling.take(run.pk, at=NOON)
    run.refresh_from_db()
    assert (run.audience, run.enrolled) == ({"intake": str(last.pk)}, 1)


def test_an_intake_stands_alone_and_is_offered_to_whoever_sees_intakes():
    boss, rep = UserFactory(admin=True), UserFactory(bdr=True)
    key = str(IntakeRunFactory(state="done").pk)
    page = form_for(boss, CampaignFactory(owner=boss), intake=key, region="TX").content.decode()
    assert "by one of them." in page
    campaign = CampaignFactory(owner=rep)
    assert "intake" not in form_for(rep, campaign).context["form"].fields
    form_for(rep, campaign, intake=key)
    assert not EnrollmentRun.objects.exists()
