import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crm.services.normalization.companies import CompanyName, domain_of, parse_company
from crm.services.normalization.legal_forms import LEGAL_FORMS, form_at_end
from crm.tests.real_inputs import json_of, rows_of

COMPANY_LIKE = st.lists(
    st.sampled_from(["Ace", "the", "&", "Co.", "Ltd", "L", "C", "S.A.", "Oy", "AG", "Spa", "-", "Kö", "Inc,"]),
    max_size=6,
)


@pytest.mark.parametrize(
    "raw",
    [
        "Ace Electric",
        "ACE ELECTRIC, INC.",
        "Ace Electric Co., Inc.",
        "The Ace Electric Company",
        "ace  electric l.l.c.",
        "Ace Electric L L C",
        "Ace-Electric Limited Liability Company",
    ],
)
def test_spellings_of_a_company_meet_under_one_key(raw):
    assert parse_company(raw).key == "ace electric"


@pytest.mark.parametrize(
    ("raw", "key", "legal_form"),
    [
        ("A.B.C. Plumbing L.L.C.", "abc plumbing", "LLC"),
        ("J & J Roofing", "j and j roofing", ""),
        ("Joe's Nail Spa", "joes nail spa", ""),
        ("Esempio S.p.A.", "esempio", "SpA"),
        ("Beispiel AG", "beispiel", "AG"),
        ("Heartland Ag", "heartland ag", ""),
        ("Muster GmbH & Co. KG", "muster", "GmbH & Co KG"),
        ("Ejemplo S.A. de C.V.", "ejemplo", "SA de CV"),
        ("Sample Bank N.A.", "sample bank", "NA"),
        ("Oy Esimerkki Ab", "esimerkki", "AB"),
        ("Café Sample", "cafe sample", ""),
        ("株式会社サンプル", "株式会社サンプル", ""),
        ("Company Ltd", "company", "Ltd"),
        ("The The", "the", ""),
        ("Inc.", "inc", ""),
        ("!?", "", ""),
        ("", "", ""),
    ],
)
def test_a_company_has_a_key_and_a_legal_form(raw, key, legal_form):
    assert parse_company(raw) == CompanyName(raw, key, legal_form)


@given(COMPANY_LIKE.map(" ".join) | st.text(max_size=60))
@example("Ace-Ltd")
@example("the the x")
def test_a_key_is_its_own_key_and_a_name_reads_back_as_itself(raw):
    company = parse_company(raw)

    assert parse_company(company.key).key == company.key
    assert parse_company(company.text) == company


def test_labeled_base_names_have_the_key_of_the_full_name():
    rows = rows_of("names_companies/company_basename_pairs.csv")
    differing = [
        row["raw"] for row in rows if parse_company(row["raw"]).key != parse_company(row["expected_basename"]).key
    ]

    # the label leaves nothing at all of this one; ours keeps a key to find it by
    assert differing == ["Company Pvt. Ltd."]
    assert len(rows) - len(differing) >= json_of("names_companies/EXPECTED.json")["cleanco_ok"]


def test_the_legal_forms_of_the_united_states_are_known():
    listed = json_of("names_companies/legal_suffixes_cleanco.json")["terms_by_country"]["United States of America"]

    for term in listed:
        assert form_at_end(["Sample", *term.replace("&", "").replace("and ", "").split()])[1], term
    assert set(LEGAL_FORMS.values()) >= {"Inc", "Corp", "Co", "LLC", "PLLC", "LP", "LLP", "Ltd", "PC", "PA", "NA"}


def test_real_duplicates_meet_under_one_key():
    """Chicago writes one company 23 times and some in two spellings; no two with different phones may meet."""
    rows = rows_of("permits/chicago_general_contractor_licences_2014.csv")
    name = next(column for column in rows[0] if "name" in column.lower())

    spellings = {row[name] for row in rows}
    keys = {parse_company(spelling).key for spelling in spellings}
    assert 190 <= len(keys) <= len(spellings)
    assert "" not in keys


@pytest.mark.parametrize(
    ("raw", "domain"),
    [
        ("https://www.Example.com:8080/a?b#c", "example.com"),
        ("HTTP://WWW.EXAMPLE.COM", "example.com"),
        ("example.co.uk.", "example.co.uk"),
        ("//cdn.example.com/x", "cdn.example.com"),
        ("user:secret@host.example.org/x", "host.example.org"),
        ("Joe <joe@Example.com>", "example.com"),
        ("mailto:joe@example.com?subject=x", "example.com"),
        ("http://bücher.example/", "xn--bcher-kva.example"),
        ("http://127.0.0.1/", ""),
        ("localhost", ""),
        ("javascript:alert(1)", ""),
        ("http://", ""),
        ("N/A", ""),
        ("", ""),
    ],
)
def test_a_domain_is_found_in_addresses(raw, domain):
    assert domain_of(raw) == domain


@given(st.text(max_size=80))
def test_a_domain_is_its_own_domain(raw):
    assert domain_of(domain_of(raw)) == domain_of(raw)
