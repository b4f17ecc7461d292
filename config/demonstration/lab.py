"""The lab's side of the demonstration: family, variants, lineage, a license, a gate, checkpoints and a draft."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from accounts.models import User
from config.demonstration import texts
from config.demonstration.models import FAMILY, INSTRUCT, MAX, NANO, Member, Tell, probe_of
from gating.services.gates import set_gate
from licensing.models import LicenseVersion
from licensing.services import add_license
from registry.models import Family, Organization, Variant
from registry.selectors import actor_for, head_of
from registry.services.imports import import_folder
from registry.services.probes import declare_probe
from registry.services.variants import add_parent, create_family, create_variant
from registry.states import Level, ReasonCode, Relation
from release.models import Release
from release.services import drafts
from release.services.targets import put_target
from release.states import TargetKind
from smoke.probes import Probe

ORGANIZATION = "acme"
DRAFT = "Nimbus: first release"


def make_lab(places: dict[str, Path], *, hub_url: str, tell: Tell) -> None:
    """Make whatever of it is missing."""
    people = {user.username: user for user in User.objects.all()}
    manager = people["manager"]
    acme = Organization.objects.get(name=ORGANIZATION)
    put_target(organization=acme, name="here", title="This instance", kind=TargetKind.HERE, by=manager, is_default=True)
    if hub_url:
        put_target(
            organization=acme,
            name="public-hub",
            title="Public Hub (stand-in)",
            kind=TargetKind.HUB,
            by=manager,
            endpoint=hub_url,
            namespace=ORGANIZATION,
            is_default=True,
        )
    family = Family.objects.filter(organization=acme, name="nimbus").first() or create_family(
        organization=acme, name="nimbus", title="Nimbus", by=manager
    )
    variants = {member.name: _variant(acme, family, member, people["pipeline"]) for member in FAMILY}
    add_parent(
        child=variants[INSTRUCT.name], parent=variants[NANO.name], relation=Relation.FINETUNE, by=people["pipeline"]
    )
    community = LicenseVersion.objects.filter(license__key=texts.COMMUNITY_LICENSE_KEY).first() or add_license(
        name=texts.COMMUNITY_LICENSE_NAME,
        version=texts.COMMUNITY_LICENSE_VERSION,
        text=texts.COMMUNITY_LICENSE,
        terms=texts.COMMUNITY_TERMS,
        by=people["legal"],
        key=texts.COMMUNITY_LICENSE_KEY,
    )
    set_gate(
        variant=variants[INSTRUCT.name],
        fields=texts.GATE_FIELDS,
        license_version=community,
        duration_days=180,
        prompt=texts.GATE_PROMPT,
        by=people["manager"],
    )
    for member in FAMILY:
        if head_of(variants[member.name]) is None:
            tell(f"Importing {variants[member.name].repo_id}")
            _declare_probe(variants[member.name], places[member.name], people["pipeline"])
            import_folder(
                variant=variants[member.name],
                folder=places[member.name],
                by=people["pipeline"],
                title="First checkpoint",
            )
    if not Release.objects.filter(organization=acme).exists():
        _draft(acme, variants, manager, community)


def _variant(acme: Organization, family: Family, member: Member, by: User) -> Variant:
    found = Variant.objects.filter(organization=acme, name=member.name).select_related("organization").first()
    return found or create_variant(organization=acme, family=family, name=member.name, summary=member.summary, by=by)


def _declare_probe(variant: Variant, place: Path, by: User) -> None:
    """Declare a trained model's held-out text with the loss measured on it at the end, as its pipeline would."""
    if probe_of(place).exists():
        probe = Probe.read(probe_of(place))
        losses = probe.token_losses.to_json() if probe.token_losses is not None else None
        declare_probe(
            variant=variant,
            text=probe.text,
            by=by,
            bits_per_byte=probe.bits_per_byte,
            window=probe.window,
            token_losses=losses,
        )


def _draft(acme: Organization, variants: dict[str, Variant], manager: User, community: LicenseVersion) -> None:
    actor = actor_for(manager, acme)
    release = drafts.create_draft(
        organization=acme,
        title=DRAFT,
        summary="The small model for everybody, the instruct model for those who ask, the deep one for nobody yet.",
        by=manager,
        actor=actor,
    )
    apache = LicenseVersion.objects.filter(license__key="apache-2.0").order_by("-id").first()
    heads = {name: head_of(variant) for name, variant in variants.items()}
    common = {"release_id": release.pk, "by": manager, "actor": actor}
    drafts.put_item(
        **common,
        variant=variants[NANO.name],
        checkpoint=heads[NANO.name].checkpoint,
        level=Level.PUBLIC,
        license_version=apache,
    )
    drafts.put_item(
        **common,
        variant=variants[INSTRUCT.name],
        checkpoint=heads[INSTRUCT.name].checkpoint,
        level=Level.GATED,
        license_version=community,
        reason_code=ReasonCode.SAFETY,
        note="Conversations need an accountable user until the red-team report is in.",
        owner=manager,
    )
    drafts.put_item(
        **common,
        variant=variants[MAX.name],
        checkpoint=heads[MAX.name].checkpoint,
        level=Level.HELD_BACK,
        reason_code=ReasonCode.STRATEGIC,
        note="Stays inside while it is the strongest model of the family.",
        owner=manager,
        review_on=(timezone.now() + timedelta(days=90)).date(),
    )
