"""How many pairs each rule keeps from the queue."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.services import waterfalls
from calls.tests import worlds
from calls.tests.factories import callable_pair
from config.kernel.gate import Level, gate
from config.testing import NOON, examples
from crm.choices import Channel
from crm.models import Project
from crm.tests.factories import ProjectFactory

pytestmark = pytest.mark.django_db


@examples(6)
@given(data=st.data())
def test_the_waterfall_counts_what_the_rules_say_of_each_pair(data):
    with worlds.undone():
        world = worlds.build(data.draw)
        row = waterfalls.count(project=None, at=NOON)
        rules = gate.rules(Channel.CALL)
        pair_codes = [rule.code for rule in rules if rule.level is not Level.ENDPOINT]
        number_codes = [rule.code for rule in rules if rule.level is Level.ENDPOINT]
        blocks, first, left = (
            dict.fromkeys(pair_codes + number_codes, 0),
            dict.fromkeys(pair_codes + number_codes, 0),
            0,
        )
        for verdicts in world.verdicts().values():
            codes = [set(verdict.codes) for verdict in verdicts]
            numbers = any(verdict.approach.endpoint_id for verdict in verdicts)
            lost = [code for code in pair_codes if code in codes[0]]
            alone = (
                [code for code in number_codes if all(code in found for found in codes)] if numbers else number_codes
            )
            chained = [
                code for index, code in enumerate(number_codes)
                if not numbers or all(found & set(number_codes[: index + 1]) for found in codes)
            ]  # fmt: skip
            for code in lost + alone:
                blocks[code] += 1
            if lost or chained:
                first[(lost + chained)[0]] += 1
            else:
                left += 1

        assert {rule["code"]: rule["blocks"] for rule in row.rules} == blocks
        assert {rule["code"]: rule["first"] for rule in row.rules} == first
        assert (row.callable, row.pairs) == (left, len(world.pairs))
        assert sum(first.values()) + left == row.pairs
        each = [waterfalls.count(project=project, at=NOON) for project in Project.objects.all()]
        for number in ("blocks", "first"):
            counted = Counter[str]()
            for part in each:
                counted.update({rule["code"]: rule[number] for rule in part.rules})
            assert dict(counted) == {rule["code"]: rule[number] for rule in row.rules}
        assert (sum(part.callable for part in each), sum(part.pairs for part in each)) == (left, row.pairs)


def test_a_waterfall_of_one_project_counts_its_pairs_only():
    project = ProjectFactory()
    callable_pair(project=project), callable_pair(project=project, suppress_for_project=True), callable_pair()

    row = waterfalls.count(project=project, at=NOON)

    assert (row.pairs, row.callable) == (2, 1)
    assert {rule["code"]: rule["first"] for rule in row.rules if rule["first"]} == {"pair_suppressed": 1}
