"""What credentials look like.

Owns the patterns and what tells a real credential from an example of one. Each pattern has a fixed beginning that
ordinary text and vocabularies do not have. Where a pattern has a group, that is the secret, and the rest names it. What
may be long has either nothing to follow or a beginning that cannot be within it: else a text of beginnings takes the
square of its length.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from weights.text_search import SearchedText


@dataclass(frozen=True, slots=True)
class Secret:
    """Something that looks like a credential: of which kind, where in the text, and masked."""

    kind: str
    offset: int
    masked: str


_PATTERNS = {
    "Hugging Face token": r"hf_[A-Za-z0-9]{30,40}\b",
    "Hugging Face organization token": r"api_org_[A-Za-z0-9]{34}\b",
    "AWS access key": r"AKIA[A-Z0-9]{16}\b",
    "AWS session key": r"ASIA[A-Z0-9]{16}\b",
    "GitHub token": r"gh[pousr]_[A-Za-z0-9]{36}\b",
    "GitHub fine-grained token": r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b",
    "GitLab token": r"glpat-[A-Za-z0-9_-]{20}\b",
    "OpenAI key": r"sk-(?<![\w-]sk-)(?:(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,}|[A-Za-z0-9]{48}\b|"
    r"[A-Za-z0-9_-]{20,200}?T3BlbkFJ[A-Za-z0-9_-]{20,})",
    "Anthropic key": r"sk-ant-[a-z]+\d\d-[A-Za-z0-9_-]{32,}",
    "Slack token": r"xox[abprs]-[A-Za-z0-9-]{24,}",
    "Slack webhook": r"https://hooks\.slack\.com/services/T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/[A-Za-z0-9]{24}",
    "Google API key": r"AIza[A-Za-z0-9_-]{35}\b",
    "Stripe key": r"[sr]k_live_[A-Za-z0-9]{24,}\b",
    "npm token": r"npm_[A-Za-z0-9]{36}\b",
    "PyPI token": r"pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}",
    "Docker Hub token": r"dckr_pat_[A-Za-z0-9_-]{27}\b",
    "SendGrid key": r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b",
    "DigitalOcean token": r"dop_v1_[0-9a-f]{64}\b",
    "Databricks token": r"dapi[0-9a-f]{32}\b",
    "Replicate token": r"r8_[A-Za-z0-9]{37}\b",
    "Vault token": r"hvs\.[A-Za-z0-9_-]{90,}",
    "Azure storage key": r"AccountKey=[A-Za-z0-9+/]{60,}={0,2}",
    "Weights & Biases key": r"(?:WANDB_API_KEY|wandb_api_key)[\"']?\s*[=:]\s*[\"']?[0-9a-f]{40}\b",
    "AWS secret key": r"(?:AWS_SECRET_ACCESS_KEY|aws_secret_access_key)[\"']?\s*[=:]\s*[\"']?([A-Za-z0-9/+]{40})"
    r"(?![A-Za-z0-9/+=])",
    "Azure signature": r"[?&]sig=([A-Za-z0-9%/+]{43,64}(?:%3D|=))",
    "Groq key": r"gsk_[A-Za-z0-9]{52}\b",
    "LangSmith key": r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}\b",
    "NVIDIA key": r"nvapi-[A-Za-z0-9_-]{60,}",
    "xAI key": r"xai-[A-Za-z0-9]{80}\b",
    "OpenRouter key": r"sk-or-v1-[0-9a-f]{64}\b",
    "Perplexity key": r"pplx-[A-Za-z0-9]{48}\b",
    "Discord webhook": r"https://discord(?:app)?\.com/api/webhooks/\d{17,20}/[A-Za-z0-9_-]{60,}",
    "Telegram token": r":AA(?<=\d{8}:AA)[A-Za-z0-9_-]{33}\b",
    "Shopify token": r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b",
    "Linear key": r"lin_api_[A-Za-z0-9]{40}\b",
    "Notion token": r"ntn_[A-Za-z0-9]{46}\b",
    "Grafana token": r"gl(?:c_[A-Za-z0-9+/]{32,}|sa_[A-Za-z0-9]{32}_[0-9a-f]{8})",
    "Google access token": r"ya29\.[A-Za-z0-9_-]{60,}",
    "Google client secret": r"GOCSPX-[A-Za-z0-9_-]{28}\b",
    "Terraform token": r"\.atlasv1\.[A-Za-z0-9_=-]{60,70}",
    "Atlassian token": r"AT(?:ATT|CTT)3[A-Za-z0-9_=-]{150,}",
    "age key": r"AGE-SECRET-KEY-1[0-9A-Z]{58}\b",
    "key of a service": r"(?:_API_KEY|_api_key)[\"']?\s*[=:]\s*[\"']?([A-Za-z0-9_-]{32,200})(?![A-Za-z0-9_.(\[-])",
    "password of a machine": r"machine\s{1,9}[\w-]{1,63}\.\S{1,99}\s{1,9}login\s{1,9}\S{1,99}\s{1,9}"
    r"password\s{1,9}(\S{12,200})",
    "JSON web token": r"eyJ(?<![\w-]eyJ)[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{30,}",
    "private key": r"-----BEGIN (?:[A-Z]{2,9} )?PRIVATE KEY(?: BLOCK)?-----"
    r"(?:\\{1,4}[nr]|\s){0,40}(?:[A-Z][A-Za-z-]{2,15}: [^\\\r\n]{1,90}(?:\\{1,4}[nr]|\s){1,40}){0,4}[A-Za-z0-9+/=]{40}",
    "password in an address": r"://[^\s/:@\"'<>{}$]{1,64}:([^\s/:@\"'<>{}$*]{6,128})@[A-Za-z0-9.-]+",
}
# What a text must hold for a pattern to have a chance: looked for first, since a plain search is a hundred times
# faster.
_LITERALS = {
    "Hugging Face token": ("hf_",),
    "Hugging Face organization token": ("api_org_",),
    "AWS access key": ("AKIA",),
    "AWS session key": ("ASIA",),
    "GitHub token": ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    "GitHub fine-grained token": ("github_pat_",),
    "GitLab token": ("glpat-",),
    "OpenAI key": ("sk-",),
    "Anthropic key": ("sk-ant-",),
    "Slack token": ("xox",),
    "Slack webhook": ("hooks.slack.com",),
    "Google API key": ("AIza",),
    "Stripe key": ("k_live_",),
    "npm token": ("npm_",),
    "PyPI token": ("pypi-AgE",),
    "Docker Hub token": ("dckr_pat_",),
    "SendGrid key": ("SG.",),
    "DigitalOcean token": ("dop_v1_",),
    "Databricks token": ("dapi",),
    "Replicate token": ("r8_",),
    "Vault token": ("hvs.",),
    "Azure storage key": ("AccountKey=",),
    "Weights & Biases key": ("WANDB_API_KEY", "wandb_api_key"),
    "AWS secret key": ("AWS_SECRET_ACCESS_KEY", "aws_secret_access_key"),
    "Azure signature": ("sig=",),
    "Groq key": ("gsk_",),
    "LangSmith key": ("lsv2_",),
    "NVIDIA key": ("nvapi-",),
    "xAI key": ("xai-",),
    "OpenRouter key": ("sk-or-v1-",),
    "Perplexity key": ("pplx-",),
    "Discord webhook": ("/api/webhooks/",),
    "Telegram token": (":AA",),
    "Shopify token": ("shpat_", "shpca_", "shppa_", "shpss_"),
    "Linear key": ("lin_api_",),
    "Notion token": ("ntn_",),
    "Grafana token": ("glc_", "glsa_"),
    "Google access token": ("ya29.",),
    "Google client secret": ("GOCSPX-",),
    "Terraform token": (".atlasv1.",),
    "Atlassian token": ("ATATT3", "ATCTT3"),
    "age key": ("AGE-SECRET-KEY-1",),
    "key of a service": ("_API_KEY", "_api_key"),
    "password of a machine": ("password",),
    "JSON web token": ("eyJ",),
    "private key": ("PRIVATE KEY",),
    "password in an address": ("://",),
}
_COMPILED = {kind: (_LITERALS[kind], re.compile(pattern)) for kind, pattern in _PATTERNS.items()}
_PLACEHOLDER = re.compile(r"example|x{6,}|your|token_here|redacted|placeholder|dummy|password|passwd|changeme", re.I)
_COUNTED = re.compile(
    r"1234567890|abcdefgh", re.I
)  # in what has no form of its own; others are drawn up like that, too
_FORMLESS = frozenset({"key of a service", "password of a machine", "password in an address"})
_EXAMPLE_HOST = re.compile(r"@(localhost|127\.0\.0\.1|host(name)?|([\w-]+\.)*example(\.[a-z]+)?)$", re.I)
_MINIMUM_ENTROPY = 3.0  # bits a character; random hex has 4, words repeated less


def find_secrets(searched: SearchedText, limit: int = 20) -> Iterator[Secret]:
    """Credentials in a text, at most `limit`, without what is plainly an example."""
    text = searched.text
    told: list[tuple[int, int]] = []
    for kind, (literals, pattern) in _COMPILED.items():
        if not searched.has_any(literals):
            continue
        for found in pattern.finditer(text):
            value = found.group()
            # Asked here and not in the pattern, which could not begin with a plain search then.
            is_inside_a_word = found.start() > 0 and value[0].isalnum() and text[found.start() - 1].isalnum()
            is_told = any(first <= found.start() < last for first, last in told)
            if is_told or is_inside_a_word or _is_example(kind, found[found.lastindex or 0], value):
                continue
            told.append(found.span())
            yield Secret(kind, found.start(), f"{value[:8]}… ({len(value)} characters)")
            limit -= 1
            if limit == 0:
                return


def _is_example(kind: str, secret: str, found: str) -> bool:
    if _PLACEHOLDER.search(secret) or (kind in _FORMLESS and _COUNTED.search(secret)):
        return True
    if kind == "password in an address" and not _EXAMPLE_HOST.search(found):
        return False  # a short one is one, too
    return entropy(secret) < _MINIMUM_ENTROPY


def entropy(text: str) -> float:
    """Bits a character, by how often each occurs in `text`."""
    counts = Counter(text)
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values())
