"""Addresses of the shared presentation."""

from django.urls import path

from web import views

app_name = "web"
urlpatterns = [
    path("ui/", views.components, name="components"),
    path("ui/theme", views.theme, name="theme"),
]
