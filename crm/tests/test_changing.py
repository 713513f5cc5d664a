from datetime import date, timedelta
from decimal import Decimal

import pytest

from config.testing.hearing import hearing
from crm.choices import Priority
from crm.models import AuditEvent, Company, Contact, Endpoint, Project
from crm.services import deleting, editing, fields
from crm.services.locking import RowGone
from crm.signals import reachability_changed
from crm.tests.factories import CompanyFactory, ContactFactory, ProjectContactFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def edit(at):
    rep = UserFactory(bdr=True)

    def edit(row, *, by=rep, **changes):
        return editing.edit(row=row, changes=changes, by=by, at=at)

    return edit


def refused(error, edit, row, **changes):
    """What the refusal says of each field; the row is as it was."""
    before = AuditEvent.objects.count()
    with pytest.raises(error) as refusal:
        edit(row, **changes)
    assert AuditEvent.objects.count() == before
    return refusal.value.details


def test_what_a_person_sets_is_kept_and_remembered_as_theirs(edit):
    person = edit(ContactFactory(), title=" Head of\tBuying ", lifecycle="qualified")
    person = edit(person, title="Head of Buying", priority=Priority.URGENT)

    assert (person.title, person.lifecycle, person.priority) == ("Head of Buying", "qualified", Priority.URGENT)
    assert Contact.objects.get().edited == ["title", "lifecycle", "priority"]


def test_where_nothing_differs_nothing_is_written(edit):
    person = ContactFactory(title="Buyer")
    before = Contact.objects.get().updated_at, AuditEvent.objects.count()

    edit(person, title="Buyer", lead_score=None)

    assert (Contact.objects.get().updated_at, AuditEvent.objects.count()) == before
    assert Contact.objects.get().edited == []


def test_a_name_follows_its_parts_until_somebody_writes_another(edit):
    person = edit(ContactFactory(first_name="Pat", last_name="Sample", name="Pat Sample"), last_name="Example")
    assert person.name == "Pat Example"

    person = edit(person, name="Dr. Pat")
    assert edit(person, first_name="Patricia").name == "Dr. Pat"


def test_the_quality_follows_what_is_filled_in(edit):
    person = ContactFactory(phone="+15125550134")

    assert edit(person, title="Buyer", city="Austin", region="Texas").data_quality == 60
    assert Contact.objects.get().data_quality == 60


def test_a_move_changes_the_hours_of_the_person_s_lines(edit):
    person = ContactFactory(phone="+15125550134")

    edited = edit(person, region="massachusetts", country="united states", time_zone="us/eastern")

    assert (edited.region, edited.country, edited.time_zone) == ("MA", "US", "America/New_York")
    assert Endpoint.objects.get().hours_profile.key == "America/Chicago US-TX|America/New_York US-MA"


@pytest.mark.parametrize(
    ("factory", "field", "instead"),
    [
        (ContactFactory, "primary_phone", "make it primary"),
        (ContactFactory, "primary_email", "make it primary"),
        (ContactFactory, "consent_given", "evidence"),
        (ContactFactory, "data_quality", "follows from"),
        (ContactFactory, "deleted_at", "Delete or restore"),
        (ContactFactory, "contact_id", "never changes"),
        (ContactFactory, "edited", "kept by Clearline"),
        (ContactFactory, "is_superuser", "no such field"),
        (CompanyFactory, "name_key", "kept by Clearline"),
        (CompanyFactory, "external_id", "never changes"),
        (ProjectFactory, "project_id", "never changes"),
        (ProjectContactFactory, "contact", "Put the other contact"),
        (ProjectContactFactory, "callable_from", "kept by Clearline"),
        (ProjectContactFactory, "listed_name", "kept by Clearline"),
    ],
)
def test_what_a_service_owns_is_refused_by_name_with_what_to_do_instead(edit, factory, field, instead):
    assert instead in refused(fields.FieldRefused, edit, factory(), **{field: "x"})[field]


def test_every_field_is_either_for_people_or_owned():
    """A new field makes somebody decide; nothing is editable by accident."""
    owned = {"id", "created_at", "updated_at", "edited", "search", "deleted_at"}
    owned |= {"contact_id", "primary_phone", "primary_email", "consent_given", "consent_at", "data_quality"}
    owned |= {"external_id", "name_key", "project_id"}
    owned |= {"project", "contact", "listed_name", "callable_from", "hours_profile", "last_touch_at"}

    for model, editable in fields.EDITABLE.items():
        concrete = {field.name for field in model._meta.concrete_fields}
        assert editable <= concrete
        assert concrete - editable <= owned


