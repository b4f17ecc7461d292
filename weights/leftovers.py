"""What should not have been left in a checkpoint: credentials, training state, internal paths, logs.

Owns where to look for each and how to tell them from ordinary content. Evidence never shows a credential in full.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any

from weights.catalog.leftovers import (
    LO_DATA,
    LO_EMA,
    LO_JUNK,
    LO_LOG,
    LO_OPT,
    LO_PATH,
    LO_RUN,
    LO_TENSOR,
    SE_FILE,
    SE_TOKEN,
)
from weights.findings import Check, Finding
from weights.report import FileReport
from weights.secret_patterns import find_secrets
from weights.strict_json import texts_in
from weights.tensor_names import those
from weights.text_search import SearchedText

LISTED_LIMIT = 10
LINES_LIMIT = 20_000
ESCAPED_LIMIT = 1 << 20
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
    r"(^|\.)(optimizer|optim|opt_state|optimizer_state|lr_scheduler|grad_scaler)\.|(^|[._])(exp_avg(_sq)?|momentum_buffer|max_exp_avg_sq)"
    r"([._]|$)|(^|[._])(master_weights?|fp32_master)([._]|$)"
)
_AVERAGE_TENSOR = re.compile(r"(^|\.)(model_ema|ema_model|ema)[._]", re.IGNORECASE)

_PEOPLE = r"(?!user[/\"'\s]|username|ubuntu|you[/r]|me/|<|\$|\{|runner/|jovyan|path|name)"
_HOME = re.compile(
    rf"(?:/home/{_PEOPLE}[\w.-]+/|/Users/{_PEOPLE}[\w.-]+/|[A-Z]:\\\\?Users\\\\?{_PEOPLE}[\w.-]+\\)[\w./\\-]*"
)
_EXAMPLES = r"(?:my|your|bucket|example|path|some|<|\$|\{|commoncrawl)"
_STORES = ("s3", "gs://", "abfs", "hdfs", "oss://", "/gpfs", "/lustre", "/fsx", "/scratch", "/nfs", "/mnt")
_INTERNAL = re.compile(
    r"(?:^|(?<=[\s\"'=,]))(?:(?:file://)?/(?:mnt|scratch|gpfs|lustre|nfs|fsx|efs|shared|cluster|workspace|checkpoints?|data|root|opt|tmp|"
    r"storage|dbfs|net|raid)/[\w.-]+[\w./-]*|(?:s3a?|gs|gcs|abfss?|wasbs?|adl|hdfs|oss|cos|obs|r2|minio|swift|nfs|smb|dbfs):/{1,2}[\w./@-]+)|"
    r"^\\\\[\w.-]+\\[\w$.-]+"
)
# Buckets by the address that browsers take. Cards show pictures from such, so that they count among settings only.
_BUCKET = re.compile(
    r"https?://(?:[\w-]+\.blob\.core\.windows\.net|[\w.-]+\.s3[\w.-]*\.amazonaws\.com|s3[\w.-]*\.amazonaws\.com/[\w-]|"
    r"storage\.(?:googleapis|cloud\.google)\.com/[\w-]|[\w.-]+\.storage\.googleapis\.com|[\w.-]+\.r2\.cloudflarestorage\.com|"
    r"[\w-]+\.oss-[\w-]+\.aliyuncs\.com)[\w./-]*"
)
_CARD_STORE = re.compile(
    rf"(?:^|(?<=[\s\"'`(=,]))(?:(?:s3a?|gs|abfss?|hdfs|oss)://(?!{_EXAMPLES})[\w.-]+/[\w./-]+|"
    rf"/(?:gpfs|lustre|fsx|scratch|nfs|mnt/(?:nfs|gpfs|lustre|fsx|efs|scratch|shared|team|cluster)\w*)/(?!{_EXAMPLES})[\w.-]+/?[\w./-]*)",
    re.MULTILINE,
)
# What keeps the records of runs, at an address that leads to one.
_RUN = re.compile(
    r"https?://(?:(?:[\w-]+\.)?wandb\.ai/(?!site/|authorize|home|fully-connected)[\w.-]+/[\w.-]+|"
    r"app\.neptune\.ai/[\w.-]+/[\w.-]+|app\.clear\.ml/projects/\w+|(?:www\.)?comet\.(?:com|ml)/[\w-]+/[\w-]+/[0-9a-f]{9,}|"
    r"[\w.:-]+/#/experiments/\d+)[\w./-]*"
)
_RUN_KEY = re.compile(
    r"(wandb|mlflow|comet|neptune|clearml|aim|swanlab|trackio)_?(run|experiment|task|project|entity|sweep|group|workspace)"
    r"(_?(id|name|path|url|key|hash))?|(run|experiment|sweep)_(id|uuid|uri|url)|tracking_uri",
    re.IGNORECASE,
)
_NETWORK = re.compile(
    r"https?://(?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}\.\d{1,3}|"
    r"(?:https?|ssh|git|tcp|grpc|redis|postgres(?:ql)?|mongodb)://(?:[\w.-]+@)?[\w.-]+\.(?:corp|internal|intranet|intra|lan|local|localdomain|ts\.net)"
    r"(?=[/:\s\"')]|$)|"
    r"https?://(?:[\w-]+\.)+(?:corp|intranet|internal)\.[\w.-]+"
)
# Without a scheme a host needs a port, or somebody who is asked for there.
_HOST = re.compile(
    r"(?:^|(?<=[\s\"'=@/]))(?:(?:[\w-]+\.)+(?:corp|internal|intranet|intra|lan|local|localdomain)|"
    r"(?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}\.\d{1,3}):\d{2,5}\b|"
    r"(?:^|(?<=\s))git@(?!github\.com|gitlab\.com|hf\.co|huggingface\.co|bitbucket\.org)[\w.-]+:[\w./-]+"
)
_LITERALS = {_HOME: ("/home/", "Users"), _NETWORK: ("://",), _CARD_STORE: _STORES, _RUN: ("://",)}
_SETTINGS = (_HOME, _INTERNAL, _NETWORK, _HOST, _BUCKET)
_TEXT_SETTINGS = (".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".env")
_MAIL = re.compile(r"\b[\w.+-]{1,64}@(?!example\.)[\w-]{1,63}\.[a-z]{2,10}\b", re.IGNORECASE)
_DATA_SUFFIXES = (".jsonl", ".csv", ".tsv", ".txt")
_VOCABULARIES = frozenset(
    {"vocab.json", "vocab.txt", "merges.txt", "tokenizer.json", "tekken.json", "added_tokens.json"}
)


def check_name(path: str) -> list[Finding]:
    """Findings that the file's name alone gives."""
    return [check.at(path, "The file's name says so.") for check, pattern in _FILE_NAMES if pattern.search(path)][:1]


