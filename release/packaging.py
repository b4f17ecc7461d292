"""The checkpoint that leaves: the released one, with card and license file as the release demands.

It is made when the release is submitted, so that reviewers sign the very bytes that will be published.
"""

from __future__ import annotations

from django.db.models import Q

from gating.form import stored_fields
from gating.hub_form import to_card
from licensing.lineage_reads import Demands
from licensing.models import LicenseVersion
from licensing.openness_reads import Openness, assess_as
from registry.blobs import blob_store
from registry.models import Checkpoint
from registry.services import content
from registry.services.commits import Placed, checkpoint_of
from registry.states import Component, Level
from release import policies
from release.card import LIMIT_BYTES, BadCard, CardDemands, compose_card, split_card
from release.facts import LineageFacts
from release.license_terms import HEADING, demands_of, facts_of_lineage, made_for, with_lines
from release.models import ReleaseItem
from release.selectors.smoke import trial_of
from release.tested_on import section, with_section
from rules import Refused

CARD = "README.md"
LICENSE_FILES = ("LICENSE", "LICENSE.md", "LICENSE.txt")
TEXTS_READ = 40


def package(item: ReleaseItem) -> Checkpoint:
    """The checkpoint that leaves for an item; the released one itself where nothing has to be added.

    Raises Refused where the card cannot be read.
    """
    try:
        added = additions(item)
    except BadCard as error:
        raise Refused.because(policies.BAD_CARD, repo=item.variant.repo_id, problem=error) from error
    if not added:
        return item.checkpoint
    files = {file.path: Placed(file.blob_id, file.is_large) for file in item.checkpoint.files.all()}
    for path, written in added.items():
        stored = content.receive([written.encode()], organization=item.variant.organization)
        files[path] = Placed(stored.sha256)
    return checkpoint_of(item.variant, files)


def additions(item: ReleaseItem) -> dict[str, str]:
    """The files, by path, that packaging writes or changes; raises BadCard where the card cannot be read."""
    text = card_text(item.checkpoint)
    demands = demands_of(item, text)
    return _additions(item, text, demands, small_texts(item.checkpoint) if demands else {})


def _additions(item: ReleaseItem, text: str, demands: Demands | None, held: dict[str, str]) -> dict[str, str]:
    paths = set(item.checkpoint.files.values_list("path", flat=True))
    added = {}
    made_section = section(*trial_of(item.checkpoint))
    card = with_section(compose_card(text, card_demands(item)), made_section, before=HEADING)
    license_version = item.license_version
    if demands:
        own = license_version.text if license_version else ""
        made = made_for(demands.duties, card=card, held=held, own_license=own)
        card = with_lines(card, made.lines)
        added |= made.files
    if card != text or CARD not in paths:
        added[CARD] = card
    if license_version and license_version.text and not any(name in paths for name in LICENSE_FILES):
        added["LICENSE"] = license_version.text
    return added


def card_demands(item: ReleaseItem) -> CardDemands:
    """The metadata that the release demands of the published card."""
    values: dict[str, object] = {}
    license_version = item.license_version
    if license_version:
        known = license_version.license
        values["license"] = known.hub_license
        values["license_name"] = known.hub_license_name or None
        values["license_link"] = "LICENSE" if known.hub_license == "other" and license_version.text else None
    parents = list(item.variant.parent_edges.select_related("parent__organization").order_by("id"))
    # A parent that stays inside must not be named outside.
    shown = [edge for edge in parents if edge.parent is None or _is_disclosed(edge.parent_id, item)]
    if parents and not shown:
        values["base_model"] = values["base_model_relation"] = None
    if shown:
        names = [edge.parent_name for edge in shown]
        values["base_model"] = names[0] if len(names) == 1 else names
        values["base_model_relation"] = shown[0].relation
    values["openness"] = openness_of_item(item).assessment.label.label.value
    if item.level == Level.GATED and item.gate_version:
        values |= to_card(item.gate_version.prompt, stored_fields(item.gate_version.fields))
    return CardDemands(values)


