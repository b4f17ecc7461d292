"""Addresses of the pages of licensing. Words that follow `licenses/` are reserved in `licensing.policies`."""

from django.urls import path

from licensing.views import acceptances, catalog, checker, lineage, texts, upstream

app_name = "licensing"
urlpatterns = [
    path("licenses/", catalog.licenses, name="licenses"),
    path("licenses/new/", catalog.add, name="add"),
    path("licenses/check/", checker.check, name="check"),
    path("licenses/compare/", catalog.compare, name="compare"),
    path("licenses/acceptances/", acceptances.acceptances, name="acceptances"),
    path("licenses/acceptances/export/", acceptances.export, name="acceptances-export"),
    path("licenses/identify/", texts.identify, name="identify"),
    path("licenses/licensee/", upstream.licensee, name="licensee"),
    path("licenses/lineage/", lineage.lineage, name="lineage"),
    path("licenses/spdx/", texts.spdx, name="spdx"),
    path("licenses/spdx/<str:id>/", texts.spdx_license, name="spdx-license"),
    path("licenses/upstream/", upstream.upstream, name="upstream"),
    path("licenses/<str:key>/", catalog.license, name="license"),
    path("licenses/<str:key>/new-version/", catalog.add, name="succeed"),
]