def check_text(searched: SearchedText, path: str) -> list[Finding]:
    """Findings on a whole text file. Vocabularies are left out: they hold any word there is."""
    name = PurePosixPath(path).name
    if name in _VOCABULARIES or name.endswith(".tiktoken"):
        return []
    text = searched.text
    findings = _secrets(searched, path)
    for pattern in (_HOME, _NETWORK, _CARD_STORE):
        found = pattern.search(text) if searched.has_any(_LITERALS[pattern]) else None
        if found:
            findings.append(LO_PATH.at(path, "The text names one.", evidence=found.group(), offset=found.start()))
    if name.endswith(_TEXT_SETTINGS):
        findings = findings or _first(text.splitlines()[:LINES_LIMIT], path, "settings")
        findings += _check_run([text], path)
    if name.endswith(_DATA_SUFFIXES) and "@" in text:
        addresses = {found.group().lower() for found, _ in zip(_MAIL.finditer(text), range(1000), strict=False)}
        if len(addresses) >= ADDRESSES_MINIMUM:
            findings.append(LO_DATA.at(path, f"The text has {len(addresses)} or more e-mail addresses."))
    return findings


def check_values(value: Any, path: str, where: str) -> list[Finding]:
    """Findings on the texts in a JSON value or in a weight file's metadata (`where` says which)."""
    return _first(texts_in(value), path, where) + _check_run(texts_in(value), path) + _check_run_keys(value, path)


def _first(texts: Iterable[str], path: str, where: str) -> list[Finding]:
    for text in texts:
        for pattern in _SETTINGS if len(text) <= 4096 else ():
            found = pattern.search(text)
            if found:
                return [LO_PATH.at(path, f"The {where} name one.", evidence=found.group())]
    return []


def _check_run(texts: Iterable[str], path: str) -> list[Finding]:
    for text in texts:
        found = _RUN.search(text) if "://" in text else None
        if found:
            return [LO_RUN.at(path, "An address leads to the run.", evidence=found.group())]
    return []


def _check_run_keys(value: Any, path: str) -> list[Finding]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        for key, inner in item.items() if isinstance(item, dict) else ():
            if isinstance(inner, str) and inner and _RUN_KEY.fullmatch(key):
                return [LO_RUN.at(path, f"The key {key!r} names the run.", evidence=inner)]
            waiting.append(inner)
        waiting += item if isinstance(item, list) else []
    return []


def check_escaped(value: Any, path: str) -> list[Finding]:
    """Credentials in the texts of a JSON value, which the file itself may spell otherwise."""
    return _secrets(SearchedText("\n".join(texts_in(value))[:ESCAPED_LIMIT]), path)


def check_metadata(value: Any, path: str) -> list[Finding]:
    """Findings on the metadata of a weight file."""
    findings = check_values(value, path, "metadata")
    for text in texts_in(value):
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
        SE_TOKEN.at(
            path,
            f"The text holds what looks like this kind of credential: {secret.kind}.",
            offset=secret.offset,
            evidence=secret.masked,
        )
        for secret in find_secrets(searched, LISTED_LIMIT)
    ]
