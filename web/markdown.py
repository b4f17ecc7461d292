"""Model cards and other Markdown from outside, made safe to show.

Owns what may stand in a card: text, lists, tables, code, and links that lead away. Images, HTML and relative
links are left out: a card must not call home, imitate our pages, or link into them.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from html import escape

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from weights.front_matter import FENCED

# Reading costs up to 20 µs for each character of the worst texts, so that no page waits longer than a few seconds.
MAX_CARD_CHARACTERS = 128 * 1024
# Emphasis and brackets cost the square of a paragraph's length; a longer one is shown as it was written.
MAX_PARAGRAPH_CHARACTERS = 8 * 1024
# Around what a release writes into a card.
OWN_MARK = re.compile(r"<!-- (?:end of )?imprimatur: tested on -->[ \t]*")
TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre",
    "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip


@lru_cache(maxsize=64)
def render_card(text: str) -> SafeString:
    """Return the card as HTML that holds nothing but the allowed tags; YAML front matter is left out.

    A card above `MAX_CARD_CHARACTERS` is shown as far as that, with a sentence that says so.
    """
    body = FENCED.sub("", text, count=1)
    is_cut = len(body) > MAX_CARD_CHARACTERS
    html = nh3.clean(
        _parser().render(body[:MAX_CARD_CHARACTERS].replace("\x00", "\ufffd")),
        tags=TAGS,
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        attribute_filter=_only_absolute_links,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer",
        strip_comments=True,
    )
    if is_cut:
        html += f"<p>The text is longer than {MAX_CARD_CHARACTERS:,} characters; the rest is not shown.</p>"
    return mark_safe(html)  # noqa: S308 - sanitized above


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    ends = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    parser.block.ruler.before("fence", "mark", _mark, ends)
    parser.add_render_rule("image", _image_as_text)
    parser.add_render_rule("long_text", _long_text)
    parser.core.ruler.before("inline", "long_paragraphs", _spare_long_paragraphs)
    parser.core.ruler.push("deeper_headings", _deepen_headings)
    return parser


def _mark(state: object, begin: int, end: int, silent: bool) -> bool:
    """Leave out our own marks; every other comment is shown, since it is published with the card."""
    line = state.src[state.bMarks[begin] : state.eMarks[begin]]
    if not OWN_MARK.fullmatch(line):
        return False
    if not silent:
        state.line = begin + 1
    return True


def _deepen_headings(state: object) -> None:
    """Move headings one level down: the page already has its first."""
    for token in state.tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"


def _spare_long_paragraphs(state: object) -> None:
    """Keep what is too long to be read for its marks out of that reading."""
    for token in state.tokens:
        if token.type == "inline" and len(token.content) > MAX_PARAGRAPH_CHARACTERS:
            token.type = "long_text"


def _long_text(renderer: object, tokens: list, position: int, options: object, env: object) -> str:
    return escape(tokens[position].content)


def _image_as_text(renderer: object, tokens: list, position: int, options: object, env: object) -> str:
    return f"<span>[image: {escape(tokens[position].content or 'no description')}]</span>"


def _only_absolute_links(tag: str, attribute: str, value: str) -> str | None:
    if (tag, attribute) != ("a", "href"):
        return value
    return value if re.match(r"(?:https?://|mailto:)", value, re.IGNORECASE) else None
