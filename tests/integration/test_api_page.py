"""The page of the API, and the document behind it."""

import pytest
import yaml

pytestmark = pytest.mark.django_db


def test_the_page_shows_every_endpoint_of_the_document(client):
    document = yaml.safe_load(client.get("/api/v1/openapi.yaml").content)
    page = client.get("/api/v1/")
    assert page.status_code == 200
    shown = page.content.decode()
    assert len(document["paths"]) > 10
    for path in document["paths"]:
        assert path in shown


def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing_inline(client):
    page = client.get("/api/v1/")
    assert "default-src 'none'" in page["Content-Security-Policy"]
    assert b"<script>" not in page.content
    assert b" style=" not in page.content
