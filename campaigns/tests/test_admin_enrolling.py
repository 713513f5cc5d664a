"""Enrolling in the back office: whom a project, a filter or a pasted list means, and what is said of it."""

from typing import Any

import pytest
from django.test import Client

from campaigns.models import (
    Campaign,
    EnrollmentRun,
)
from campaigns.services import enrolling
from campaigns.tests import office
from campaigns.tests.office import draft, said
from campaigns.tests.scenes import some_people
from config.kernel import clock
from crm.tests.backoffice import page_url, signed_in
from crm.tests.factories import ProjectContactFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db
boss, window = office.boss, office.window


def enrol(window: Client, row: Campaign, **answers: Any) -> Any:
    return window.post(f"/admin/campaigns/campaign/{row.pk}/do/enroll/", answers, follow=True)


def account() -> tuple[int, int]:
    run = EnrollmentRun.objects.latest("pk")
    enrolling.take(run.pk, at=clock.now())
    run.refresh_from_db()
    return run.asked, run.enrolled


def test_people_are_enrolled_by_a_project_a_filter_or_a_list(window, boss):
    row = draft(boss)
    people = some_people(6)
    pair = ProjectContactFactory(project=ProjectFactory(project_id="P-7"), contact=people[0])
    enrol(window, row, project=pair.project.project_id)
    assert account() == (1, 1)
    enrol(window, row, source="permits", search="hartson")
    assert account() == (0, 0)
    enrol(window, row, source="permits", lifecycle="new")
    assert account() == (6, 5)
    enrol(window, row, lines="walker1@example.com, (512) 555-1002")
    assert account() == (2, 0)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, "Say whom: by what they are, by an intake, or by a list; by one of them."),
        (
            {"source": "a", "lines": "walker1@example.com"},
            "Say whom: by what they are, by an intake, or by a list; by one of them.",
        ),
        ({"project": "P-0"}, "There is no such project, or none that you may see."),
        ({"lines": "walker1@example.com\nx@example.com;?"}, "Nobody whom you see is reached by x@example.com, ?."),
        ({"lines": "x@example.com", "leave_out": "on"}, "Nobody of the list was found."),
    ],
)
def test_an_enrolment_that_means_nobody_says_so_in_its_form(window, boss, answers, expected):
    row = draft(boss)
    some_people(2)
    assert expected in said(enrol(window, row, **answers))
    assert not EnrollmentRun.objects.exists()


def test_a_rep_finds_no_colleagues_people_in_a_pasted_list(boss):
    rep = UserFactory(bdr=True)
    row = draft(rep)
    some_people(2, boss)
    page = said(enrol(signed_in(rep), row, lines="walker1@example.com"))
    assert "Nobody whom you see is reached by walker1@example.com." in page
    assert not EnrollmentRun.objects.exists()


def test_while_an_enrolment_runs_all_of_the_page_is_asked_for_again(window, boss):
    row = draft(boss)
    some_people(3)
    page = said(enrol(window, row, source="permits"))
    again = f'hx-get="{page_url(row)}" hx-trigger="load delay:3s" hx-select="#content-main" hx-target="#content-main"'
    assert again in page
    assert "Running" in page
    assert "How people came in, on its page, shows how far that is." in page
    assert account() == (3, 3)
    done = said(window.get(page_url(row)))
    assert "3 people in all" in done
    assert "load delay:3s" not in done
