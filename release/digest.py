"""The release digest: one SHA-256 over everything that reviewers sign."""

from __future__ import annotations

import hashlib
import json

from release.facts import ReleaseFacts

VERSION = "imprimatur-release-1"


def release_document(release: ReleaseFacts) -> dict[str, object]:
    """What the digest covers, as plain data; anybody can make the digest again from it.

    Titles and summaries are not in it: they decide nothing. Evidence is bound to the checkpoint digests, which are.
    """
    return {
        "format": VERSION,
        "organization": release.organization,
        "policy": release.policy_digest,
        "scheduled_for": release.scheduled_for.isoformat() if release.scheduled_for else None,
        "targets": sorted([target.name, target.kind, target.endpoint, target.namespace] for target in release.targets),
        "items": sorted(
            (
                {
                    "variant": item.repo_id,
                    "checkpoint": item.checkpoint,
                    "packaged": item.packaged,
                    "level": item.level.value,
                    "license": item.license_digest,
                    "gate": item.gate,
                    "disclosures": sorted(
                        [
                            line.component,
                            line.level.value,
                            line.reason_code,
                            line.note,
                            line.owner,
                            line.review_on.isoformat() if line.review_on else "",
                        ]
                        for line in item.disclosures
                    ),
                }
                for item in release.items
            ),
            key=lambda item: str(item["variant"]),
        ),
    }


def release_digest(release: ReleaseFacts) -> str:
    """`sha256:<hex>` over the canonical JSON of the release document."""
    body = json.dumps(release_document(release), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(body.encode()).hexdigest()}"