@pytest.mark.parametrize(
    ("factory", "changes", "says"),
    [
        (ContactFactory, {"lead_score": 101}, "100"),
        (ContactFactory, {"lead_score": "many"}, "integer"),
        (ContactFactory, {"conversion_probability": 1.5}, "1"),
        (ContactFactory, {"lifecycle": "dreaming"}, "not a valid choice"),
        (ContactFactory, {"priority": None}, "null"),
        (ContactFactory, {"do_not_call": "perhaps"}, "True or False"),
        (ContactFactory, {"title": "x" * 201}, "200"),
        (ContactFactory, {"time_zone": "Texas time"}, "IANA"),
        (ContactFactory, {"time_zone": "UTC"}, "nowhere on the map"),
        (ContactFactory, {"country": "Atlantis"}, "ISO code"),
        (ContactFactory, {"attributes": ["a"]}, "object"),
        (ContactFactory, {"profiles": {"linkedin": {"a": [1]}}}, "https://"),
        (ContactFactory, {"profiles": {"linkedin": ["https://example.com"]}}, "https://"),
        (CompanyFactory, {"profiles": {"linkedin": "javascript:alert(1)"}}, "https://"),
        (CompanyFactory, {"website": "javascript:alert(1)"}, "https://"),
        (CompanyFactory, {"website": " data:text/html,x"}, "https://"),
        (CompanyFactory, {"profiles": {"x" * 41: "https://example.com"}}, "40 characters"),
        (CompanyFactory, {"name": " - "}, "letter or a digit"),
        (CompanyFactory, {"name": ""}, "letter or a digit"),
        (CompanyFactory, {"phone": "555-0134"}, "area code"),
        (CompanyFactory, {"domain": "not a domain"}, "example.com"),
        (CompanyFactory, {"employees": -3}, "0"),
        (ProjectFactory, {"value": "1,200"}, "decimal"),
        (ProjectFactory, {"bid_on": "tomorrow"}, "date"),
        (ProjectFactory, {"name": None}, "null"),
    ],
)
def test_what_a_field_cannot_hold_is_refused_by_field(edit, factory, changes, says):
    details = refused(fields.FieldInvalid, edit, factory(), **changes)

    assert list(details) == list(changes)
    assert says in details[next(iter(changes))]


def test_all_faults_are_named_at_once(edit):
    assert set(refused(fields.FieldInvalid, edit, ContactFactory(), lead_score=-1, country="X", title="y" * 300)) == {
        "lead_score", "country", "title",
    }  # fmt: skip


def test_values_are_brought_into_the_types_of_their_fields(edit):
    project = edit(ProjectFactory(), value="1200.50", bid_on="2026-07-01", kind="Roof")

    assert (project.value, project.bid_on, project.kind) == (Decimal("1200.50"), date(2026, 7, 1), "Roof")


def test_a_profile_is_a_network_and_its_url(edit):
    person = ContactFactory(profiles={"xing": "@pat"})  # as a source once left it

    person = edit(person, profiles={"xing": "@pat", "linkedin": "example.com/in/pat", "github": ""})

    assert person.profiles == {"xing": "@pat", "linkedin": "https://example.com/in/pat"}


def test_nobody_who_left_gets_a_contact(edit):
    gone = UserFactory(bdr=True, is_active=False)

    assert "somebody active" in refused(fields.FieldInvalid, edit, ContactFactory(), owner=gone)["owner"]


def test_a_callback_lies_ahead(edit, at):
    details = refused(fields.FieldInvalid, edit, ProjectContactFactory(), callback_at=at)

    assert "has passed" in details["callback_at"]
    assert edit(ProjectContactFactory(), callback_at=at + timedelta(hours=1)).callback_at == at + timedelta(hours=1)


def test_a_callback_is_promised_for_the_next_60_days(edit, at):
    last = at + timedelta(days=60)

    details = refused(fields.FieldInvalid, edit, ProjectContactFactory(), callback_at=last + timedelta(seconds=1))

    assert "within the next 60 days" in details["callback_at"]
    assert edit(ProjectContactFactory(), callback_at=last).callback_at == last


@pytest.mark.parametrize("factory", [ContactFactory, ProjectFactory])
def test_what_was_deleted_is_not_edited(edit, at, factory):
    row = deleting.delete(row=factory(), by=None, at=at)

    with pytest.raises(editing.RowDeleted, match="Restore"):
        edit(row, source="x")


@pytest.mark.parametrize(
    ("factory", "wish"),
    [
        (ContactFactory, "do_not_call"),
        (ContactFactory, "do_not_email"),
        (ContactFactory, "do_not_text"),
        (ProjectFactory, "call_suppressed"),
        (ProjectContactFactory, "suppress_for_project"),
    ],
)
def test_a_wish_to_be_left_alone_is_set_by_anybody_and_taken_back_by_admins(edit, factory, wish):
    row = edit(factory(), **{wish: True})
    assert "Ask an admin" in refused(editing.MayNotLoosen, edit, row, **{wish: False})[wish]

    assert not getattr(edit(row, by=UserFactory(admin=True), **{wish: False}), wish)


