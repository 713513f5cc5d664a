from datetime import UTC, datetime

import pytest
from django.core.management import call_command

from campaigns.models import ContentTemplate, SendingAccount, Template, TemplateVersion
from campaigns.rules.validation import faults
from campaigns.services import contents, demo, graphs, senders, surroundings

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)


def test_what_is_shipped_has_no_fault_and_is_published(capsys):
    call_command("demo_templates")
    assert "4 published" in capsys.readouterr().out
    assert {row.number for row in TemplateVersion.objects.all()} == {1}
    for row in Template.objects.all():
        assert (
            faults(graphs.drawing_of(row.draft), surroundings.known(senders=frozenset({"sms", "email", "voicemail"})))
            == []
        )


def test_every_shipped_content_is_sent_by_some_template():
    demo.install(at=AT)
    named = {
        node.config.get(name)
        for row in Template.objects.all()
        for node in graphs.drawing_of(row.draft).nodes
        for name in ("content", "script")
    }
    assert named - {None} == set(ContentTemplate.objects.values_list("key", flat=True))


def test_a_reply_is_for_a_person_and_only_who_said_that_they_come_is_reminded():
    demo.install(at=AT)
    drawn = graphs.drawing_of(Template.objects.get(name="Event by e-mail").draft)
    after = {edge.target for key in ("answer", "second") for edge in drawn.leaving(key) if edge.label == "happened"}
    assert [drawn.by_key[key].config for key in after] == [{"status": "Needs BDR"}]
    (way,) = [edge for edge in drawn.edges if edge.target == "remind"]
    assert way.condition == {"fact": "enrollment.status", "is": "equal", "value": "Received RSVP"}
    assert [node.key for node in drawn.nodes if node.config.get("status") == "Received RSVP"] == []
    answered = {"answered": "talk", "talk": "day-before", "day-before": "coming"}
    assert {key: drawn.leaving(key)[0].target for key in answered} == answered


def test_what_somebody_has_written_is_left_alone():
    contents.put(key="thanks-sms", channel="sms", name="Ours", body="Thanks", at=AT)
    written, published = demo.install(at=AT)
    assert (written, published) == (10, 4)
    assert ContentTemplate.objects.get(key="thanks-sms").body == "Thanks"
    assert demo.install(at=AT) == (0, 0)


def test_a_new_house_can_send_at_once_to_nobody():
    SendingAccount.objects.create(name="Ours", channel="sms", provider="sms", address="+15125550177")
    assert [demo.install_accounts(at=AT), demo.install_accounts(at=AT)] == [2, 0]
    assert senders.channels_of(None) == {"sms", "email", "voicemail"}
    simulated = SendingAccount.objects.exclude(name="Ours").values_list("name", flat=True)
    assert sorted(simulated) == ["Simulated E-mail", "Simulated Voicemail"]


def test_where_a_real_provider_serves_a_channel_nobody_is_set_up_for_it(settings):
    carrier = {"BACKEND": "campaigns.tests.carriers.Carrier", "OPTIONS": {"ledger": ":memory:"}}
    settings.PROVIDERS = {**settings.PROVIDERS, "sms": carrier}
    assert demo.install_accounts(at=AT) == 2
