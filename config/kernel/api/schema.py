"""How drf-spectacular learns what our resources take, show and refuse."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers


class Detail(serializers.Serializer):
    field = serializers.CharField(help_text='Path of the field at fault, such as "points.0.value"; may be empty.')
    message = serializers.CharField()
    code = serializers.CharField()


class Refusal(serializers.Serializer):
    """Every answer from 400 up."""

    error = serializers.CharField(help_text="For people.")
    error_code = serializers.CharField(help_text="For programs.")
    details = Detail(many=True)


class Schema(AutoSchema):
    def get_request_serializer(self) -> Any:
        inputs = getattr(self.view, "get_serializer_class", None)
        if self.method not in {"POST", "PATCH", "PUT"} or inputs is None:
            return None
        told = inputs()
        return None if told is getattr(self.view, "reading", None) else told

    def get_response_serializers(self) -> Any:
        reading = getattr(self.view, "reading", None)
        if reading is None:
            return self._answers()
        if self.method == "DELETE":
            return {204: None}
        if getattr(self.view, "action", "") != "list":
            reading = getattr(self.view, "reading_one", None) or reading
        return {201: reading, 200: reading} if getattr(self.view, "action", "") == "create" else reading

    def _answers(self) -> Any:
        """What a view without rows answers: ``answers``, one serializer or one for each action."""
        answers = getattr(self.view, "answers", None)
        if isinstance(answers, dict):
            answers = answers.get(getattr(self.view, "action", ""))
        return answers if answers is not None else super().get_response_serializers()

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        bodies["4XX"] = self._get_response_for_code(Refusal, "4XX", direction=direction)
        return bodies


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = "config.kernel.api.access.Session"
    name = "session"
    priority = 1

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}


class Seconds(OpenApiSerializerFieldExtension):
    target_class = "config.kernel.api.fields.SecondsField"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {"type": "integer", "minimum": 0, "description": "Seconds."}


class Object(OpenApiSerializerFieldExtension):
    target_class = "config.kernel.api.fields.ObjectField"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": {}}
