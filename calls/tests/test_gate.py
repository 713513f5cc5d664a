"""The two faces of the gate say the same: rule by rule, and as a whole, over random worlds."""

import itertools
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.rules import opening
from calls.services import deciding, queue, sieve
from calls.tests import worlds
from calls.tests.factories import callable_pair, first_point
from config.kernel import kept
from config.kernel.gate import GATE_ERROR, Asked, Gate, GateFault, Level, gate, pack, unpack
from config.testing import NOON, examples
from crm.choices import Channel, GateAction
from crm.models import ContactPoint, GateDecision, ProjectContact
from crm.tests.factories import UserFactory

RULES = gate.rules(Channel.CALL)
pytestmark = pytest.mark.django_db


IN_ORDER = [
    "deleted", "project_suppressed", "do_not_call", "pair_suppressed", "no_callable_number", "wrong_person",
    "endpoint_suppressed", "number_failed", "terminal_everyone", "terminal_project", "terminal_contact",
    "terminal_pair", "project_not_yet", "cooldown", "day_cap", "week_cap", "leased", "terminal_endpoint",
    "number_day_cap", "number_week_cap", "outside_hours", "number_leased",
]  # fmt: skip


def test_every_rule_of_the_house_stands_at_the_gate_in_the_order_of_the_waterfall():
    assert [rule.code for rule in RULES] == IN_ORDER


def asked_by(user, **options):
    return Asked(at=NOON, channel=Channel.CALL.value, user_id=user.pk, **options)


def verdicts_of(world):
    """Every pair with every point of its contact, or with none, judged by the pure faces."""
    opening.book()
    points = deciding.points_of([contact.pk for contact in world.contacts])
    asked_about = [(pair, point) for pair in world.pairs for point in points[pair.contact_id] or [None]]
    approaches = [deciding.approach_of(pair=p, contact_id=p.contact_id, point=point) for p, point in asked_about]
    return dict(zip(asked_about, gate.decide(approaches, asked=asked_by(world.user)), strict=True))


@examples(10)
@given(data=st.data())
def test_both_faces_say_the_same_of_any_world_and_what_is_stored_replays_it(data):
    """One world for all of it, because making it is most of the work."""
    with worlds.undone():
        world = worlds.build(data.draw)
        verdicts = verdicts_of(world)
        every_rule_says_the_same_of_facts_and_of_rows(world, verdicts)
        the_composed_verdict_is_the_same_per_pair(world, verdicts)
        for verdict in verdicts.values():
            the_earliest_moment_passes_and_the_moment_before_does_not(verdict)
            stored_facts_replay_the_verdict_and_are_small(verdict)


def every_rule_says_the_same_of_facts_and_of_rows(world, verdicts):
    """Both row by row and by sets."""
    points = {p.pk for _, p in verdicts if p}
    pairs = {pair.pk for pair, _ in verdicts}
    for asked, rule in itertools.product([asked_by(world.user, wide=wide) for wide in (False, True)], RULES):
        if rule.level is Level.ENDPOINT:
            pure = {p.pk for (_, p), verdict in verdicts.items() if p and rule.code in verdict.codes}
            in_sql = ContactPoint.objects.reaching(Channel.CALL).filter(rule.excludes(asked), pk__in=points)
        else:
            pure = {pair.pk for (pair, _), verdict in verdicts.items() if rule.code in verdict.codes}
            in_sql = ProjectContact.objects.filter(rule.excludes(asked), pk__in=pairs)

        assert set(in_sql.values_list("pk", flat=True)) == pure, (rule.code, "by sets" if asked.wide else "row by row")


def the_composed_verdict_is_the_same_per_pair(world, verdicts):
    pure = {pair.pk for (pair, _), verdict in verdicts.items() if verdict.allowed}

    assert set(ProjectContact.objects.callable(asked_by(world.user)).values_list("pk", flat=True)) == pure


def the_earliest_moment_passes_and_the_moment_before_does_not(verdict):
    earliest = gate.earliest(verdict)
    if earliest is not None and not verdict.allowed:
        assert not gate.judge(verdict.facts, earliest, Channel.CALL)
        assert gate.judge(verdict.facts, earliest - timedelta(microseconds=1), Channel.CALL)


def stored_facts_replay_the_verdict_and_are_small(verdict):
    """A permission takes a kilobyte at most; a refusal on which everything stands may take two."""
    stored = json.dumps(pack(verdict.facts))
    replayed = gate.judge(unpack(json.loads(stored)), verdict.at, Channel.CALL)

    assert [block.code for block in replayed] == [block.code for block in verdict.blocks]
    assert len(stored) <= (1000 if verdict.allowed else 2000)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_that_breaks_blocks_whomever_it_was_asked_about(rule, monkeypatch, at):
    pair, user = callable_pair(), UserFactory(admin=True)
    assert queue.explain(pair=pair, user=user, at=at).callable

    def broken(self, *args):
        raise RuntimeError("out of order")

    monkeypatch.setattr(type(rule), "blocks", broken)
    explained = queue.explain(pair=pair, user=user, at=at)
    assert not explained.callable
    assert explained.earliest is None
    assert GATE_ERROR in {block.code for block in explained.blocks}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_that_cannot_be_put_into_sql_offers_nobody(rule, monkeypatch, at):
    callable_pair()
    user = UserFactory(admin=True)
    assert queue.next_callable(user=user, at=at)

    def broken(self, *args):
        raise RuntimeError("out of order")

    monkeypatch.setattr(type(rule), "excludes", broken)
    monkeypatch.setattr(sieve, "_texts", kept.Shelf(1))
    with pytest.raises(GateFault):
        queue.next_callable(user=user, at=at)


def test_a_touch_without_a_moment_blocks_and_is_not_overlooked(at):
    rule = next(rule for rule in RULES if rule.code == "day_cap")
    with pytest.raises(TypeError):
        rule.blocks({"touches.contact": ["yesterday"], "policy.day_cap": 3}, at)


def test_a_source_of_facts_that_breaks_blocks_everything(monkeypatch, at):
    pair, user = callable_pair(), UserFactory(admin=True)

    def broken(approaches, *, asked):
        raise RuntimeError("out of order")

    monkeypatch.setattr(gate, "_sources", [*gate._sources, broken])

    assert not queue.explain(pair=pair, user=user, at=at).callable


def test_a_refusal_is_stored_once_until_its_reasons_change(at):
    pair = callable_pair(suppress_for_project=True)
    user = UserFactory(admin=True)

    def refuse():
        point = first_point(pair.contact)
        approach = deciding.approach_of(pair=pair, contact_id=pair.contact_id, point=point)
        return deciding.prove(action=GateAction.LEASE, approaches=[approach], user_id=user.pk, at=at)

    refuse(), refuse()
    assert [row.codes for row in GateDecision.objects.all()] == [["pair_suppressed"]]

    pair.contact.do_not_call = True
    pair.contact.save()
    refuse()
    assert [row.codes for row in GateDecision.objects.all()] == [
        ["do_not_call", "pair_suppressed"],
        ["pair_suppressed"],
    ]


def test_the_rule_set_has_a_version_that_changes_with_any_rule(monkeypatch):
    def version_of(rules):
        one = Gate()
        one.register(rules=rules)
        return one.version

    before = version_of(RULES)
    assert version_of(RULES) == before
    assert version_of(RULES[1:]) != before
    monkeypatch.setattr(type(RULES[0]), "version", 2)

    assert version_of(RULES) != before
