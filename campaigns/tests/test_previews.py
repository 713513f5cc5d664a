"""A content's preview on its page: found by words, in the contact's own, and of nobody whom one does not see."""

import pytest
from django.urls import reverse

from campaigns.admin import previews
from campaigns.models import ContentTemplate
from campaigns.services import values
from campaigns.tests.factories import CampaignFactory
from crm.tests.backoffice import page_url, signed_in
from crm.tests.factories import CompanyFactory, ContactFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def content():
    body = "Hi {{contact.first_name|there}} of {{company.name}}, see you in {{event.place}}?"
    return ContentTemplate.objects.create(key="hi", channel="sms", name="Hi", body=body)


def said(client, content, where="page", **asked):
    url = (
        reverse("admin:campaigns_contenttemplate_preview", args=[content.pk]) if where == "piece" else page_url(content)
    )
    return client.get(url, asked).content.decode()


@pytest.mark.parametrize("where", ["page", "piece"])
def test_somebody_is_found_by_a_word_and_reads_their_own_text(content, where):
    boss, person = signed_in(UserFactory(admin=True)), ContactFactory(name="Alma Barford", first_name="Alma")

    assert f"contact={person.pk}" in said(boss, content, where, who="barf")
    shown = said(boss, content, where, contact=person.pk)

    assert "Hi Alma of , see you in ?" in shown
    assert "Nobody has said: Company." in shown
    assert "put in when they are in one: Place of the event." in shown
    assert "25 units, GSM-7" in shown


@pytest.mark.parametrize("where", ["page", "piece"])
def test_a_campaign_says_what_its_tags_stand_for(content, where):
    rep, person = UserFactory(bdr=True), ContactFactory(name="Alma Barford", company=CompanyFactory(name="Ace"))
    campaign = CampaignFactory(name="Open house", event_place="Hill Hall")
    hidden = CampaignFactory(name="Hidden house", event_place="Cellar", sender=UserFactory(bdr=True))
    asked = {"who": "barf", "found_by": "barf", "contact": person.pk, "campaign": campaign.pk}
    shown = said(signed_in(rep), content, where, **asked)
    assert "of Ace, see you in Hill Hall?" in shown
    assert "put in when they are in one" not in shown
    assert "Hidden house" not in shown
    assert "see you in ?" in said(signed_in(rep), content, where, **asked | {"campaign": hidden.pk})
    assert f"campaign={campaign.pk}" in said(signed_in(rep), content, where, who="barf", campaign=campaign.pk)
    other = said(signed_in(rep), content, where, **asked | {"who": "alm"})
    assert f"contact={person.pk}" in other
    campaign.event_place = ""
    campaign.save()
    assert "Nobody has said: Place of the event." in said(signed_in(rep), content, where, **asked)


def test_an_older_campaign_than_those_offered_can_be_asked_for(content, monkeypatch):
    rep, person = signed_in(UserFactory(bdr=True)), ContactFactory()
    old, *_ = [CampaignFactory(name=name, event_place=name) for name in ("Hill Hall", "Barn", "Tent")]
    monkeypatch.setattr(previews, "OFFERED", 2)

    shown = said(rep, content, contact=person.pk, campaign=old.pk)

    assert "see you in Hill Hall?" in shown
    assert f'<option value="{old.pk}" selected>' in shown
    assert "Hill Hall" not in said(rep, content, contact=person.pk)


def test_whoever_has_everything_is_not_warned_and_an_odd_character_is_named(content):
    person = ContactFactory(first_name="Zoë—", company=CompanyFactory(name="Ace & <b>Sons</b>"))

    shown = said(signed_in(UserFactory(admin=True)), content, contact=person.pk)

    assert "Would not be sent" not in shown
    assert "units, UCS-2" in shown
    assert "Ace &amp; &lt;b&gt;Sons&lt;/b&gt;" in shown


@pytest.mark.parametrize("where", ["page", "piece"])
def test_a_rep_finds_and_reads_nobody_of_a_colleagues(content, where):
    rep = signed_in(UserFactory(bdr=True))
    theirs = ContactFactory(name="Alma Barford", first_name="Alma", owner=UserFactory(bdr=True))

    for asked in ({"who": "Barford"}, {"contact": theirs.pk}, {"contact": "no-id"}):
        shown = said(rep, content, where, **asked)
        assert "Nobody whom you see is found so." in shown
        assert "Alma" not in shown
        assert str(theirs.pk) not in shown.replace(f'value="{asked.get("contact")}"', "")


def test_finding_costs_the_same_however_many_are_found(content, django_assert_max_num_queries):
    boss, costs = signed_in(UserFactory(admin=True)), []
    for number in (1, 5):
        for _ in range(number):
            ContactFactory(name="Alma Barford", company=CompanyFactory())
        with django_assert_max_num_queries(12) as queries:
            said(boss, content, "piece", who="Barford")
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_of_what_a_source_said_only_what_is_plain_is_put_into_a_text():
    plain = {"trade": "Roofing", "crews": 3}
    person = ContactFactory(attributes={**plain, "tags": ["a", "b"], "raw": {"x": 1}, "none": None})
    found = {name: said for name, said in values.of_contact(person).items() if name.startswith("contact.attributes.")}
    assert found == {"contact.attributes.trade": "Roofing", "contact.attributes.crews": "3"}
