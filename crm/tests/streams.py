"""Streams of records for property tests, from alphabets so small that everything collides with everything."""

from decimal import Decimal

from hypothesis import strategies as st

from crm.services.feeds.records import CompanyIn, Doubt, EmailIn, Party, PhoneIn, PlaceIn, ProjectIn, Record, Refused
from crm.services.normalization.names import match_key

PHONES = [PhoneIn(f"(512) 555-013{n}", f"+1512555013{n}", "", "mobile_or_landline", "work") for n in range(3)]
PHONES += [
    PhoneIn("5125550130 x7", "+15125550130", "7", "mobile_or_landline", "mobile"),
    PhoneIn("5125550131", "+15125550131", "", "mobile_or_landline", "", True),
]
EMAILS = [EmailIn(f"{name}@Example.com", f"{name}@example.com") for name in ("ada", "bo")]
PLACES = [
    PlaceIn("address", "", "mailing", city="Reno", region="NV", country="US", postal_code="89501"),
    PlaceIn("social", "https://example.com/ada", "facebook", verified=True),
]
COMPANIES = [None, None, CompanyIn(name="Example Plumbing"), CompanyIn(external_id="c-1", name="Sample Builders LLC")]


def _party(
    name: str, contact_id: str, phones: list[PhoneIn], emails: list[EmailIn], role: str, **rest: object
) -> Party:
    return Party(
        roles=(role,) if role else (),
        contact_id=contact_id,
        name=name,
        name_as_listed=name,
        listed_key=match_key(name),
        phones=tuple(phones),
        emails=tuple(emails),
        **rest,
    )


parties = st.builds(
    _party,
    name=st.sampled_from(["", "Ann", "Bob", "bob", "Cid"]),
    contact_id=st.sampled_from(["", "", "x", "y", "z"]),
    phones=st.lists(st.sampled_from(PHONES), max_size=2, unique_by=lambda phone: phone.e164),
    emails=st.lists(st.sampled_from(EMAILS), max_size=2, unique=True),
    role=st.sampled_from(["owner", "builder", ""]),
    company=st.sampled_from(COMPANIES),
    title=st.sampled_from(["", "", "Owner", "Clerk"]),
    city=st.sampled_from(["", "Austin", "Reno"]),
    region=st.sampled_from(["", "TX", "NV"]),
    do_not_call=st.sampled_from([None, None, None, False, True]),
    consent_given=st.sampled_from([None, None, None, False, True]),
    preferred_channel=st.sampled_from(["", "", "call", "sms"]),
    conversion_probability=st.sampled_from([None, None, 0.0, 0.35]),
    places=st.lists(st.sampled_from(PLACES), max_size=2, unique=True).map(tuple),
    suppress_for_project=st.sampled_from([None, None, None, True]),
    is_primary=st.sampled_from([None, None, True]),
    pair_priority=st.sampled_from(["", "", "high"]),
    attributes=st.sampled_from([{}, {}, {"floor": "1"}, {"floor": "2", "note": 'a "b"\\c\td'}]),
).filter(lambda party: party.key[1])

projects = st.none() | st.builds(
    ProjectIn,
    project_id=st.sampled_from(["P-1", "P-2"]),
    name=st.sampled_from(["", "Tower", "Tower East"]),
    status=st.sampled_from(["", "Active", "Closed"]),
    value=st.sampled_from([None, Decimal("100.00"), Decimal("250.50")]),
    call_suppressed=st.sampled_from([None, None, None, True]),
)


@st.composite
def streams(draw: st.DrawFn, max_size: int = 12) -> list[Record | Refused]:
    """Rows of one file: mostly records, now and then a refused row or a warning."""
    items: list[Record | Refused] = []
    for row in range(1, draw(st.integers(1, max_size)) + 1):
        project, several = draw(projects), tuple(draw(st.lists(parties, max_size=2)))
        if not project and not several:
            items.append(Refused(row, row + 1, {"Name": ""}, "no_key", "There is nothing in this row."))
            continue
        doubts = (Doubt(row, row + 1, "Phone", "too_short", "Too short.", "555"),) if draw(st.booleans()) else ()
        items.append(Record(row, row + 1, project, several, doubts))
    return items
