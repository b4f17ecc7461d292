"""Addresses of the REST API of background work, below /api/v1/."""

from django.urls import path

from jobs.api import views

app_name = "jobs-api"
urlpatterns = [
    path("jobs/", views.Jobs.as_view(), name="jobs"),
    path("jobs/<uuid:job_id>/", views.OneJob.as_view(), name="job"),
    path("workers/", views.Workers.as_view(), name="workers"),
]
