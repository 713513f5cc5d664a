"""The API in a browser: the same JSON on a page of our own, without the inline script or style of DRF's."""

from dataclasses import dataclass
from typing import Any

from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.request import override_method

from config.kernel.api.answers import Json
from config.kernel.api.filtering import YesNo

WRITES = ("POST", "PATCH")


@dataclass(frozen=True)
class Field:
    """One filter of a list, as the page offers it."""

    name: str
    label: str
    value: str
    choices: list[tuple[str, str]]


class Page(BrowsableAPIRenderer):
    template = "api/page.html"

    def get_context(self, data: Any, accepted_media_type: str | None, renderer_context: Any) -> dict[str, Any]:
        view, request, response = (renderer_context[name] for name in ("view", "request", "response"))
        indented = {**renderer_context, "indent": 2}
        pages = data if isinstance(data, dict) else {}
        return {
            "view": view,
            "request": request,
            "response": response,
            "user": request.user,
            "name": view.get_view_name(),
            "description": view.get_view_description(html=False),
            "breadcrumbs": self.get_breadcrumbs(request),
            "content": Json().render(data, accepted_media_type, indented).decode(),
            "next": pages.get("next"),
            "previous": pages.get("previous"),
            "filters": self._filters(view, request),
            "actions": self.get_extra_actions(view, response.status_code) or {},
            "forms": [
                (method, self._example(view, request, method)) for method in WRITES if self._may(view, request, method)
            ],
            "deletable": self._may(view, request, "DELETE"),
        }

    def _may(self, view: Any, request: Any, method: str) -> bool:
        with override_method(view, request, method) as asked:
            return bool(self.show_form_for_method(view, method, asked, None))

    def _example(self, view: Any, request: Any, method: str) -> str:
        """A body with every field that may be sent, empty; a change starts from nothing."""
        with override_method(view, request, method):
            told = view.get_serializer() if hasattr(view, "get_serializer") else None
        initial = told.get_initial() if told is not None and method == "POST" else {}
        return Json().render(initial, renderer_context={"indent": 2}).decode()

    def _filters(self, view: Any, request: Any) -> list[Field]:
        filterset = getattr(view, "filterset_class", None)
        if filterset is None or getattr(view, "action", "") != "list":
            return []
        offered = [
            Field(name, str(one.label or ""), request.query_params.get(name, ""), _choices(one))
            for name, one in filterset.base_filters.items()
        ]
        orders = [(sign + name, sign + name) for name in getattr(view, "ordering_fields", ()) for sign in ("", "-")]
        return [*offered, Field("ordering", "ordering", request.query_params.get("ordering", ""), orders)]


def _choices(one: Any) -> list[tuple[str, str]]:
    if isinstance(one, YesNo):
        return [("true", "yes"), ("false", "no")]
    return [(str(value), str(label)) for value, label in getattr(one.field, "choices", ()) if value]
