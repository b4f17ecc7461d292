"""Addresses of the REST API of audit, below /api/v1/."""

from django.urls import path

from audit.api import views

app_name = "audit-api"
urlpatterns = [
    path("events/", views.Events.as_view(), name="events"),
    path("events/<int:position>/", views.OneEvent.as_view(), name="event"),
]
