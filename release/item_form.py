"""The form that says how one variant stands in a release: which checkpoint, how far, under which license."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from licensing.models import LicenseVersion
from licensing.selectors import licenses, licenses_in_card
from registry.models import Checkpoint, Commit, Variant
from registry.presenters import COMPONENTS, LEVELS, REASONS
from registry.states import Component, Level
from release import selectors
from release.card import BadCard, split_card
from release.facts import SHOWN_BY_FILES
from release.models import Release, ReleaseItem
from release.packaging import card_text
from web.formatting import relative, short_digest

LEVEL_CHOICES = [
    (Level.PUBLIC.value, "Public: everybody may download it"),
    (Level.GATED.value, "Gated: everybody sees that it exists; downloading takes a grant"),
    (Level.HELD_BACK.value, "Held back: nobody outside sees it; the decision goes on record"),
]
UNNAMED = ("", "Not named")
FURTHER = [component for component in Component if component not in SHOWN_BY_FILES]


class ItemForm(forms.Form):
    """One item. Components that its files show follow the level; further ones are decided where they are named."""

    checkpoint = forms.ChoiceField(help_text="From the variant's commits, newest first.")
    level = forms.ChoiceField(choices=LEVEL_CHOICES, widget=forms.RadioSelect, label="Disclosure")
    license = forms.ChoiceField(required=False, help_text="Its exact text is part of what is signed.")
    reason_code = forms.ChoiceField(
        required=False,
        label="Reason",
        choices=[("", "None"), *((code.value, label) for code, label in REASONS.items())],
        help_text="Why something is gated or held back; needed for what is held back.",
    )
    note = forms.CharField(max_length=500, required=False, label="In words", widget=forms.Textarea(attrs={"rows": 2}))
    owner = forms.ChoiceField(required=False, help_text="Who answers for what is not public.")
    review_on = forms.DateField(
        required=False,
        label="Look at it again on",
        widget=forms.DateInput,
        help_text="Needed for what is held back: no decision holds for ever.",
    )

    def __init__(self, *args: Any, release: Release, variant: Variant, **options: Any) -> None:
        super().__init__(*args, **options)
        self.commits = selectors.checkpoints_of(variant)
        self.people = selectors.members_of(release.organization)
        self.fields["checkpoint"].choices = [(row.checkpoint.digest, _checkpoint_label(row)) for row in self.commits]
        self.fields["license"].choices = [("", "None chosen"), *license_choices(self.initial.get("license"))]
        self.fields["owner"].choices = [("", "You"), *((user.username, user.display_name) for user in self.people)]
        for component in FURTHER:
            self.fields[f"component_{component.value}"] = forms.ChoiceField(
                required=False,
                label=COMPONENTS[component],
                choices=[UNNAMED, *((level.value, status.label) for level, status in LEVELS.items())],
            )

    @property
    def component_fields(self) -> list[Any]:
        """The fields of the further components, as they are drawn."""
        return [self[f"component_{component.value}"] for component in FURTHER]

    @property
    def has_components_set(self) -> bool:
        """Whether some component is set apart, so that the page opens that part."""
        return any(bound.value() or bound.errors for bound in self.component_fields)

    def clean_review_on(self) -> Any:
        """A day to look again lies ahead."""
        day = self.cleaned_data["review_on"]
        if day and day <= timezone.localdate():
            raise forms.ValidationError("Choose a day that lies ahead.")
        return day

    def said(self) -> dict[str, Any]:
        """What was filled in, as `put_item` takes it."""
        data = self.cleaned_data
        digests = {row.checkpoint.digest: row.checkpoint for row in self.commits}
        people = {user.username: user for user in self.people}
        return {
            "checkpoint": digests[data["checkpoint"]],
            "level": data["level"],
            "license_version": LicenseVersion.objects.filter(pk=data["license"] or None).first(),
            "reason_code": data["reason_code"],
            "note": data["note"],
            "owner": people.get(data["owner"]),
            "review_on": data["review_on"],
            "components": {
                component.value: data[f"component_{component.value}"]
                for component in FURTHER
                if data.get(f"component_{component.value}")
            },
        }


def initial_of(release: Release, variant: Variant) -> dict[str, Any]:
    """What the form shows first: the item as it is, else the newest checkpoint and the license that its card names."""
    item = release.items.filter(variant=variant).select_related("checkpoint").first()
    if item is None:
        newest = next(iter(selectors.checkpoints_of(variant, limit=1)), None)
        return {
            "checkpoint": newest.checkpoint.digest if newest else "",
            "license": _license_in_card(newest.checkpoint) if newest else "",
        }
    return {
        "checkpoint": item.checkpoint.digest,
        "level": item.level,
        "license": item.license_version_id or "",
        **_lines(item),
    }


def license_choices(chosen: Any = None) -> list[tuple[str, str]]:
    """The current version of every license by name, and the chosen one where that is an older one."""
    current = [row.current_versions[0] for row in licenses() if row.current_versions]
    found = [(str(version.pk), _license_label(version)) for version in current]
    if chosen and str(chosen) not in dict(found):
        older = LicenseVersion.objects.filter(pk=chosen).select_related("license").defer("text").first()
        found += [(str(older.pk), f"{_license_label(older)}, an older version")] if older else []
    return sorted(found, key=lambda pair: pair[1].casefold())


def _license_label(version: LicenseVersion) -> str:
    return str(version) if version.text_sha256 else f"{version} (text not held here)"


def _license_in_card(checkpoint: Checkpoint) -> str:
    """The license that a card declares, where exactly one is meant."""
    try:
        metadata, _ = split_card(card_text(checkpoint))
    except BadCard:
        return ""
    known = licenses_in_card(str(metadata.get("license") or ""), str(metadata.get("license_name") or ""))
    if len(known) != 1:
        return ""
    newest = LicenseVersion.objects.filter(license=known[0]).order_by("-id").first()
    return str(newest.pk) if newest else ""


def _lines(item: ReleaseItem) -> dict[str, Any]:
    explained = next((line for line in item.disclosures if line["level"] != Level.PUBLIC), None) or {}
    by_component = {line["component"]: line["level"] for line in item.disclosures}
    apart = {
        f"component_{component}": level for component, level in by_component.items() if component not in SHOWN_BY_FILES
    }
    return apart | {name: explained.get(name, "") for name in ("reason_code", "note", "owner", "review_on")}


def _checkpoint_label(commit: Commit) -> str:
    when = relative(commit.created_at, timezone.now())
    line = "released as" if commit.is_released else "committed as"
    return f"{short_digest(commit.checkpoint.digest)}, {line} “{commit.title[:60]}” {when}"
