"""No organization can be named like the beginning of a page's address: its models could not be reached."""

from __future__ import annotations

import pytest
from django.urls import get_resolver
from django.urls.resolvers import RoutePattern, URLPattern, URLResolver

from registry.services.variants import RESERVED_NAMES, create_organization
from rules import Refused


def first_words(patterns, before: str = "") -> set[str]:
    """The first segment of every address, where it is a fixed word."""
    found = set()
    for pattern in patterns:
        route = before + str(pattern.pattern)
        word = route.lstrip("^").partition("/")[0]
        if isinstance(pattern, URLResolver) and not word:
            found |= first_words(pattern.url_patterns, route)
        elif word and not word.startswith(("<", "(")) and isinstance(pattern, URLPattern | URLResolver):
            found.add(word)
    return found


def test_every_first_word_of_an_address_is_reserved():
    words = first_words(get_resolver().url_patterns)
    assert {"releases", "models", "audit", "api"} <= words
    assert isinstance(get_resolver().url_patterns[0].pattern, RoutePattern)
    assert words - RESERVED_NAMES == set()


@pytest.mark.parametrize("name", ["releases", "API", "ui"])
@pytest.mark.django_db
def test_reserved_names_are_refused(name):
    with pytest.raises(Refused) as refused:
        create_organization(name=name)
    assert refused.value.verdict.codes == {"registry.name_reserved"}
