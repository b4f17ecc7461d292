"""Addresses of a variant's pages, `/organization/name/`: they show what every app below knows of it."""

from django.urls import path

from release.views import variant

app_name = "variant"
urlpatterns = [
    path("<str:organization>/<str:name>", variant.plain, name="plain"),
    path("<str:organization>/<str:name>/", variant.card, name="card"),
    path("<str:organization>/<str:name>/files/", variant.files, name="files"),
    path("<str:organization>/<str:name>/tree/<str:revision>/", variant.files, name="tree"),
    path("<str:organization>/<str:name>/tree/<str:revision>", variant.files),
    path("<str:organization>/<str:name>/evidence/", variant.evidence, name="evidence"),
    path("<str:organization>/<str:name>/evidence/again/", variant.run_again, name="run-again"),
    path("<str:organization>/<str:name>/license/", variant.license, name="license"),
    path("<str:organization>/<str:name>/lineage/", variant.lineage, name="lineage"),
    path("<str:organization>/<str:name>/history/", variant.history, name="history"),
]
