from django.contrib import admin
from django.urls import include, path, re_path

from config.errors import not_found

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("config.api")),
    re_path("^api/", not_found),
]
handler400 = "config.errors.bad_request"
handler403 = "config.errors.forbidden"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
