"""Who and what the conformance suite meets: people, namespaces and served models, made by the product's services.

Run as a program in the environment of the instance that is to be tested: migrates its database, makes everything and
writes it as JSON to standard output. Whoever tests afterwards knows addresses and tokens, and nothing of databases.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys

READERS = 120
GOVERNED, DIRECT = "lab", "open-lab"
LICENSE_TEXT = "You may use the model for research. You must not pass it on.\n"
QUESTIONS = [
    {"name": "purpose", "label": "What will you use it for?", "type": "text", "required": True},
    {"name": "is_adult", "label": "I am of age", "type": "checkbox", "required": True},
]
FILES = {
    "README.md": b"---\nlicense: apache-2.0\npipeline_tag: text-generation\n---\n# Served\n",
    "LICENSE": LICENSE_TEXT.encode(),
    "config.json": b'{"model_type": "llama", "hidden_size": 8}\n',
    "folder/notes.txt": b"Notes of the model.\n",
    "model.bin": bytes(range(256)) * 4096,
}


def main() -> None:
    """Make the world and print it."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    # Nobody signs in by password here, and hashes of passwords are slow by intention.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

    call_command("migrate", verbosity=0)
    json.dump(_make(), sys.stdout)


def _make() -> dict[str, object]:
    from accounts.roles import Role
    from registry.states import Level
    from tests.factories import make_commit, make_organization, make_user, make_variant, serve

    labs = [make_organization(GOVERNED), make_organization(DIRECT, is_direct_control=True)]
    people = {"reader-only": _person(make_user("reader-only"), "read")}
    for lab in labs:
        for word, role in (
            ("owner", Role.OWNER),
            ("writer", Role.AUTOMATION),
            ("reviewer", Role.ACCESS_REVIEWER),
            ("auditor", Role.AUDITOR),
        ):
            people[f"{lab.name}-{word}"] = _member(lab, role, f"{lab.name}-{word}")
    for number in range(READERS):
        people[f"person-{number:02}"] = _person(make_user(f"person-{number:02}"))

    lab = labs[0]
    owner, license_version = _user(f"{GOVERNED}-owner"), _license(lab)
    for name, level in (("served", Level.PUBLIC), ("gated", Level.GATED), ("automatic", Level.GATED)):
        variant = make_variant(lab, name, by=owner)
        commit = make_commit(variant, FILES)
        if level == Level.GATED:
            _gate(variant, owner, license_version, is_automatic=name == "automatic")
        serve(variant, level, commit)
        make_commit(variant, FILES | {"secret.txt": b"not served\n"})
    make_commit(make_variant(lab, "hidden", by=owner), FILES)
    return {"people": people, "text_sha256": hashlib.sha256(LICENSE_TEXT.encode()).hexdigest()}


def _gate(variant: object, owner: object, license_version: object, *, is_automatic: bool) -> None:
    from django.utils import timezone

    from gating.services import put_in_force, set_gate

    version = set_gate(
        variant=variant,
        fields=QUESTIONS,
        license_version=license_version,
        duration_days=90,
        is_automatic=is_automatic,
        prompt="Tell us about your research.",
        by=owner,
    )
    put_in_force(gate_version=version, release_digest="sha256:" + "0" * 64, at=timezone.now())


def _license(lab: object) -> object:
    from accounts.roles import Role
    from config.demonstration.texts import COMMUNITY_TERMS
    from licensing.services import add_license
    from tests.factories import make_member

    legal = make_member(lab, Role.LEGAL_REVIEWER)
    return add_license(name="Lab License", version="1.0", text=LICENSE_TEXT, terms=COMMUNITY_TERMS, by=legal)


def _member(lab: object, role: object, name: str) -> dict[str, str]:
    from tests.factories import make_member

    return _person(make_member(lab, role, name))


def _person(user: object, *scopes: str) -> dict[str, str]:
    from tests.factories import make_token

    return {"name": user.username, "token": make_token(user, *scopes)}


def _user(name: str) -> object:
    from accounts.models import User

    return User.objects.get(username=name)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    main()
