"""Addresses of a variant's pages, `/organization/name/`: they show what every app below knows of it."""

from django.urls import path

from release.views import variant

app_name = "variant"
urlpatterns = [
    path("<str:organization>/<str:name>/", variant.card, name="card"),
    path("<str:organization>/<str:name>/evidence/", variant.card, name="evidence"),
]
