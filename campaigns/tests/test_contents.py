from datetime import UTC, datetime

import pytest

from campaigns.models import ContentTemplate
from campaigns.services import contents

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
