"""A gated model with its people, as every test of gating meets it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from gating import services
from gating.models import AccessRequest, GateVersion
from licensing.catalog import shipped
from licensing.models import LicenseVersion
from licensing.selectors import version_of
from licensing.services import load_catalog
from registry.models import Organization, Variant
from registry.states import Level
from tests.factories import make_member, make_organization, make_user, make_variant, serve

FIELDS = [
    {"name": "purpose", "label": "What for?", "type": "text"},
    {"name": "country", "label": "Where do you work?", "type": "country"},
    {"name": "kind", "label": "Who are you?", "type": "select", "options": ["Academia", "Industry"]},
    {"name": "until", "label": "Until when?", "type": "date_picker", "required": False},
    {"name": "agree", "label": "I will not redistribute", "type": "checkbox"},
]
# A part of the catalog is enough, and every test loads it.
LICENSES = {"apache-2.0", "mit", "llama3.1", "kimi-k3"}
ANSWERS = {"purpose": "Evaluation", "country": "CH", "kind": "Academia", "agree": True}


@dataclass
class Gate:
    """One organization, one gated variant with a licensed gate in force, and people."""

    organization: Organization
    variant: Variant
    reviewer: User
    manager: User
    auditor: User
    counsel: User
    researcher: User
    version: GateVersion
    license: LicenseVersion

    def ask(self, user: User | None = None, **changes: Any) -> AccessRequest:
        """Send the form, filled well unless changed."""
        given = {"answers": ANSWERS, "accepted_text_sha256": self.license.text_sha256, **changes}
        return services.ask(variant=self.variant, user=user or self.researcher, **given)

    def accepted(self, user: User | None = None) -> AccessRequest:
        """A request that was asked and accepted."""
        return services.accept(request_id=self.ask(user).pk, by=self.reviewer)

    def set_gate(self, **changes: Any) -> GateVersion:
        """A new version of the gate, put in force."""
        made = services.set_gate(
            **{
                "variant": self.variant,
                "fields": FIELDS,
                "license_version": self.license,
                "duration_days": 90,
                "prompt": "For research on safety.",
                "by": self.manager,
                **changes,
            }
        )
        services.put_in_force(gate_version=made, release_digest="sha256:" + "1" * 64, at=timezone.now())
        return made


def make_gate() -> Gate:
    """The whole of it, through the services."""
    catalog = shipped()
    load_catalog(replace(catalog, entries=tuple(entry for entry in catalog.entries if entry.key in LICENSES)))
    organization = make_organization("acme")
    variant = make_variant(organization, "nimbus")
    made = Gate(
        organization=organization,
        variant=variant,
        reviewer=make_member(organization, Role.ACCESS_REVIEWER, "access"),
        manager=make_member(organization, Role.RELEASE_MANAGER, "manager"),
        auditor=make_member(organization, Role.AUDITOR, "auditor"),
        counsel=make_member(organization, Role.LEGAL_REVIEWER, "legal"),
        researcher=make_user("rae", full_name="Rae Searcher"),
        version=None,  # type: ignore[arg-type]
        license=version_of("apache-2.0"),
    )
    serve(variant, Level.GATED)
    made.version = made.set_gate()
    return made
