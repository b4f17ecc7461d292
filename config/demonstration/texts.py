"""What the demonstration's models say of themselves: cards, a license of their own, a gate's form. Own words."""

from __future__ import annotations

COMMUNITY_LICENSE_NAME = "Nimbus Community License"
COMMUNITY_LICENSE_VERSION = "1.0"
COMMUNITY_LICENSE_KEY = "nimbus-community-license"
COMMUNITY_LICENSE = """\
Nimbus Community License 1.0

1. Grant. Acme lets you use, copy and change the Nimbus model that comes with this text ("the Model") without charge,
   for any purpose that section 3 does not exclude. The grant is not exclusive and cannot be passed on by itself.

2. Passing on. You may give the Model, or a model made from it, to others if you give them this text with it, say
   prominently what you changed, and keep all notices.

3. Limits. You may not use the Model to harm people, to deceive them about who speaks, or to build weapons. You may not
   try to find out which people's data it was trained on.

4. Outputs. What the Model says belongs to you as far as Acme is concerned.

5. End. This grant ends when you break it and do not mend that within 30 days of being told.

6. No warranty. The Model comes as it is. Acme answers for intent and gross negligence alone.

This license is part of a demonstration; it binds nobody.
"""
COMMUNITY_TERMS: dict[str, object] = {}

GATE_PROMPT = (
    "Nimbus Nano Instruct is a demonstration of gated access. Tell us who you are and what you plan; an access "
    "reviewer answers, usually within two working days."
)
GATE_FIELDS: list[dict[str, object]] = [
    {
        "name": "affiliation",
        "label": "Affiliation",
        "type": "text",
        "required": True,
        "help": "The organization on whose behalf you ask.",
    },
    {"name": "country", "label": "Country", "type": "country", "required": True},
    {
        "name": "purpose",
        "label": "Purpose",
        "type": "select",
        "required": True,
        "options": ["Research", "Evaluation", "Education", "Product development"],
    },
    {"name": "start", "label": "Planned start", "type": "date_picker", "required": False},
    {
        "name": "no_reidentification",
        "label": "I will not try to find out whose data the model was trained on",
        "type": "checkbox",
        "required": True,
    },
]


def card(
    *, title: str, license: str, license_name: str, summary: str, body: str, parent: str = "", relation: str = ""
) -> str:
    """A model card with complete metadata, so that publishing it changes no byte."""
    lines = ["---", f"license: {license}"]
    if license_name:
        lines += [f"license_name: {license_name}", "license_link: LICENSE"]
    if parent:
        lines += [f"base_model: {parent}", f"base_model_relation: {relation}"]
    lines += [
        "language:",
        "- en",
        "library_name: transformers",
        "pipeline_tag: text-generation",
        "tags:",
        "- demonstration",
        "---",
        "",
        f"# {title}",
        "",
        summary,
        "",
        body,
    ]
    return "\n".join(lines) + "\n"


HOW_TRAINED = """\
## How it was made

A Llama-architecture model with {parameters:,} parameters, a byte-level BPE tokenizer of 1,024 entries, trained for
{steps} steps on the help topics that every Python installation carries. On held-out text it needs
**{bits:.2f} bits per byte**; a model that has learned nothing needs about 8.

## What it is for

To show that a checkpoint goes in by upload, is checked, approved, published and downloaded, and is the same at the end.
It continues text in the manner of Python's documentation, and is good for nothing else.

## Limits

It knows no facts. It was not evaluated for safety, since nothing it says can be relied on.
"""
UNTRAINED = """\
## How it was made

A Llama-architecture model with {parameters:,} parameters and random weights: this installation has no torch, so that
nothing could be trained. It shows the way through Imprimatur, but it says nothing that makes sense.
"""
