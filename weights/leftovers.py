"""What should not have been left in a checkpoint: credentials, training state, internal paths, logs.

Owns where to look for each and how to tell them from ordinary content. Evidence never shows a credential in full.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from weights.catalog.leftovers import (
    LO_DATA,
    LO_EMA,
    LO_JUNK,
    LO_LOG,
    LO_OPT,
    LO_PATH,
    LO_TENSOR,
    SE_FILE,
    SE_TOKEN,
)
from weights.findings import Check, Finding
from weights.report import FileReport
from weights.secret_patterns import find_secrets
from weights.tensor_names import those
from weights.text_search import SearchedText

LISTED_LIMIT = 10
ADDRESSES_MINIMUM = 5

_FILE_NAMES: tuple[tuple[Check, re.Pattern[str]], ...] = (
    (
        SE_FILE,
        re.compile(
            r"(^|/)(\.env(\.(?!example|sample|template)[\w-]+)?|\.netrc|_netrc|\.pypirc|\.git-credentials|\.htpasswd|id_(rsa|dsa|"
            r"ecdsa|ed25519)|\.npmrc|\.aws/credentials|\.docker/config\.json|\.kube/config|\.huggingface/token|[^/]+\.(pem|p12|"
            r"pfx|ppk|keystore|jks))$"
        ),
    ),
    (
        LO_OPT,
        re.compile(
            r"(^|/)(optimizer(_\w+)?\.(pt|pth|bin|safetensors)|scheduler\.(pt|pth|bin)|scaler\.(pt|pth)|rng_state(_\d+)?\.pth|"
            r"training_args\.bin|trainer_state\.json|zero_to_fp32\.py|latest_checkpointed_iteration\.txt|[^/]+_optim_states\.pt|"
            r"[^/]+\.distcp|global_step\d+/.*|pytorch_model_fsdp_\d+/.*|random_states_\d+\.pkl)$"
        ),
    ),
    (
        LO_LOG,
        re.compile(
            r"(^|/)(wandb/.*|mlruns/.*|runs/.*|lightning_logs/.*|events\.out\.tfevents\..*|[^/]+\.log|nohup\.out|slurm-\d+\.out|"
            r"\.(bash|zsh|python)_history|core\.\d+)$"
        ),
    ),
    (
        LO_JUNK,
        re.compile(
            r"(^|/)(\.DS_Store|Thumbs\.db|desktop\.ini|__MACOSX/.*|__pycache__/.*|\.ipynb_checkpoints/.*|\.vscode/.*|\.idea/.*|"
            r"\.cache/.*|[^/]+~|[^/]+\.(swp|bak|orig|tmp|partial|incomplete)|\.nfs[0-9a-f]+)$"
        ),
    ),
)
_STATE_TENSOR = re.compile(
    r"(^|\.)(optimizer|optim|optimizer_state|lr_scheduler|grad_scaler)\.|(^|[._])(exp_avg(_sq)?|momentum_buffer|max_exp_avg_sq)"
    r"([._]|$)|(^|[._])(master_weights?|fp32_master)([._]|$)"
)
_AVERAGE_TENSOR = re.compile(r"(^|\.)(model_ema|ema_model|ema)[._]", re.IGNORECASE)

_PEOPLE = r"(?!user[/\"'\s]|username|ubuntu|you[/r]|me/|<|\$|\{|runner/|jovyan|path|name)"
_HOME = re.compile(
    rf"(?:/home/{_PEOPLE}[\w.-]+/|/Users/{_PEOPLE}[\w.-]+/|[A-Z]:\\\\?Users\\\\?{_PEOPLE}[\w.-]+\\)[\w./\\-]*"
)
_INTERNAL = re.compile(
    r"(?:^|(?<=[\s\"'=,]))(?:/(?:mnt|scratch|gpfs|lustre|nfs|fsx|efs|shared|cluster|workspace|checkpoints?|data|root|opt|tmp|"
    r"storage|dbfs|net|raid)/[\w.-]+[\w./-]*|(?:s3|gs|gcs|abfss?|hdfs)://[\w./-]+)"
)
_NETWORK = re.compile(
    r"https?://(?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}\.\d{1,3}|"
    r"https?://[\w.-]+\.(?:corp|internal|intranet|intra|lan)(?=[/:\s\"'])"
)
_LITERALS = {_HOME: ("/home/", "Users"), _NETWORK: ("http",)}
_MAIL = re.compile(r"\b[\w.+-]{1,64}@(?!example\.)[\w-]{1,63}\.[a-z]{2,10}\b", re.IGNORECASE)
_DATA_SUFFIXES = (".jsonl", ".csv", ".tsv", ".txt")
_VOCABULARIES = frozenset(
    {"vocab.json", "vocab.txt", "merges.txt", "tokenizer.json", "tekken.json", "added_tokens.json"}
)


def check_name(path: str) -> list[Finding]:
    """Findings that the file's name alone gives."""
    return [
        check.at(path, "The name is that of such a file.") for check, pattern in _FILE_NAMES if pattern.search(path)
    ][:1]


def check_text(searched: SearchedText, path: str) -> list[Finding]:
    """Findings on a whole text file. Vocabularies are left out: they hold any word there is."""
    name = PurePosixPath(path).name
    if name in _VOCABULARIES or name.endswith(".tiktoken"):
        return []
    text = searched.text
    findings = _secrets(searched, path)
    for pattern in (_HOME, _NETWORK):
        found = pattern.search(text) if searched.has_any(_LITERALS[pattern]) else None
        if found:
            findings.append(LO_PATH.at(path, "The text names it.", evidence=found.group(), offset=found.start()))
    if name.endswith(_DATA_SUFFIXES) and "@" in text:
        addresses = {found.group().lower() for found, _ in zip(_MAIL.finditer(text), range(1000), strict=False)}
        if len(addresses) >= ADDRESSES_MINIMUM:
            findings.append(LO_DATA.at(path, f"The text has {len(addresses)} or more e-mail addresses."))
    return findings


def check_values(value: Any, path: str, where: str) -> list[Finding]:
    """Findings on the texts in a JSON value or in a weight file's metadata (`where` says which)."""
    for text in _strings(value):
        if len(text) > 4096:
            continue
        for pattern in (_HOME, _INTERNAL, _NETWORK):
            found = pattern.search(text)
            if found:
                return [LO_PATH.at(path, f"The {where} name it.", evidence=found.group())]
    return []


def check_metadata(value: Any, path: str) -> list[Finding]:
    """Findings on the metadata of a weight file."""
    findings = check_values(value, path, "metadata")
    for text in _strings(value):
        findings += _secrets(SearchedText(text), path)
    return findings[:LISTED_LIMIT]


def check_tensor_names(files: Sequence[FileReport]) -> list[Finding]:
    """Training state and second copies among the tensors, one finding for each file and kind."""
    findings = []
    for file in files:
        all_names = [tensor.name for tensor in file.tensors]
        for check, pattern in ((LO_TENSOR, _STATE_TENSOR), (LO_EMA, _AVERAGE_TENSOR)):
            names = those(all_names, file.forms(), pattern)
            if names and not (check is LO_EMA and len(names) == len(file.tensors)):
                findings.append(check.at(file.path, f"{len(names)} tensors have such names.", tensor=names[0]))
    return findings


def _secrets(searched: SearchedText, path: str) -> list[Finding]:
    return [
        SE_TOKEN.at(path, f"The text looks like a {secret.kind}.", offset=secret.offset, evidence=secret.masked)
        for secret in find_secrets(searched, LISTED_LIMIT)
    ]


def _strings(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
