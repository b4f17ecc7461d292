"""Addresses of the REST API of licensing, below /api/v1/."""

from django.urls import path

from licensing.api import views

app_name = "licensing-api"
urlpatterns = [
    path("acceptances/", views.Acceptances.as_view(), name="acceptances"),
    path("acceptances/export/", views.ExportAcceptances.as_view(), name="acceptances-export"),
    path("license-checks/", views.LicenseChecks.as_view(), name="checks"),
    path("license-checks", views.LicenseChecksWithoutSlash.as_view()),
    path("licenses/", views.Licenses.as_view(), name="licenses"),
    path("licenses/<str:key>/", views.OneLicense.as_view(), name="license"),
]