@pytest.mark.parametrize("factory", [ContactFactory, ProjectFactory])
def test_a_rep_takes_what_is_nobody_s_and_gives_nothing_away(edit, factory):
    rep, colleague = UserFactory(bdr=True), UserFactory(bdr=True)
    row = edit(factory(), by=rep, owner=rep)

    for other in (colleague, None):
        with pytest.raises(editing.MayNotAssign) as refusal:
            edit(row, by=rep, owner=other, source="x")
        assert list(refusal.value.details) == ["owner"]
    row.refresh_from_db()
    assert (row.owner, row.source) == (rep, "")
    assert edit(row, by=UserFactory(admin=True), owner=colleague).owner == colleague


@pytest.mark.parametrize("factory", [ContactFactory, ProjectFactory, lambda: ProjectContactFactory().contact])
def test_what_somebody_took_meanwhile_is_not_edited(edit, factory):
    row = factory()
    type(row).objects.filter(pk=row.pk).update(owner=UserFactory(bdr=True))

    with pytest.raises(RowGone, match="not yours to see any more"):
        edit(row, source="x")
    assert edit(row, by=None, source="x").source == "x"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("factory", [ContactFactory, ProjectFactory])
def test_of_many_who_claim_at_once_one_gets_it(threads, at, factory):
    row, reps = factory(), [UserFactory(bdr=True) for _ in range(4)]

    def claim(rep):
        def try_it():
            try:
                return editing.claim(row=row, by=rep, at=at).owner
            except editing.OwnedByOther:
                return None

        return try_it

    owners = [owner for owner in threads(*map(claim, reps)) if owner]

    row.refresh_from_db()
    assert owners == [row.owner]
    assert AuditEvent.objects.filter(entity_id=row.pk, operation="update").count() == 1


def test_a_company_takes_its_key_from_its_name_and_its_domain_from_its_website(edit):
    company = edit(CompanyFactory(), name="Ace  Electric Co., Inc.", website="https://www.Example.com/about")

    assert (company.name, company.name_key, company.domain) == ("Ace Electric Co., Inc.", "ace electric", "example.com")


def test_a_company_does_not_take_the_name_of_another(edit):
    CompanyFactory(name="Ace Electric")
    other = CompanyFactory(name="Other")

    assert refused(editing.Taken, edit, other, name="ACE ELECTRIC INC")["name"] == "Taken."
    assert Company.objects.get(pk=other.pk).name == "Other"
    assert edit(CompanyFactory(name="Third", external_id="c-3"), name="Ace Electric").name_key == "ace electric"


@pytest.mark.parametrize(
    ("factory", "changes", "kind"),
    [
        (ContactFactory, {"do_not_call": True}, "contact_ids"),
        (ProjectFactory, {"call_suppressed": True, "call_suppressed_reason": "Cancelled"}, "project_ids"),
        (ProjectFactory, {"next_call_eligible_at": "2026-07-01T12:00Z"}, "project_ids"),
        (ProjectContactFactory, {"suppress_for_project": True}, "pair_ids"),
        (ProjectContactFactory, {"priority": Priority.URGENT}, "pair_ids"),
        (ContactFactory, {"title": "Buyer"}, None),
        (ProjectFactory, {"name": "Tower"}, None),
    ],
)
def test_whoever_is_callable_differently_now_is_told_of(edit, factory, changes, kind):
    row = factory()

    with hearing(reachability_changed) as told:
        edit(row, **changes)

    assert [getattr(event, kind) for event in told] == ([(row.pk,)] if kind else [])


def test_the_audit_names_who_edited_what_from_what_to_what(at):
    rep, project = UserFactory(bdr=True), ProjectFactory(name="Old")

    editing.edit(row=project, changes={"name": "New"}, by=rep, at=at)

    event = AuditEvent.objects.get(operation="update", entity_id=project.pk)
    assert (event.actor, event.old["name"], event.new["name"]) == (rep, "Old", "New")


@pytest.mark.django_db(transaction=True)
def test_two_who_edit_different_fields_at_once_both_get_their_way(threads, at):
    project = ProjectFactory()

    def edit(**changes):
        return lambda: editing.edit(row=project, changes=changes, by=None, at=at)

    threads(edit(name="New"), edit(stage="Bidding"), edit(kind="Roof"))

    project = Project.objects.get()
    assert (project.name, project.stage, project.kind) == ("New", "Bidding", "Roof")
    assert sorted(project.edited) == ["kind", "name", "stage"]
