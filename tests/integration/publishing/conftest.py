"""A lab whose target is a second real process, behind a proxy on which faults can be made."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from licensing.services import load_catalog
from release.services.targets import put_target
from release.states import TargetKind
from tests.factories import make_lab
from tests.faults import FaultyProxy
from tests.hub_process import HubProcess, start_hub
from tests.integration.publishing.lab import PublishingLab


@pytest.fixture(scope="session")
def hub(running_services, tmp_path_factory) -> Iterator[HubProcess]:
    """The second instance."""
    started = start_hub(running_services, tmp_path_factory.mktemp("hub"))
    yield started
    started.stop()


@pytest.fixture
def proxy(hub) -> Iterator[FaultyProxy]:
    """The way to the second instance, on which faults can be made."""
    made = FaultyProxy(hub.url)
    yield made
    made.stop()


@pytest.fixture
def lab(transactional_db, hub, proxy, settings) -> PublishingLab:
    """A governed organization that publishes to the second instance."""
    settings.TARGET_TOKENS = {"hub": hub.tokens["publisher"]}
    load_catalog()
    lab = make_lab()
    put_target(
        organization=lab.organization,
        name="hub",
        title="The hub",
        kind=TargetKind.HUB,
        by=None,
        endpoint=proxy.url,
        namespace="acme",
    )
    return PublishingLab(lab)
