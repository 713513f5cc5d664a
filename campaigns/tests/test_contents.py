from datetime import UTC, datetime

import pytest
from django.db import IntegrityError

from campaigns.models import ContentTemplate, EnrollmentStatus
from campaigns.services import contents, handling, statuses
from campaigns.tests.drawings import drawing, edge, node
from campaigns.tests.walks import begun, enrolled

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)


def test_the_same_key_again_changes_the_words() -> None:
    first, is_new = contents.put(key="hello", channel="sms", name="Hello", body="Hi", at=AT)
    again, is_new_again = contents.put(key="hello", channel="sms", name="Hello", body="Hello", at=AT)
    assert (is_new, is_new_again) == (True, False)
    assert (first.pk, ContentTemplate.objects.get().body) == (again.pk, "Hello")


def test_a_key_stays_with_its_channel() -> None:
    contents.put(key="hello", channel="sms", name="Hello", body="Hi", at=AT)
    with pytest.raises(contents.KeyTaken):
        contents.put(key="hello", channel="voicemail", name="Hello", body="Hi", at=AT)


@pytest.mark.parametrize(
    ("channel", "subject", "body", "fields"),
    [
        ("sms", "", " \n", {"body"}),
        ("sms", "", "x" * 1_601, {"body"}),
        ("sms", "A subject", "Hi", {"subject"}),
        ("sms", "", "{{contact.shoe}}", {"body"}),
        ("sms", "", "{{contact.name", {"body"}),
        ("sms", "", "\x1b[31m", {"body"}),
        ("email", "", "Hi", {"subject"}),
        ("email", "Hi\nBcc: all@example.com", "Hi", {"subject"}),
        ("email", "{{event.shoe}}", "Hi", {"subject"}),
        ("email", "\0", "\ud800", {"subject", "body"}),
    ],
)
def test_what_cannot_be_sent_is_refused_by_field(channel: str, subject: str, body: str, fields: set[str]) -> None:
    with pytest.raises(contents.UnusableContent) as refused:
        contents.put(key="hello", channel=channel, name="Hello", subject=subject, body=body, at=AT)
    assert refused.value.details.keys() == fields
    assert not ContentTemplate.objects.exists()


def test_a_preview_says_what_is_missing_and_how_long_it_gets() -> None:
    found = contents.preview(
        channel="sms",
        subject="",
        body="Hi {{contact.first_name}}, {{event.hook}}",
        values={"contact.first_name": "Zoë", "event.hook": ""},
    )
    assert (found.body, found.missing, found.later) == ("Hi Zoë, ", ("event.hook",), ())
    assert found.length
    assert (found.length.encoding, found.length.odd) == ("UCS-2", ("ë",))


def test_an_archived_content_comes_back_when_it_is_written_again() -> None:
    row, _ = contents.put(key="hello", channel="sms", name="Hello", body="Hi", at=AT)
    contents.archive(row=row, by=None, at=AT)
    assert not ContentTemplate.objects.in_use().exists()
    contents.put(key="hello", channel="sms", name="Hello", body="Hi", at=AT)
    assert ContentTemplate.objects.in_use().exists()


def test_only_what_is_taken_is_called_taken() -> None:
    statuses.put(name="Contacted twice", at=AT)
    other, _ = statuses.put(name="Contacted", at=AT)
    with pytest.raises(statuses.Taken):
        statuses.edit(row=other, changes={"name": "Contacted twice"}, by=None, at=AT)
    with pytest.raises(IntegrityError, match="place"):
        statuses.edit(row=other, changes={"place": -1}, by=None, at=AT)


def test_a_status_that_graphs_or_histories_name_keeps_its_name():
    drawn = drawing(node("ask", "branch"), node("call", "stage", status="To call"), "ask:else>call",
                    edge("ask:met>call", fact="enrollment.status", value="Met", **{"is": "equal"}))  # fmt: skip
    for name in ("To call", "Met", "Had"):
        statuses.put(name=name, at=AT)
    (walk,) = enrolled(begun(drawn))
    handling.set_status([walk.pk], status=EnrollmentStatus.objects.get(name="Had"), by=None, at=AT)
    for name in ("To call", "Met", "Had"):
        row = EnrollmentStatus.objects.get(name=name)
        with pytest.raises(statuses.InUse, match=f"{name} is named by graphs"):
            statuses.edit(row=row, changes={"name": "Other"}, by=None, at=AT)
        assert statuses.edit(row=row, changes={"name": name, "place": 7}, by=None, at=AT).place == 7
    fresh, _ = statuses.put(name="Frehs", at=AT)
    assert statuses.edit(row=fresh, changes={"name": "Fresh"}, by=None, at=AT).name == "Fresh"
