"""Addresses of the pages of audit."""

from django.urls import path

from audit import views

app_name = "audit"
urlpatterns = [
    path("audit/", views.events, name="events"),
    path("audit/export.<str:form>", views.export, name="export"),
    path("audit/<int:position>/", views.event, name="event"),
]
