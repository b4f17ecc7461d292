"""Pages of the API by key: limits and cursors are read strictly."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import urlencode

import pytest
from django.contrib.contenttypes.models import ContentType
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from web.pagination import KeyPagination


def asked(**query):
    return Request(APIRequestFactory().get("/api/v1/releases/", query))


@pytest.mark.parametrize(("given", "size"), [({}, 50), ({"limit": "1"}, 1), ({"limit": "200"}, 200)])
def test_limit_is_read(given, size):
    assert KeyPagination().get_page_size(asked(**given)) == size


@pytest.mark.parametrize("bad", ["0", "201", "-1", "", "ten", "1.5", "٣", "9" * 30, "1e2", " 5"])
def test_a_limit_outside_is_refused_not_replaced(bad):
    with pytest.raises(exceptions.ValidationError) as raised:
        KeyPagination().get_page_size(asked(limit=bad))
    assert set(raised.value.detail) == {"limit"}


@pytest.mark.parametrize("bad", ["x", "!!!!", "cD0=x", "bz1hYmM=", "ÿ", "cD0x\n"])
def test_a_forged_cursor_is_a_fault_of_the_request(bad):
    with pytest.raises(exceptions.ValidationError) as raised:
        KeyPagination().decode_cursor(asked(cursor=bad))
    assert set(raised.value.detail) == {"cursor"}


def test_a_view_names_its_order():
    class View:
        ordering = ("-decided_at", "-id")

    assert KeyPagination().get_ordering(asked(), None, View()) == ("-decided_at", "-id")
    assert KeyPagination().get_ordering(asked(), None, object()) == ("-id",)


@pytest.mark.parametrize("position", ["", "x", "1.5", "1e9", "\x00"])
def test_a_cursor_at_no_possible_key_is_a_fault_of_the_request(position):
    forged = b64encode(urlencode({"p": position}).encode()).decode()
    request = asked(cursor=forged)
    with pytest.raises(exceptions.ValidationError) as raised:
        KeyPagination().paginate_queryset(ContentType.objects.all(), request)
    assert set(raised.value.detail) == {"cursor"}
