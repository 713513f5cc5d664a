"""The back office of crm opens whatever is in it, shows everybody only what is theirs, and writes through services."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.urls import reverse

from config.kernel.admin.base import ClearlineAdmin
from config.kernel.admin.patience import patient
from config.kernel.audit import acting
from config.kernel.ids import first_uuid7_at, uuid7
from config.testing import NOON
from crm.choices import Lifecycle
from crm.models import (
    AuditEvent,
    Company,
    Contact,
    ContactPoint,
    Endpoint,
    GateDecision,
    Project,
    ProjectContact,
    ReviewItem,
    Suppression,
    User,
)
from crm.services import points
from crm.tests.factories import (
    CompanyFactory,
    ConsentFactory,
    ContactFactory,
    EndpointFactory,
    IntakeRunFactory,
    OtherNameFactory,
    ProjectContactFactory,
    ProjectFactory,
    ReviewItemFactory,
    SourceRecordFactory,
    SuppressionFactory,
    TouchFactory,
    UserFactory,
    give_point,
)

LABELS = sorted(model._meta.label_lower for model in admin.site._registry if model._meta.app_label == "crm")
SERVICE_OWNED = [
    "crm.auditevent", "crm.consent", "crm.contactpoint", "crm.endpoint", "crm.gatedecision", "crm.hoursprofile",
    "crm.intakerun", "crm.reviewitem", "crm.sourcerecord", "crm.suppression", "crm.touch",
]  # fmt: skip
CONTACTS = "/admin/crm/contact/"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def boss(db) -> Client:
    return signed_in(UserFactory(admin=True, name="Ada Admin"))


@pytest.fixture
def rep(db) -> User:
    return UserFactory(bdr=True, name="Rae Rep")


def model(label: str) -> type:
    return next(one for one in admin.site._registry if one._meta.label_lower == label)


def list_url(label: str) -> str:
    return reverse(f"admin:{label.replace('.', '_')}_changelist")


def page_url(row) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def fill(number: int) -> None:
    """So many more rows of every kind, tied to one another as they are in life."""
    start = Contact.objects.count()
    for index in range(start, start + number):
        company, rep = CompanyFactory(), UserFactory(bdr=True)
        person = ContactFactory(
            company=company, owner=rep, phone=f"+1512555{index:04}", email=f"person{index}@example.com", title="Owner",
            attributes={"permit": index}, profiles={"web": "https://example.com"},
        )  # fmt: skip
        give_point(person, "phone", f"+1737555{index:04}", label="mobile")
        OtherNameFactory(contact=person)
        pair = ProjectContactFactory(project=ProjectFactory(description="Three floors", owner=rep), contact=person)
        endpoint = person.points.filter(kind="phone").first().endpoint
        SuppressionFactory(endpoint=EndpointFactory(), by=rep)
        ConsentFactory(contact=person, endpoint=endpoint, by=rep)
        TouchFactory(contact=person, endpoint=endpoint, project=pair.project, at=NOON, user=rep)
        SourceRecordFactory(contact=person, project=pair.project, company=company, raw={"NAME": "X"})
        IntakeRunFactory(rows_done=3, counts={"rows.in": 3, "rows.created": 2, "rows.unchanged": 1})
        ReviewItemFactory(contact=person, other=person, project=pair.project, field="title", value=f"Boss {index}")
        GateDecision.objects.create(
            id=uuid7(), at=NOON, action="dial", channel="call", allowed=False, codes=["do_not_call"], contact=person,
            endpoint=endpoint, pair=pair, user=rep, facts={"contact.do_not_call": True}, ruleset="x", zones="y",
        )  # fmt: skip


def test_every_empty_list_opens(boss, subtests):
    for label in LABELS:
        with subtests.test(label):
            assert boss.get(list_url(label)).status_code == 200


def test_every_kind_of_row_is_listed_and_has_its_page_and_its_history(boss, subtests):
    fill(30)

    for label in LABELS:
        with subtests.test(label):
            row = model(label)._default_manager.latest("pk")
            history = reverse(f"admin:{label.replace('.', '_')}_history", args=[row.pk])
            audited = admin.site._registry[model(label)].audited

            assert boss.get(list_url(label)).status_code == 200
            assert boss.get(page_url(row)).status_code == 200
            assert boss.get(history).status_code == (200 if audited else 404)


def test_a_list_costs_the_same_queries_however_many_rows_it_shows(
    boss, subtests, monkeypatch, django_assert_max_num_queries
):
    monkeypatch.setattr(ClearlineAdmin, "list_per_page", 1000)
    costs = {label: [] for label in LABELS}
    for number in (3, 27):
        fill(number)
        for label in LABELS:
            with django_assert_max_num_queries(30) as queries:
                boss.get(list_url(label))
            costs[label].append(len(queries))

    for label, (few, many) in costs.items():
        with subtests.test(label):
            assert few == many


def test_what_a_service_owns_cannot_be_written_by_hand(boss, subtests):
    fill(1)

    for label in SERVICE_OWNED:
        with subtests.test(label):
            assert boss.get(reverse(f"admin:{label.replace('.', '_')}_add")).status_code == 403
            assert boss.post(page_url(model(label)._default_manager.first()), {}).status_code == 403


def test_nothing_is_deleted_here_not_even_by_an_admin(boss, subtests):
    fill(1)

    for label in LABELS:
        with subtests.test(label):
            row = model(label)._default_manager.first()
            delete = reverse(f"admin:{label.replace('.', '_')}_delete", args=[row.pk])
            assert boss.post(delete, {"post": "yes"}).status_code == 403
            assert b"delete_selected" not in boss.get(list_url(label)).content


def test_a_rep_sees_their_own_and_nobodys_and_the_rest_does_not_exist(rep):
    mine, free = ContactFactory(name="Mine", owner=rep), ContactFactory(name="Free")
    other = ContactFactory(name="Somebody Elses", owner=UserFactory(bdr=True), phone="+15125550142")
    pair = ProjectContactFactory(contact=other)
    client = signed_in(rep)

    listed = client.get(CONTACTS).content.decode()

    assert "Mine" in listed
    assert "Free" in listed
    assert "Somebody Elses" not in listed
    assert [client.get(page_url(one)).status_code for one in (mine, free)] == [200, 200]
    hidden = [page_url(other), page_url(pair), page_url(other.points.first()), page_url(other.points.first().endpoint),
              f"/admin/crm/contact/{other.pk}/history/", f"/admin/crm/contact/{other.pk}/do/suppress/"]  # fmt: skip
    assert {client.get(url).status_code for url in hidden} == {404}
    assert client.post(page_url(other), {"name": "Taken"}).status_code == 404


def test_a_rep_does_not_find_by_search_what_is_not_theirs(rep):
    ContactFactory(name="Hidden Person", owner=UserFactory(bdr=True), phone="+15125550142", email="hidden@example.com")
    client = signed_in(rep)

    for words in ("hidden", "+1 512 555 0142", "hidden@example.com"):
        assert "Hidden Person" not in client.get(CONTACTS, {"q": words}).content.decode()
        assert "Hidden Person" not in client.get("/admin/search/", {"s": words}).content.decode()


def test_the_search_box_finds_people_projects_and_companies_at_once_even_those_just_added(boss):
    ContactFactory(name="Alma Barford")
    CompanyFactory(name="Barford Builders")
    first = boss.get("/admin/search/", {"s": "barford"}).content.decode()

    ProjectFactory(name="Barford School")
    second = boss.get("/admin/search/", {"s": "barford"}).content.decode()

    assert "Alma Barford" in first
    assert "Barford Builders" in first
    assert "Barford School" in second
    assert boss.get("/admin/search/", {"s": ""}).content == b""


def test_a_row_that_comes_along_is_not_named_to_who_may_not_see_it(rep):
    secret = ProjectFactory(name="Secret Tower", owner=UserFactory(bdr=True))
    person = ContactFactory(phone="+15125550142")
    touch = TouchFactory(contact=person, project=secret, at=NOON)
    client = signed_in(rep)

    assert "Secret Tower" not in client.get("/admin/crm/touch/").content.decode()
    assert "Secret Tower" not in client.get(page_url(touch)).content.decode()
    assert "Secret Tower" not in client.get(page_url(person)).content.decode()


def test_choices_offer_only_what_one_may_see(rep):
    hidden = ProjectFactory(name="Secret Tower", owner=UserFactory(bdr=True))
    ProjectFactory(name="Open Tower")
    client = signed_in(rep)
    asked = {"app_label": "crm", "model_name": "projectcontact", "field_name": "project", "term": "tower"}

    offered = [one["text"] for one in client.get("/admin/autocomplete/", asked).json()["results"]]
    forced = client.post(
        "/admin/crm/projectcontact/add/",
        {"project": hidden.pk, "contact": ContactFactory().pk, "priority": 2, "roles": "owner"},
    )

    assert offered == ["Open Tower"]
    assert forced.status_code == 200
    assert not ProjectContact.objects.exists()


@pytest.mark.parametrize("label", ["crm.auditevent", "crm.intakerun", "crm.user"])
def test_what_is_not_a_reps_business_is_closed_to_them(rep, label):
    assert signed_in(rep).get(list_url(label)).status_code == 403


def test_a_rep_sees_what_sources_said_of_their_people_only(rep):
    SourceRecordFactory(key="mine", contact=ContactFactory(owner=rep))
    SourceRecordFactory(key="theirs", contact=ContactFactory(owner=UserFactory(bdr=True)))

    listed = signed_in(rep).get(list_url("crm.sourcerecord")).content.decode()

    assert ">mine<" in listed
    assert ">theirs<" not in listed


# Lists


def test_counting_stops_at_ten_thousand(boss):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO crm_company (name, name_key) SELECT g, g FROM generate_series(1, 10002) g")

    assert "1–50 of 10,000+" in boss.get("/admin/crm/company/").content.decode()  # noqa: RUF001 - as it is shown


def test_whoever_pages_beyond_ten_thousand_rows_is_asked_to_narrow_their_search(boss, django_assert_max_num_queries):
    with django_assert_max_num_queries(25) as queries:
        response = boss.get(CONTACTS, {"p": 202})

    assert not any("OFFSET" in query["sql"] for query in queries)
    assert "Narrow your search" in response.content.decode()


def test_the_last_page_says_so(boss):
    CompanyFactory.create_batch(51)

    first, second = (boss.get("/admin/crm/company/", {"p": page}).content.decode() for page in (1, 2))

    assert 'rel="next"' in first
    assert 'rel="next"' not in second
    assert 'rel="prev"' in second


def test_a_list_that_would_take_too_long_says_so_in_words(boss, monkeypatch):
    monkeypatch.setattr("config.kernel.admin.base.patient", hurried)
    ContactFactory.create_batch(3)

    response = boss.get(CONTACTS)

    assert response.status_code == 400
    assert "Narrow your search" in response.content.decode()


@contextmanager
def hurried():
    """Five seconds are too long for a test: PostgreSQL itself gives up, after a millisecond."""
    with patient(0.001), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1)")
        yield


def test_every_word_of_a_search_must_occur(boss):
    for name in ("Alma Barford", "Alma Norton", "Otto Barford"):
        ContactFactory(name=name)

    listed = boss.get(CONTACTS, {"q": "barf  ALMA"}).content.decode()

    assert "Alma Barford" in listed
    assert "Alma Norton" not in listed
    assert "Otto Barford" not in listed


def test_beginnings_of_words_are_not_counted_because_too_many_have_them(boss):
    Contact.objects.bulk_create(Contact(name=f"Jo Number{n}") for n in range(51))

    vague, clear = (boss.get(CONTACTS, {"q": words}).content.decode() for words in ("jo", "numb"))

    assert "of more" in vague
    assert "of 51" in clear


def test_two_letters_mean_the_beginning_of_a_word_and_one_letter_nothing(boss):
    ContactFactory(name="Jo Barford")
    ContactFactory(name="Major Norton")

    assert "Major Norton" not in boss.get(CONTACTS, {"q": "jo"}).content.decode()
    assert "Jo Barford" in boss.get(CONTACTS, {"q": "jo"}).content.decode()
    assert "Type two letters or more" in boss.get(CONTACTS, {"q": "j"}).content.decode()


@pytest.mark.parametrize("typed", ["512-555-0142", "(512) 555 0142", "+15125550142", "OTHER@Example.com"])
def test_a_person_is_found_by_any_number_or_address_of_theirs(boss, typed):
    person = ContactFactory(name="Reachable Person", phone="+15125550133")
    give_point(person, "phone", "+15125550142")
    give_point(person, "email", "other@example.com")

    assert "Reachable Person" in boss.get(CONTACTS, {"q": typed}).content.decode()


@pytest.mark.parametrize("query", ["name__contains=a", "owner__password__startswith=x", "o=99", "p=-3", "p=x",
                                   "owner=nonsense", "id_from=2026-99-99", "company=nonsense", "q=%00"])  # fmt: skip
def test_an_address_that_nobody_offers_breaks_nothing(boss, query):
    ContactFactory()

    assert boss.get(f"{CONTACTS}?{query}").status_code in {200, 302, 400}


@pytest.mark.parametrize(("asked", "found"), [
    ("owner=me", {"Mine"}), ("owner=nobody", {"Free", "Urgent"}), ("priority=4", {"Urgent"}),
    ("do_not_call=yes", {"Mine"}), ("lifecycle=qualified", {"Free"}),
])  # fmt: skip
def test_filters_narrow_the_list(rep, asked, found):
    ContactFactory(name="Mine", owner=rep, do_not_call=True)
    ContactFactory(name="Free", lifecycle=Lifecycle.QUALIFIED)
    ContactFactory(name="Urgent", priority=4)

    listed = signed_in(rep).get(f"{CONTACTS}?{asked}").context["cl"].result_list

    assert {one.name for one in listed} == found


def test_days_are_those_of_the_reader(boss):
    ContactFactory(name="Of yesterday", id=first_uuid7_at(NOON - timedelta(days=1)))
    ContactFactory(name="Of the day", id=first_uuid7_at(NOON))

    listed = boss.get(CONTACTS, {"id_from": f"{NOON:%Y-%m-%d}", "id_to": f"{NOON:%Y-%m-%d}"}).context["cl"].result_list

    assert [one.name for one in listed] == ["Of the day"]


# Writing


def form_of(client: Client, url: str) -> dict[str, str]:
    """What the browser would send back if nobody touched anything."""
    form = client.get(url).context["adminform"].form
    data = {}
    for bound in form:
        value = bound.value()
        shown = bound.field.widget.format_value(value) if hasattr(bound.field.widget, "format_value") else value
        shown = shown[0] if isinstance(shown, list) and shown else shown
        initial = bound.field.hidden_widget().format_value(value)
        if bound.field.widget.__class__.__name__.endswith(("BooleanWidget", "BooleanSwitchWidget", "CheckboxInput")):
            if value:
                data[bound.html_name] = "on"
            data[bound.html_initial_name] = str(bool(value))
            continue
        data[bound.html_name] = "" if shown in (None, []) else str(shown)
        data[bound.html_initial_name] = "" if initial is None else str(initial)
    return data


def test_an_edit_goes_through_the_service_and_is_remembered_as_a_persons(boss):
    person = ContactFactory(title="Owner")
    url = f"{page_url(person)}?tab=edit"

    response = boss.post(url, {**form_of(boss, url), "title": "Director"})

    person.refresh_from_db()
    assert response.status_code == 302
    assert (person.title, person.edited) == ("Director", ["title"])
    assert AuditEvent.objects.filter(entity_id=person.pk, operation="update").latest("id").actor.name == "Ada Admin"


def test_an_edit_writes_only_what_was_touched(boss):
    person = ContactFactory(title="Owner", department="Yard")
    url = f"{page_url(person)}?tab=edit"
    seen = form_of(boss, url)
    Contact.objects.filter(pk=person.pk).update(department="Office")

    boss.post(url, {**seen, "title": "Director"})

    person.refresh_from_db()
    assert (person.title, person.department) == ("Director", "Office")


def test_whoever_comes_second_to_the_same_field_is_told(boss):
    person = ContactFactory(title="Owner")
    url = f"{page_url(person)}?tab=edit"
    seen = form_of(boss, url)
    Contact.objects.filter(pk=person.pk).update(title="Architect")

    response = boss.post(url, {**seen, "title": "Director"})

    person.refresh_from_db()
    assert person.title == "Architect"
    assert "Somebody changed this since you opened the page" in response.content.decode()


def test_what_a_service_refuses_is_said_beside_its_field_and_nothing_typed_is_lost(boss):
    person = ContactFactory()
    url = f"{page_url(person)}?tab=edit"

    response = boss.post(url, {**form_of(boss, url), "time_zone": "Mars/Olympus", "department": "Yard"})

    said = response.content.decode()
    person.refresh_from_db()
    assert response.status_code == 200
    assert "No time zone is called that" in said
    assert 'value="Yard"' in said
    assert person.department == ""


def test_a_rep_may_not_loosen_what_somebody_asked_for(rep):
    person = ContactFactory(do_not_call=True)
    client, url = signed_in(rep), f"{page_url(person)}?tab=edit"
    seen = form_of(client, url)
    seen.pop("do_not_call")

    client.post(url, seen)

    person.refresh_from_db()
    assert person.do_not_call


def test_a_new_contact_with_a_known_number_adds_to_the_known_one(boss):
    known = ContactFactory(name="Known Person", first_name="Known", last_name="Person", phone="+15125550142", title="")

    boss.post("/admin/crm/contact/add/", {"phone": "512 555 0142", "title": "Owner"})

    known.refresh_from_db()
    assert Contact.objects.count() == 1
    assert known.title == "Owner"


@pytest.mark.parametrize(("path", "said", "kind"), [
    ("company", {"name": "Barford Builders"}, Company),
    ("project", {"project_id": "P-77", "name": "Tower"}, Project),
    ("contact", {"first_name": "Alma", "last_name": "Barford", "email": "alma@example.com"}, Contact),
])  # fmt: skip
def test_people_make_new_rows_through_services(boss, path, said, kind):
    response = boss.post(f"/admin/crm/{path}/add/", said, follow=True)

    assert response.status_code == 200
    assert kind.objects.count() == 1
    assert "created." in response.content.decode()


# Verbs


def ask(client: Client, row, verb: str, **answers):
    """Do it as a person does: look at the question, then answer it."""
    url = f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/do/{verb}/"
    assert client.get(url).status_code == 200
    return client.post(url, answers, follow=True)


def test_suppressing_a_person_suppresses_every_number_and_address_of_theirs(boss):
    person = ContactFactory(phone="+15125550142", email="alma@example.com")

    ask(boss, person, "suppress", reason="asked", words="Leave me alone")

    assert Suppression.objects.standing().count() == 2
    assert Endpoint.objects.filter(suppressed_at=None).count() == 0


def test_a_list_says_how_many_rows_a_verb_means_and_does_nothing_before_it_is_confirmed(boss):
    people = [ContactFactory(phone=f"+151255501{n:02}") for n in range(3)]
    ticked = {"action": "suppress", "_selected_action": [str(one.pk) for one in people], "index": "0"}

    asked = boss.post(CONTACTS, ticked)
    before = Suppression.objects.count()
    confirmed = {**ticked, "confirmed": "1", "reason": "list"}
    confirmed.pop("index")
    done = boss.post(CONTACTS, confirmed, follow=True)

    assert "3 contacts" in asked.content.decode()
    assert (before, Suppression.objects.count()) == (0, 3)
    assert "3 contacts suppressed." in done.content.decode()


def test_a_verb_that_asks_nothing_else_still_asks_before_it_is_done_to_many(boss):
    people = [ContactFactory() for _ in range(2)]

    asked = boss.post(CONTACTS, {"action": "claim", "_selected_action": [str(one.pk) for one in people], "index": "0"})

    assert "Make mine: 2 contacts?" in asked.content.decode()
    assert not Contact.objects.exclude(owner=None).exists()


def test_a_refusal_is_told_and_stops_nobody_else(boss):
    lonely, reachable = ContactFactory(name="Lonely"), ContactFactory(phone="+15125550142")
    ticked = {"action": "suppress", "_selected_action": [str(lonely.pk), str(reachable.pk)], "confirmed": "1"}

    done = boss.post(CONTACTS, {**ticked, "reason": "list"}, follow=True).content.decode()

    assert "1 contact suppressed." in done
    assert "Lonely has no number or address to suppress" in done


def test_a_verb_is_not_done_to_more_rows_than_a_person_can_mean(boss):
    Contact.objects.bulk_create(Contact(name=f"Person {n}") for n in range(501))
    first = Contact.objects.first()
    ticked = {"action": "suppress", "_selected_action": [str(first.pk)], "select_across": "1", "index": "0"}

    response = boss.post(CONTACTS, ticked, follow=True)

    assert "more than 500 rows" in response.content.decode()


def test_lifting_needs_an_admin_and_a_reason(boss, rep):
    standing = SuppressionFactory(endpoint=ContactFactory(phone="+15125550142").points.first().endpoint)

    refused = signed_in(rep).post(f"/admin/crm/suppression/{standing.pk}/do/lift/", {"reason": "No"})
    silent = ask(boss, standing, "lift", reason="")
    done = ask(boss, standing, "lift", reason="They called us")

    standing.refresh_from_db()
    assert refused.status_code == 403
    assert "This field is required" in silent.content.decode()
    assert "1 suppression lifted." in done.content.decode()
    assert standing.lift_reason == "They called us"


def test_numbers_are_added_marked_and_brought_to_the_front(boss):
    person = ContactFactory(phone="+15125550142")

    ask(boss, person, "add-point", kind="phone", value="(512) 555-0143", label="mobile")
    second = ContactPoint.objects.get(endpoint__value="+15125550143")
    ask(boss, second, "first")
    ask(boss, person.points.get(endpoint__value="+15125550142"), "wrong")

    person.refresh_from_db()
    assert person.primary_phone == "+15125550143"
    assert person.points.get(endpoint__value="+15125550142").state == "wrong_person"


def test_a_label_is_corrected_and_a_line_rests_on_their_pages(boss, rep):
    point = give_point(ContactFactory(), "phone", "+15125550134", label="ofice", extension="1")
    form = signed_in(rep).get(f"/admin/crm/contactpoint/{point.pk}/do/describe/").content.decode()
    ask(signed_in(rep), point, "describe", label="office", extension="")
    refused = signed_in(rep).get(f"/admin/crm/endpoint/{point.endpoint_id}/do/rest/")
    past = ask(boss, point.endpoint, "rest", until="2001-01-01T12:00")
    ask(boss, point.endpoint, "rest", until="2999-01-01T12:00")

    point.refresh_from_db()
    assert 'value="ofice"' in form
    assert (point.label, point.extension) == ("office", "")
    assert refused.status_code == 403
    assert "has passed" in past.content.decode()
    assert point.endpoint.failed_until.year == 2999
    ask(boss, point.endpoint, "rest", until="")
    assert Endpoint.objects.get().failed_until is None


def test_consent_is_kept_as_evidence_and_can_be_taken_back(rep):
    person, client = ContactFactory(phone="+15125550142"), signed_in(rep)

    ask(client, person, "consent", kind="given", channel="sms", source="Web form", evidence="Yes, text me")
    given = Contact.objects.get(pk=person.pk).consent_given
    ask(client, person, "consent", kind="withdrawn", source="Call")

    assert given
    assert not Contact.objects.get(pk=person.pk).consent_given
    assert list(person.consents.order_by("id").values_list("kind", "evidence", "by__name")) == [
        ("given", "Yes, text me", "Rae Rep"), ("withdrawn", "", "Rae Rep"),
    ]  # fmt: skip


def test_somebody_is_put_into_a_project_from_their_page(rep):
    person, project, client = ContactFactory(), ProjectFactory(), signed_in(rep)

    link = client.get(page_url(person)).content.decode().split("Put in a project")[0].rsplit('href="', 1)[1][:-2]
    chosen = client.get(link).context["adminform"].form.initial["contact"]
    client.post(link, {"contact": chosen, "project": project.pk, "roles": "Owner, General contractor", "priority": 3})

    pair = ProjectContact.objects.get(contact=person, project=project)
    assert (pair.roles, pair.priority) == (["owner", "general_contractor"], 3)


def test_deleting_is_soft_and_can_be_undone(boss, rep):
    person = ContactFactory()

    refused = signed_in(rep).get(f"/admin/crm/contact/{person.pk}/do/delete/")
    ask(boss, person, "delete")
    gone = Contact.objects.get(pk=person.pk).deleted_at
    ask(boss, person, "restore")

    assert refused.status_code == 403
    assert gone is not None
    assert Contact.objects.get(pk=person.pk).deleted_at is None


def test_a_rep_makes_a_free_person_theirs_and_only_an_admin_gives_people_away(boss, rep):
    person, other = ContactFactory(), UserFactory(bdr=True)

    ask(signed_in(rep), person, "claim")
    mine = Contact.objects.get(pk=person.pk).owner
    refused = signed_in(rep).get(f"/admin/crm/contact/{person.pk}/do/assign/")
    ask(boss, person, "assign", owner=str(other.pk))

    assert mine == rep
    assert refused.status_code == 403
    assert Contact.objects.get(pk=person.pk).owner == other


def test_review_items_are_put_away_by_admins(boss, rep):
    item = ReviewItemFactory()

    refused = signed_in(rep).post(f"/admin/crm/reviewitem/{item.pk}/do/resolve/")
    ask(boss, item, "resolve")

    assert refused.status_code == 403
    assert ReviewItem.objects.get(pk=item.pk).resolved_by.name == "Ada Admin"


# Users


def test_an_admin_lets_somebody_in_with_a_role(boss):
    said = {"email": "New@Clearline.example", "name": "Nia New", "role": "bdr", "time_zone": "America/Denver"}

    weak = boss.post("/admin/crm/user/add/", {**said, "password": "short"})
    boss.post("/admin/crm/user/add/", {**said, "password": "a rather long pass phrase"})

    new = User.objects.get(email="new@clearline.example")
    assert "too short" in weak.content.decode()
    assert list(new.groups.values_list("name", flat=True)) == ["bdr"]
    assert new.check_password("a rather long pass phrase")
    assert "a rather long" not in str(list(AuditEvent.objects.values_list("new", flat=True)))


def test_nobody_locks_themselves_or_the_last_admin_out(boss):
    me = User.objects.get(name="Ada Admin")

    myself = ask(boss, me, "deactivate")
    url = f"{page_url(me)}?tab=edit"
    last = boss.post(url, {**form_of(boss, url), "role": "bdr"})

    me.refresh_from_db()
    assert "You cannot deactivate your own account" in myself.content.decode()
    assert "is the only admin" in last.content.decode()
    assert me.is_active
    assert me.is_admin


def test_a_deactivated_user_is_out_at_once(boss, rep):
    client = signed_in(rep)
    assert client.get("/admin/").status_code == 200

    ask(boss, rep, "deactivate")

    assert client.get("/admin/").status_code == 302


def test_a_new_password_ends_every_session(boss, rep):
    client = signed_in(rep)

    differing = ask(boss, rep, "password", password="a rather long pass phrase", again="another")
    ask(boss, rep, "password", password="a rather long pass phrase", again="a rather long pass phrase")

    rep.refresh_from_db()
    assert "not the same" in differing.content.decode()
    assert rep.check_password("a rather long pass phrase")
    assert client.get("/admin/").status_code == 302


# History


def test_history_shows_who_changed_what_from_what_to_what(boss, rep):
    person = ContactFactory(title="Owner")
    client = signed_in(rep)
    url = f"{page_url(person)}?tab=edit"
    client.post(url, {**form_of(client, url), "title": "Director"})

    shown = boss.get(f"/admin/crm/contact/{person.pk}/history/").content.decode()

    assert "Rae Rep" in shown
    assert "Owner</del>" in shown
    assert "Director</ins>" in shown


def test_a_history_keeps_silent_about_parts_in_projects_one_does_not_see(boss, rep):
    person = ContactFactory(owner=rep)
    for project in (ProjectFactory(name="Open Tower"), ProjectFactory(name="Secret", owner=UserFactory(bdr=True))):
        pair = ProjectContactFactory(contact=person, project=project)
        ProjectContact.objects.filter(pk=pair.pk).update(suppress_reason=f"said of {project.name}")
    url = f"/admin/crm/contact/{person.pk}/history/"

    seen, whole = (client.get(url).content.decode() for client in (signed_in(rep), boss))

    assert "said of Open Tower" in seen
    assert "said of Secret" not in seen
    assert "said of Secret" in whole


def test_a_history_is_the_whole_life_with_lost_numbers_and_lines_that_rest(boss, rep, at):
    person, stranger = ContactFactory(name="Pat Sample"), ContactFactory(phone="+13105550134")
    with acting(user=rep.pk, ip="192.0.2.7", user_agent="Browser/7 (Example)"):
        lost = points.add_point(contact=person, kind="phone", value="+12145550134", label="old desk", at=at)
        points.remove_point(point=lost, at=at)
    line = points.add_point(contact=person, kind="phone", value="+15125550134", at=at).endpoint
    points.mark_failed(endpoint=line, until=at + timedelta(days=3), at=at)
    Endpoint.objects.filter(pk=line.pk).update(owner=stranger)
    points.remove_point(point=stranger.points.get(), at=at)

    shown = boss.get(f"/admin/crm/contact/{person.pk}/history/").content.decode()

    assert shown.count("old desk") == 2  # its birth and its end
    assert "Browser/7 (Example)" in shown
    assert "2026-06-19 18:00 UTC" in shown
    assert f"{stranger}</ins>" in shown
    assert "+13105550134" not in shown


def test_a_row_that_came_in_bulk_has_its_creation_in_its_history(boss):
    with acting(service="intake", bulk=True):
        person = ContactFactory(source="permits")
    assert not AuditEvent.objects.filter(entity_id=person.pk).exists()

    assert "Contact created" in boss.get(f"/admin/crm/contact/{person.pk}/history/").content.decode()


def test_an_account_that_does_not_balance_says_so(boss):
    good = IntakeRunFactory(rows_done=3, counts={"rows.created": 2, "rows.refused": 1})
    bad = IntakeRunFactory(rows_done=5, counts={"rows.created": 2})

    assert "Balances" in boss.get(page_url(good)).content.decode()
    assert "Off by 3" in boss.get(page_url(bad)).content.decode()


def test_refused_rows_are_downloaded_as_far_as_they_are_committed(boss, rep, tmp_path):
    file = tmp_path / "permits.csv.refused.csv"
    file.write_bytes(b"NAME,_reason\r\nX,No name\r\nhalf a li")
    run = IntakeRunFactory(refused_file=str(file), refused_bytes=25, warned_bytes=9, warned_file="/nowhere/w.csv")
    url = f"/admin/crm/intakerun/{run.pk}/refused.csv"

    said = boss.get(page_url(run)).content.decode()
    sent = boss.get(url)

    assert url in said
    assert "on the machine that read the file: /nowhere/w.csv" in said
    assert b"".join(sent.streaming_content) == b"NAME,_reason\r\nX,No name\r\n"
    assert sent.headers["Content-Disposition"].startswith("attachment")
    assert signed_in(rep).get(url).status_code in {403, 404}
    assert boss.get(f"/admin/crm/intakerun/{run.pk}/warnings.csv").status_code == 404


@pytest.mark.parametrize(("path", "status", "words"), [
    ("/admin/crm/contact/01890000-0000-7000-8000-000000000000/change/", 404, "There is nothing here"),
    ("/admin/crm/contact/no-key/change/", 404, "There is nothing here"),
    ("/admin/crm/user/", 403, "This is not yours to do"),
    ("/admin/crm/contact/?name__contains=a", 400, "That request makes no sense here"),
])  # fmt: skip
def test_refusals_are_pages_for_people(rep, path, status, words):
    response = signed_in(rep).get(path)

    assert response.status_code == status
    assert words in response.content.decode()
