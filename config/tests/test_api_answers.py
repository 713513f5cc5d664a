"""Whatever is to be answered can be written, and is written alike, whatever stands beside it."""

import json
from datetime import timedelta
from decimal import Decimal

import orjson
import pytest

from campaigns.choices import Exit
from config.kernel.api.answers import Json
from config.kernel.ids import uuid7
from config.testing import NOON

HUGE = 10**308
VALUES = [
    uuid7(), NOON, NOON.date(), Decimal("1.50"), timedelta(minutes=1), Exit.ELSE, 1.5, float("nan"), True, None, (1, 2),
    {"a": {"b": None}}, {7: "seven"}, orjson.Fragment('{"as": ["it", "is"]}'),
]  # fmt: skip


def written(data):
    return json.loads(Json().render(data))


def test_a_refusal_may_quote_text_that_is_no_unicode():
    assert written({"error": "half \ud800"}) == {"error": "half \ud800"}


def test_a_whole_number_of_any_size_is_written():
    assert written({"number": HUGE, "below": [-HUGE]}) == {"number": HUGE, "below": [-HUGE]}


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("odd", [HUGE, "half \ud800"], ids=["huge", "half"])
def test_whatever_stands_beside_it_is_written_as_ever(value, odd):
    assert written({"value": [value], "odd": odd}) == {"value": written([value]), "odd": odd}


def test_indented_it_is_as_readable():
    assert Json().render({"number": HUGE}, renderer_context={"indent": 2}) == f'{{\n  "number": {HUGE}\n}}'.encode()
