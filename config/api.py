"""The root of the API: every resource of every app, its schema, and a page to try it on."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.urls import include, path, re_path
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.routers import APIRootView, DefaultRouter

from calls.api.urls import router as calls
from campaigns.api.urls import router as campaigns
from config.errors import not_found
from config.kernel.api.answers import Json
from crm.api.urls import router as crm


class RootView(APIRootView):
    """Everything that Clearline knows, and may be told."""

    name = "Clearline API"


class Root(DefaultRouter):
    APIRootView = RootView
    include_format_suffixes = False


router = Root()
for app in (crm, calls, campaigns):
    router.registry.extend(app.registry)


class SchemaView(SpectacularAPIView):
    """This API in OpenAPI's words; what it refuses is JSON, also for who wanted YAML."""

    permission_classes = [IsAuthenticated]

    def handle_exception(self, error: Exception) -> Response:
        self.request.accepted_renderer, self.request.accepted_media_type = Json(), Json.media_type
        return super().handle_exception(error)


class DocsView(SpectacularSwaggerView):
    """Swagger from our own server; its settings are in a file, because no page of ours has inline script."""

    permission_classes = [IsAuthenticated]
    template_name = "api/docs.html"

    @extend_schema(exclude=True)
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().get(request, *args, **kwargs)
        del response["Cross-Origin-Opener-Policy"]  # theirs is open, for OAuth popups that we do not have
        return response


urlpatterns = [
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", login_required(DocsView.as_view(url_name="schema")), name="docs"),
    path("", include(router.urls)),
    re_path("", not_found),
]
