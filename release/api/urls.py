"""Addresses of the REST API of releases and variants, below /api/v1/."""

from django.urls import path

from release.api import lineage, openness, publications, releases, smoke, validation, variants

app_name = "release-api"
urlpatterns = [
    path("releases/", releases.Releases.as_view(), name="releases"),
    path("releases/<int:release_id>/", releases.OneRelease.as_view(), name="release"),
    path("releases/<int:release_id>/items/<str:name>/", releases.OneItem.as_view(), name="item"),
    path("releases/<int:release_id>/targets/", releases.Targets.as_view(), name="targets"),
    path("releases/<int:release_id>/submit/", releases.Submit.as_view(), name="submit"),
    path("releases/<int:release_id>/approve/", releases.Approve.as_view(), name="approve"),
    path("releases/<int:release_id>/refuse/", releases.Refuse.as_view(), name="refuse"),
    path("releases/<int:release_id>/recall/", releases.Recall.as_view(), name="recall"),
    path("releases/<int:release_id>/schedule/", releases.Schedule.as_view(), name="schedule"),
    path("releases/<int:release_id>/publish/", releases.Publish.as_view(), name="publish"),
    path("releases/<int:release_id>/withdraw/", releases.Withdraw.as_view(), name="withdraw"),
    path("releases/<int:release_id>/requirements/", releases.Requirements.as_view(), name="requirements"),
    path("releases/<int:release_id>/waivers/", releases.Waivers.as_view(), name="waivers"),
    path("releases/<int:release_id>/publications/", publications.Publications.as_view(), name="publications"),
    path(
        "releases/<int:release_id>/publications/<int:publication_id>/files/",
        publications.Journal.as_view(),
        name="journal",
    ),
    path(
        "releases/<int:release_id>/publications/<int:publication_id>/retry/",
        publications.Retry.as_view(),
        name="retry",
    ),
    path("devices/", smoke.Devices.as_view(), name="devices"),
    path("variants/", variants.Variants.as_view(), name="variants"),
    path("variants/<str:organization>/<str:name>/", variants.OneVariant.as_view(), name="variant"),
    path("variants/<str:organization>/<str:name>/openness/", openness.Openness.as_view(), name="openness"),
    path("variants/<str:organization>/<str:name>/parents/", lineage.Parents.as_view(), name="parents"),
    path("variants/<str:organization>/<str:name>/probe/", smoke.Probe.as_view(), name="probe"),
    path("variants/<str:organization>/<str:name>/smoke/", smoke.Runs.as_view(), name="smoke-runs"),
    path("variants/<str:organization>/<str:name>/files/", variants.Files.as_view(), name="files"),
    path("variants/<str:organization>/<str:name>/checkpoints/", variants.Checkpoints.as_view(), name="checkpoints"),
    path(
        "variants/<str:organization>/<str:name>/checkpoints/<str:digest>/",
        variants.OneCheckpoint.as_view(),
        name="checkpoint",
    ),
    path(
        "variants/<str:organization>/<str:name>/checkpoints/<str:digest>/evidence/",
        variants.RunEvidence.as_view(),
        name="run-evidence",
    ),
    path(
        "variants/<str:organization>/<str:name>/checkpoints/<str:digest>/evidence/stop/",
        validation.StopEvidence.as_view(),
        name="stop-evidence",
    ),
    path(
        "variants/<str:organization>/<str:name>/checkpoints/<str:digest>/smoke/",
        smoke.Report.as_view(),
        name="smoke",
    ),
    path(
        "variants/<str:organization>/<str:name>/checkpoints/<str:digest>/validation/",
        validation.Validation.as_view(),
        name="validation",
    ),
    path(
        "variants/<str:organization>/<str:name>/checkpoints/<str:digest>/validation/findings/",
        validation.Findings.as_view(),
        name="findings",
    ),
    path(
        "variants/<str:organization>/<str:name>/checkpoints/<str:digest>/validation/tensors/",
        validation.Tensors.as_view(),
        name="tensors",
    ),
    path(
        "variants/<str:organization>/<str:name>/checkpoints/<str:digest>/validation/files/",
        validation.InspectedFiles.as_view(),
        name="inspected-files",
    ),
    path(
        "variants/<str:organization>/<str:name>/checkpoints/<str:digest>/validation/compare/",
        validation.Compare.as_view(),
        name="compare",
    ),
]
