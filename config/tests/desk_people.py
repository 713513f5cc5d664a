"""Made-up people for the call desk's journeys: eight of five companies in six projects, with some history."""

from datetime import timedelta

from calls.models import Disposition
from calls.services import hints, outcomes, waterfalls
from calls.tests.factories import CallSessionFactory, callable_pair
from config.testing import NOON
from crm.choices import Priority
from crm.models import Company, Contact, Project, ProjectContact
from crm.tests.factories import CompanyFactory, ContactFactory, ProjectFactory, TouchFactory, UserFactory, give_point

COMPANIES = [
    ("Bluebonnet Builders LLC", "General contracting", 140),
    ("Lone Pine Electric Inc", "Electrical", 62),
    ("Harbor & Vale Architects", "Architecture", 38),
    ("Copperline Mechanical Co", "Mechanical", 210),
    ("Prairie Gate Events", "Event production", 24),
]
PROJECTS = [
    "Riverside Medical Office, Phase 2",
    "Mueller Parking Structure",
    "East Side Library Renovation",
    "Tower Nine Chiller Replacement",
    "Lakeside Food Festival",
    "Cedar Park School Addition",
]
# name, title, company, project, priority, phone
PEOPLE = [
    ("Dana Whitcomb", "Project manager", 0, 0, Priority.URGENT, "+15125550134"),
    ("Marcus Ellery", "Estimator", 1, 1, Priority.HIGH, "+17135550162"),
    ("Nora Fairbanks", "Principal", 2, 2, Priority.MEDIUM, "+13035550119"),
    ("Tomas Calloway", "Superintendent", 3, 3, Priority.MEDIUM, "+16025550148"),
    ("Ingrid Hollis", "Director of operations", 4, 4, Priority.MEDIUM, "+16125550170"),
    ("Caleb Winslow", "Purchasing", 0, 0, Priority.MEDIUM, "+15125550186"),
    ("June Halloran", "Owner", 1, 5, Priority.MEDIUM, "+12145550153"),
    ("Wes Tamblyn", "Facilities lead", 3, 1, Priority.LOW, "+14155550127"),
]


def people() -> list[ProjectContact]:
    """Write them all, in queue order; the first has two numbers, two projects, a colleague and two calls behind her."""
    companies = [
        CompanyFactory(name=name, industry=trade, employees=size, city="Austin") for name, trade, size in COMPANIES
    ]
    projects = [_project(name, number) for number, name in enumerate(PROJECTS)]
    pairs = [
        callable_pair(
            contact=_contact(name, title, companies[company], phone),
            project=projects[project],
            priority=priority,
            roles=["general contractor"],
        )
        for name, title, company, project, priority, phone in PEOPLE
    ]
    dana = pairs[0].contact
    give_point(dana, "phone", "+19155550141", label="mobile")
    callable_pair(contact=dana, project=projects[5])
    colleague = UserFactory(bdr=True, name="Jordan Demo")
    for days, key, note in [(5, 7, "Reception; ask for her directly after 10."), (12, 4, "")]:
        when = NOON - timedelta(days=days)
        call = CallSessionFactory(pair=pairs[0], rep=colleague, initiated_at=when)
        disposition = Disposition.objects.get(key=key)
        outcomes.conclude(
            session=call, disposition=disposition, by=colleague, at=when + timedelta(minutes=2), note=note
        )
        TouchFactory(contact=dana, endpoint=call.endpoint, project=call.project, at=when, user=colleague)
    hints.refresh(at=NOON, contact_ids=[dana.pk])
    waterfalls.count(project=None, at=NOON)
    return pairs


def _project(name: str, number: int) -> Project:
    return ProjectFactory(
        name=name,
        kind="Commercial",
        stage="Bidding",
        value=1_250_000 + 400_000 * number,
        street=f"{100 + number} Sample St",
        city="Austin",
        region="TX",
        starts_on=(NOON + timedelta(days=40)).date(),
    )


def _contact(name: str, title: str, company: Company, phone: str) -> Contact:
    first, last = name.split(" ", 1)
    email = f"{first.lower()}@example.com"
    return ContactFactory(
        name=name, first_name=first, last_name=last, title=title, company=company, phone=phone, email=email
    )
