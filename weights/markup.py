"""Markup that people look at: cards, pages, pictures in SVG, XML.

Owns the search for what acts on its reader: scripts and handlers, links that lead elsewhere than they seem, text that
does not show. Every pattern is bounded, so that its cost grows with the text and no faster.
"""

from __future__ import annotations

import html
import ipaddress
import re
import unicodedata
from collections.abc import Iterable, Iterator

from weights.catalog.files import FM_XML
from weights.catalog.leftovers import MD_HIDDEN, MD_HTML, MD_LINK
from weights.findings import Finding

LENGTH_LIMIT = 2_000_000  # characters that are searched; a longer card is no card
BLANK_RUN = 10

_ACTIVE = re.compile(
    r"<\s{0,20}(script|iframe|object|embed|form|meta|link|base|frame|applet)\b[^<>]{0,500}>?|"
    r"<[a-z][^<>]{0,2000}?[\s/\"']on[a-z]{3,20}\s{0,20}=|"
    r"((href|src|action|data|to)\s{0,20}=\s{0,20}[\"']?|\]\()\s{0,20}<?(javascript|vbscript|data:text/html)|"
    r"style\s{0,20}=\s{0,20}[\"'][^\"'<>]{0,500}position\s{0,20}:\s{0,20}(fixed|absolute)",
    re.IGNORECASE,
)
_ACTIVE_WORDS = ("<", "javascript", "vbscript", "data:text/html", "position")  # one of them is in all of that
_ENTITY = re.compile(r"<!(ENTITY|DOCTYPE[^>\[]{0,300}\[)", re.IGNORECASE)
_INLINE_CODE = re.compile(r"(`{1,3})[^`\n]{1,2000}\1")
_LINK = re.compile(r"\[(?P<shown>[^\[\]\n]{0,300})\]\(\s{0,5}<?(?P<target>https?://[^\s)<>]{1,500})", re.IGNORECASE)
_ANCHOR = re.compile(
    r"<a\s[^<>]{0,300}?href\s{0,5}=\s{0,5}[\"']?(?P<target>https?://[^\s\"'<>]{1,500})[^<>]{0,300}>(?P<shown>[^<]{0,300})",
    re.IGNORECASE,
)
_HOST = re.compile(r"https?://(?P<user>[^/@\s]{0,200}@)?(?P<host>\[[0-9a-f:.]+\]|[^/:?#\s]{1,255})", re.IGNORECASE)
_SHOWN_HOST = re.compile(r"(?:https?://)?((?:[\w-]+\.)+[a-z]{2,10})(?:[/:?#]|$)", re.IGNORECASE)
# Sites whose names are borrowed to look trustworthy, and the names they have themselves.
_KNOWN = {
    "huggingface.co": {"huggingface.co", "hf.co", "huggingface.com"},
    "github.com": {"github.com", "github.io", "githubusercontent.com", "github.dev"},
    "google.com": {"google.com", "goo.gl", "youtube.com"},
    "pytorch.org": {"pytorch.org"},
    "openai.com": {"openai.com", "chatgpt.com"},
    "microsoft.com": {"microsoft.com", "aka.ms"},
}
# In a style: what is in the text for programs and not on the page.
_UNSHOWN = re.compile(
    r"<[a-z][^<>]{0,500}?\bstyle\s{0,5}=\s{0,5}[\"'][^\"'<>]{0,500}?"
    r"(display\s{0,5}:\s{0,5}none|visibility\s{0,5}:\s{0,5}hidden|(font-size|opacity)\s{0,5}:\s{0,5}0(?![.\d]))|"
    r"<[a-z][^<>]{0,500}?\shidden(?=[\s>=/])",
    re.IGNORECASE,
)
_HIDING = re.compile(
    f"[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e01ef]|[\u200b\u200c\u200d\u2060-\u2064\ufeff]{{{BLANK_RUN}}}"
)


