from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from calls.pages.urls import urlpatterns as desk
from config.errors import not_found
from crm.admin import finding

pages, app, namespace = admin.site.urls

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    # before the admin's own, whose last pattern takes everything
    re_path("^admin/r/", not_found),  # Django's way to an object's public page: nothing here has one
    path("admin/", ([*desk, path("search/", admin.site.admin_view(finding.view)), *pages], app, namespace)),
    path("api/v1/", include("config.api")),
    path("hooks/", include("integrations.inbox.urls")),
    re_path("^api/", not_found),
]
handler400 = "config.errors.bad_request"
handler403 = "config.errors.forbidden"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
