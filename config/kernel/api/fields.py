"""Fields that say things as people do: priorities in words, durations in seconds, only what one may see."""

from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import IntegerChoices
from rest_framework import serializers
from rest_framework.validators import UniqueValidator

from config.kernel.moments import OUT_OF_RANGE, is_kept


class WordField(serializers.ChoiceField):
    """A number in the database, a word outside: ``Priority.HIGH`` is "high"."""

    def __init__(self, words: type[IntegerChoices], **options: Any) -> None:
        self.numbers = {choice.name.lower(): choice for choice in words}
        self.words = {choice.value: word for word, choice in self.numbers.items()}
        super().__init__(choices=[(word, choice.label) for word, choice in self.numbers.items()], **options)

    def shown(self, value: int) -> str:
        return self.words[value]

    def to_representation(self, value: Any) -> Any:
        return self.words.get(value, value)

    def to_internal_value(self, data: Any) -> Any:
        return self.numbers[super().to_internal_value(data)]


class MomentField(serializers.DateTimeField):
    """A moment of a year that is kept, with its offset or in UTC."""

    default_error_messages = {"out_of_range": OUT_OF_RANGE, "overflow": OUT_OF_RANGE}

    def to_internal_value(self, value: Any) -> Any:
        moment = super().to_internal_value(value)
        if not is_kept(moment):
            self.fail("out_of_range")
        return moment


class DayField(serializers.DateField):
    """A day of a year that is kept."""

    default_error_messages = {"out_of_range": OUT_OF_RANGE}

    def to_internal_value(self, value: Any) -> Any:
        day = super().to_internal_value(value)
        if not is_kept(day):
            self.fail("out_of_range")
        return day


class SecondsField(serializers.Field):
    """A duration, as whole seconds."""

    most = 10 * 366 * 86_400
    default_error_messages = {
        "invalid": "A duration is a whole number of seconds, 0 or more.",
        "too_long": f"A duration is at most ten years: {most} seconds.",
    }

    def shown(self, value: timedelta) -> int:
        return int(value.total_seconds())

    def to_representation(self, value: Any) -> Any:
        return self.shown(value)

    def to_internal_value(self, data: Any) -> timedelta:
        if isinstance(data, bool) or not isinstance(data, int) or data < 0:
            self.fail("invalid")
        if data > self.most:
            self.fail("too_long")
        return timedelta(seconds=data)


class ObjectField(serializers.JSONField):
    """A JSON object, kept as it is."""

    default_error_messages = {"not_object": 'Expected an object, for example {{"key": "value"}}.'}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            self.fail("not_object")
        return super().to_internal_value(data)


class VisibleRelatedField(serializers.PrimaryKeyRelatedField):
    """Related objects the asking user may see; the others do not exist."""

    default_error_messages = {
        "does_not_exist": "There is no such record, or none that you may see.",
        "incorrect_type": "Expected an id.",
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(pk_field=serializers.UUIDField(), **options)

    def get_queryset(self) -> Any:
        everything: Any = super().get_queryset()
        return everything.visible_to(self.context["request"].user)


class Shapes(serializers.ModelSerializer):
    """How the fields of our models look outside, the same for what is shown and what is told."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.JSONField: ObjectField,
        models.DurationField: SecondsField,
        models.DateTimeField: MomentField,
        models.DateField: DayField,
    }

    def build_standard_field(self, field_name: str, model_field: Any) -> Any:
        kind, options = super().build_standard_field(field_name, model_field)
        if isinstance(model_field, models.IntegerField) and model_field.choices:
            kept = {"required", "allow_null", "help_text", "read_only"}
            return WordField, {"words": _words(model_field), **_only(options, kept)}
        if kind in (ObjectField, SecondsField):
            return kind, _only(options, {"required", "allow_null", "help_text", "read_only"})
        options["validators"] = [one for one in options.get("validators", []) if not isinstance(one, UniqueValidator)]
        if not options["validators"]:
            del options["validators"]
        return kind, options


def _only(options: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name in names}


def _words(field: Any) -> type[IntegerChoices]:
    """The enum behind a field of numbers."""
    enum = type(field.default)
    if not issubclass(enum, IntegerChoices):
        raise TypeError(f"{field} has no default to tell its words by: declare a WordField.")
    return enum
