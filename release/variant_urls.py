"""Addresses of a variant's pages, `/organization/name/`: they show what every app below knows of it."""

from django.urls import path

from release.views import lineage, openness, probe, smoke, validation, variant

app_name = "variant"
urlpatterns = [
    path("<str:organization>/<str:name>", variant.plain, name="plain"),
    path("<str:organization>/<str:name>/", variant.card, name="card"),
    path("<str:organization>/<str:name>/files/", variant.files, name="files"),
    path("<str:organization>/<str:name>/tree/<str:revision>/", variant.files, name="tree"),
    path("<str:organization>/<str:name>/tree/<str:revision>", variant.files),
    path("<str:organization>/<str:name>/evidence/", variant.evidence, name="evidence"),
    path("<str:organization>/<str:name>/evidence/smoke/", smoke.report, name="smoke"),
    path("<str:organization>/<str:name>/evidence/smoke/probe/", probe.probe, name="probe"),
    path("<str:organization>/<str:name>/evidence/smoke/report.json", smoke.download, name="smoke-download"),
    path("<str:organization>/<str:name>/evidence/again/", variant.run_again, name="run-again"),
    path("<str:organization>/<str:name>/evidence/stop/", validation.stop, name="stop-evidence"),
    path("<str:organization>/<str:name>/validation/", validation.findings, name="validation"),
    path("<str:organization>/<str:name>/validation/tensors/", validation.browse, name="tensors"),
    path("<str:organization>/<str:name>/validation/tensors/<int:tensor_id>/", validation.tensor, name="tensor"),
    path("<str:organization>/<str:name>/validation/bytes/", validation.where, name="bytes"),
    path("<str:organization>/<str:name>/validation/compare/", validation.compare, name="compare"),
    path("<str:organization>/<str:name>/license/", variant.license, name="license"),
    path("<str:organization>/<str:name>/openness/", openness.openness, name="openness"),
    path("<str:organization>/<str:name>/openness/state/", openness.state, name="state-openness"),
    path("<str:organization>/<str:name>/lineage/", lineage.lineage, name="lineage"),
    path("<str:organization>/<str:name>/lineage/add/", lineage.add, name="add-parent"),
    path("<str:organization>/<str:name>/lineage/remove/", lineage.remove, name="remove-parent"),
    path("<str:organization>/<str:name>/history/", variant.history, name="history"),
]
