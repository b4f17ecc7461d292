"""Addresses of the pages of licensing."""

from django.urls import path

from licensing import views

app_name = "licensing"
urlpatterns = [
    path("licenses/", views.licenses, name="licenses"),
    path("licenses/new/", views.add, name="add"),
    path("licenses/<str:key>/", views.license, name="license"),
    path("licenses/<str:key>/new-version/", views.add, name="succeed"),
]