def lineage_of_item(item: ReleaseItem) -> LineageFacts | None:
    """How the texts that leave stand against what licenses along the lineage ask; None where nothing is asked.

    Raises BadCard where the card cannot be read.
    """
    leaving = item.packaged or item.checkpoint
    card, held = card_text(leaving), small_texts(leaving)
    demands = demands_of(item, card_text(item.checkpoint) if item.packaged else card)
    if demands is None:
        return None
    if item.packaged is None:
        added = _additions(item, card, demands, held)
        card, held = added.get(CARD, card), held | {path: text for path, text in added.items() if path != CARD}
    return facts_of_lineage(demands, card=card, held=held)


def small_texts(checkpoint: Checkpoint) -> dict[str, str]:
    """The license and notice files at the root of a checkpoint, by path."""
    paths = sorted(set(_small_files(checkpoint)) - {CARD})
    return {path: read_text(checkpoint, path) for path in paths[:TEXTS_READ]}


def openness_of_item(item: ReleaseItem) -> Openness:
    """How open an item would be as its draft says it leaves: its level, its license, its components."""
    return assess_as(
        item.variant,
        item.checkpoint,
        level=Level(item.level),
        license_version=item.license_version,
        decided={Component(line["component"]): Level(line["level"]) for line in item.disclosures},
    )


def license_problem(checkpoint: Checkpoint, chosen: LicenseVersion | None) -> str:
    """Why the chosen license and what the checkpoint ships don't agree; empty where they do."""
    if chosen is None:
        return ""
    try:
        metadata, _ = split_card(card_text(checkpoint))
    except BadCard as error:
        return f"The card cannot be read: {error}."
    declared = metadata.get("license")
    if declared and declared != chosen.license.hub_license:
        return f"The card declares “{declared}”, the release says “{chosen.license.hub_license}”."
    for name in LICENSE_FILES:
        shipped = read_text(checkpoint, name)
        if shipped and chosen.text and _words(shipped) != _words(chosen.text):
            return f"{name} in the checkpoint is not the text of {chosen}."
    return ""


def _words(text: str) -> list[str]:
    """The text as words, since line breaks and indentation decide nothing."""
    return text.split()


def _is_disclosed(variant_id: int | None, item: ReleaseItem) -> bool:
    from registry.models import Serving

    together = item.release.items.exclude(level=Level.HELD_BACK).filter(variant=variant_id).exists()
    return together or Serving.objects.filter(variant=variant_id, until=None).exists()


def card_text(checkpoint: Checkpoint) -> str:
    """The card exactly as it was uploaded, empty where there is none; raises BadCard where it is too large or no
    UTF-8, since what could not be read would otherwise be written anew."""
    try:
        return (_read(checkpoint, CARD) or b"").decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadCard(f"it is no UTF-8 text, from byte {error.start} on") from error


def read_text(checkpoint: Checkpoint, path: str) -> str:
    """A small text file of a checkpoint, to show or compare; empty where it is absent or too large."""
    try:
        return (_read(checkpoint, path) or b"").decode("utf-8", errors="replace")
    except BadCard:
        return ""


def _small_files(checkpoint: Checkpoint) -> dict[str, tuple[str, int]]:
    """Blob and size of the card and of license and notice files at the root, by path; asked once of a row at hand."""
    if "_small_files" not in checkpoint.__dict__:
        found = checkpoint.files.filter(Q(path=CARD) | Q(path__iregex=r"^(licen[cs]e|notice|copying)[^/]*$"))
        rows = found.values_list("path", "blob_id", "blob__size_bytes")
        checkpoint.__dict__["_small_files"] = {path: (blob, size) for path, blob, size in rows}
    return checkpoint.__dict__["_small_files"]


def _read(checkpoint: Checkpoint, path: str) -> bytes | None:
    """One of the small files; kept with the row at hand, since a checkpoint never changes and is asked often."""
    kept: dict[str, bytes | None] = checkpoint.__dict__.setdefault("_small_contents", {})
    if path not in kept:
        kept[path] = _read_anew(*_small_files(checkpoint)[path]) if path in _small_files(checkpoint) else None
    return kept[path]


def _read_anew(blob: str, size_bytes: int) -> bytes:
    if size_bytes > LIMIT_BYTES:
        raise BadCard(f"it is larger than {LIMIT_BYTES} bytes")
    with blob_store().open(blob) as source:
        return source.read()
