"""What admins decide: outcomes, how often, and when a law was looked up."""

from datetime import date, timedelta

import pytest
from django.core.cache import cache

from calls.models import CallingHours, CallingPolicy, Disposition
from calls.services import rulebook
from calls.tasks import refresh_stale_hints
from crm.models import AuditEvent, User
from crm.tests.factories import ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def admin() -> User:
    return UserFactory(admin=True)


def test_an_outcome_is_changed_and_the_change_is_remembered(admin, at):
    row = Disposition.objects.get(key=4)

    rulebook.edit(row=row, changes={"retry_after": DAY}, by=admin, at=at)

    row.refresh_from_db()
    assert row.retry_after == DAY
    assert AuditEvent.objects.filter(entity_id=row.pk).latest("id").actor == admin


@pytest.mark.parametrize(("changes", "field"), [
    ({"key": 12}, "key"), ({"name": ""}, "name"), ({"retry_after": -DAY}, "retry_after"),
    ({"terminal_for": 5000 * DAY}, "terminal_for"), ({"sentiment": "cross"}, "sentiment"),
])  # fmt: skip
def test_what_cannot_be_kept_is_named_and_changes_nothing(admin, at, changes, field):
    row = Disposition.objects.get(key=4)

    with pytest.raises(rulebook.UnusableRule) as refusal:
        rulebook.edit(row=row, changes=changes, by=admin, at=at)

    assert field in refusal.value.details
    assert Disposition.objects.get(pk=row.pk).name == "No answer"


@pytest.mark.parametrize(("causes", "fields"), [
    ({"do_not_call", "asks_callback"}, {"asks_callback"}),
    ({"wrong_person", "asks_callback"}, {"asks_callback"}),
    ({"wrong_person", "do_not_call"}, {"do_not_call"}),
    ({"do_not_call", "asks_callback", "wrong_person"}, {"asks_callback", "do_not_call"}),
])  # fmt: skip
def test_an_outcome_does_not_cause_what_contradicts_itself(admin, at, causes, fields):
    with pytest.raises(rulebook.UnusableRule, match="Contradicts") as refusal:
        rulebook.add_disposition(name="Both", by=admin, at=at, **dict.fromkeys(causes, True))

    assert set(refusal.value.details) == fields
    assert not Disposition.objects.filter(name="Both").exists()


@pytest.mark.parametrize("cause", ["do_not_call", "asks_callback", "wrong_person"])
def test_an_outcome_may_cause_any_one_of_them(admin, at, cause):
    assert rulebook.add_disposition(name="One", by=admin, at=at, **{cause: True})[1]


def test_a_key_of_the_desk_belongs_to_one_outcome(admin, at):
    with pytest.raises(rulebook.Taken) as refusal:
        rulebook.add_disposition(name="Another", key=1, sentiment="neutral", by=admin, at=at)

    assert "key" in refusal.value.details


def test_a_project_may_be_stricter_than_the_rule_for_all(admin, at):
    project = ProjectFactory()

    row, new = rulebook.add_policy(project=project, day_cap=1, cooldown=2 * DAY, by=admin, at=at)

    assert new
    assert CallingPolicy.objects.get(project=project) == row


@pytest.mark.parametrize(
    "looser", [{"day_cap": 4}, {"week_cap": 11}, {"cooldown": DAY / 2}, {"cooldown_scope": "pair"}]
)
def test_a_project_may_not_be_looser_than_the_rule_for_all(admin, at, looser):
    with pytest.raises(rulebook.LooserThanAll) as refusal:
        rulebook.add_policy(project=ProjectFactory(), by=admin, at=at, **looser)

    assert set(refusal.value.details) == set(looser)
    assert not CallingPolicy.objects.exclude(project=None).exists()


def test_the_rule_for_all_allows_no_more_calls_a_day_than_the_strictest_states(admin, at):
    everybody = CallingPolicy.objects.get(project=None)

    with pytest.raises(rulebook.UnusableRule, match="Florida") as refusal:
        rulebook.edit(row=everybody, changes={"day_cap": 4}, by=admin, at=at)

    assert set(refusal.value.details) == {"day_cap"}


def test_the_queue_follows_a_new_rule_for_all(admin, at, django_capture_on_commit_callbacks, monkeypatch):
    everybody, rung = CallingPolicy.objects.get(project=None), []
    monkeypatch.setattr(refresh_stale_hints, "delay", lambda: rung.append(True))
    cache.delete(f"ring:{refresh_stale_hints.name}")  # another test may have rung this very second

    with django_capture_on_commit_callbacks(execute=True):
        rulebook.edit(row=everybody, changes={"cooldown": DAY / 6}, by=admin, at=at)

    assert rung


def test_the_rule_for_all_is_there_once(admin, at):
    with pytest.raises(rulebook.UnusableRule, match="Choose a project"):
        rulebook.add_policy(by=admin, at=at)


def test_a_law_that_was_looked_up_again_holds_for_another_half_year(admin, at):
    row = CallingHours.objects.filter(replaced_at=None).first()

    new = rulebook.verify_hours(row=row, verified_on=date(2026, 6, 1), source="Statute", by=admin, at=at)

    assert new.expires_on == date(2026, 6, 1) + timedelta(days=180)
    assert new.windows == row.windows
    with pytest.raises(rulebook.NotCurrent):
        rulebook.verify_hours(row=row, verified_on=date(2026, 6, 1), source="Statute", by=admin, at=at)


@pytest.mark.parametrize("said", [{"verified_on": date(2027, 1, 1)}, {"source": " "}])
def test_nobody_looks_a_law_up_tomorrow_or_nowhere(admin, at, said):
    row = CallingHours.objects.filter(replaced_at=None).first()

    with pytest.raises(rulebook.UnusableRule):
        rulebook.verify_hours(
            **{"row": row, "verified_on": date(2026, 6, 1), "source": "Statute", "by": admin, "at": at, **said}
        )

    assert CallingHours.objects.get(pk=row.pk).replaced_at is None