def check_markup(text: str, path: str) -> list[Finding]:
    """Findings on a card or a page, code examples in it left out."""
    findings = []
    if len(text) > LENGTH_LIMIT:
        findings.append(MD_HTML.at(path, f"Only {LENGTH_LIMIT} of {len(text)} characters were searched."))
        text = text[:LENGTH_LIMIT]
    prose = _without_fences(text)
    if "`" in prose:
        prose = _INLINE_CODE.sub("", prose)
    shown = html.unescape(prose).replace("\t", "").replace("\0", "") if "&" in prose or "\t" in prose else prose
    active = _ACTIVE.search(prose) if has_any(prose, _ACTIVE_WORDS) else None
    if active is None and shown is not prose:
        active = _ACTIVE.search(shown)
    if active:
        findings.append(MD_HTML.at(path, "The text has active markup.", evidence=active.group()))
    for trouble, evidence in _links(prose) if "://" in prose else ():
        findings.append(MD_LINK.at(path, trouble, evidence=evidence))
        break
    unshown = _UNSHOWN.search(prose) if has_any(prose, ("style", "hidden")) else None
    if unshown:
        findings.append(MD_HIDDEN.at(path, "The markup hides a part of the text.", evidence=unshown.group()))
    hidden = None if text.isascii() else _HIDING.search(text)
    if hidden:
        message = f"The text holds the character U+{ord(hidden.group()[0]):04X}."
        findings.append(MD_HIDDEN.at(path, message, offset=hidden.start()))
    return findings


def has_any(text: str, words: Iterable[str]) -> bool:
    """Whether `text` may have one of the `words`, which are in lower case.

    For asking a costly pattern that ignores case only where it has a chance. What is not ASCII may: there, letters
    have more forms than two.
    """
    if not text.isascii():
        return True
    lowered = text.lower()
    return any(word in lowered for word in words)


def check_xml(text: str, path: str) -> list[Finding]:
    """Findings on an XML or SVG document."""
    found = _ENTITY.search(text[:LENGTH_LIMIT])
    if found and "<!ENTITY" in text[:LENGTH_LIMIT].upper():
        return [FM_XML.at(path, "The document declares entities.", evidence=text[found.start() : found.start() + 120])]
    return []


def _without_fences(text: str) -> str:
    """The text without fenced blocks of code, line by line."""
    if "```" not in text and "~~~" not in text:
        return text
    kept = []
    fence = ""
    for line in text.split("\n"):
        start = line.lstrip(" ")
        if fence:
            if start.startswith(fence):
                fence = ""
        elif start.startswith(("```", "~~~")):
            fence = start[:3]
        else:
            kept.append(line)
    return "\n".join(kept)


def _links(text: str) -> Iterator[tuple[str, str]]:
    for pattern in (_LINK, _ANCHOR):
        for link in pattern.finditer(text):
            found = _HOST.match(link["target"])
            if found is None:
                continue
            trouble = _trouble(found["user"] or "", found["host"].lower(), link["shown"].strip())
            if trouble:
                yield trouble, link["target"]


def _trouble(user: str, host: str, shown: str) -> str:
    if "." in user:
        return f"A link hides the host {host!r} behind an `@`."
    if _is_public_address(host):
        return f"A link leads to the bare address {host}."
    if not host.isascii() and _mixes_scripts(host):
        return f"A link leads to the host {host!r}, which mixes alphabets."
    seen = _SHOWN_HOST.match(shown)
    if seen:
        for site, names in _KNOWN.items():
            if _belongs(seen[1].lower(), {site}) and not _belongs(host, names):
                return f"A link shows {seen[1]!r} and leads to {host!r}."
    return ""


def _belongs(host: str, names: set[str]) -> bool:
    return any(host == name or host.endswith("." + name) for name in names)


def _is_public_address(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def _mixes_scripts(host: str) -> bool:
    scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in host if letter.isalpha()}
    return len(scripts & {"LATIN", "CYRILLIC", "GREEK"}) > 1
