"""What a resource takes: its own fields and no others."""

from typing import Any

from django.core.exceptions import FieldDoesNotExist
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.fields import empty

from config.kernel.api.fields import Shapes


class Told(serializers.Serializer):
    """An input. A field that nobody knows is refused by name: ignored, it would look as if it had been saved."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := [name for name in data if name not in self.fields]):
            known = ", ".join(self.fields)
            raise serializers.ValidationError(
                {name: [ErrorDetail(_refused(self, name, known), "unknown_field")] for name in unknown}
            )
        return super().to_internal_value(data)

    def run_validation(self, data: Any = empty) -> Any:
        if self.root is self and (data is empty or data is None):
            data = {}  # an empty body says nothing, which the required fields answer by name
        return super().run_validation(data)


def _refused(told: Any, name: str, known: str) -> str:
    model = getattr(getattr(told, "Meta", None), "model", None)
    try:
        there = model and model._meta.get_field(name)
    except FieldDoesNotExist:
        there = None
    if there:
        return f"This cannot be set here. What can be set: {known}."
    return f"There is no such field. There are: {known}."


class ModelTold(Told, Shapes):
    """An input with the shape of a model's fields. Whether the whole is allowed is the service's business.

    Uniqueness is not asked here: a row that exists already is what an upsert means.
    """

    def get_validators(self) -> list[Any]:
        return []

    def get_unique_together_validators(self) -> list[Any]:
        return []
