import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.models import Contact
from crm.services import quality
from crm.services.completeness import PARTS
from crm.services.quality import Quality
from crm.tests.factories import CompanyFactory, ContactFactory

COLUMNS = sorted({column for _, _, columns in PARTS for column in columns} - {"company_id"})


def test_the_weights_add_up_to_a_hundred():
    assert sum(weight for _, weight, _ in PARTS) == 100


def test_an_empty_contact_lacks_everything_and_a_complete_one_nothing():
    complete = Contact(company_id=Contact().pk, **dict.fromkeys(COLUMNS, "x"))

    assert quality.score(Contact()) == Quality(0, [words for words, _, _ in PARTS])
    assert quality.score(complete) == Quality(100, [])


def test_what_is_missing_is_said_in_words_with_the_weightiest_first():
    person = Contact(name="Pat Sample", first_name="Pat", primary_email="pat@example.com", city="Austin")

    assert quality.score(person) == Quality(
        30,
        [
            "a phone number",
            "a company",
            "a job title",
            "a city and a state",
            "a first and a last name",
            "a postal code",
        ],
    )


@pytest.mark.django_db
@given(
    filled=st.fixed_dictionaries({column: st.sampled_from(["", " ", "x", "0"]) for column in COLUMNS}),
    employed=st.booleans(),
    before=st.integers(0, 100),
)
def test_the_score_is_the_same_in_python_and_in_sql(filled, employed, before):
    company = CompanyFactory() if employed else None
    person = ContactFactory(company=company, data_quality=before, **filled)

    wrong = quality.refresh(contact_ids=[person.pk])
    stored = Contact.objects.get(pk=person.pk)

    assert stored.data_quality == quality.score(stored).score
    assert wrong == (stored.data_quality != before)


@pytest.mark.django_db
def test_many_scores_are_put_right_in_one_statement(django_assert_num_queries):
    people = ContactFactory.create_batch(20, title="Buyer")
    ids = [person.pk for person in people]

    with django_assert_num_queries(3):  # one, and the savepoint around it
        assert quality.refresh(contact_ids=ids) == 20
    assert quality.refresh(contact_ids=ids) == 0
    assert set(Contact.objects.values_list("data_quality", flat=True)) == {25}
