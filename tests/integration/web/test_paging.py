"""Pages by key over real rows: nothing is shown twice or left out while rows come and go."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.test import RequestFactory
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.test import APIRequestFactory

from rules import Refused
from web.pagination import KeyPagination, page_by_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(django_user_model):
    for number in range(7):
        django_user_model.objects.create(username=f"user-{number}")
    return django_user_model.objects.all()


def shown(rows, address="/", **options):
    return page_by_key(RequestFactory().get(address), rows, size=3, **options)


def names(page):
    return [row.username[-1] for row in page]


def test_the_newest_come_first_and_every_page_leads_on(people):
    first = shown(people)
    assert (names(first), first.newer) == (["6", "5", "4"], "")
    second = shown(people, first.older)
    assert names(second) == ["3", "2", "1"]
    third = shown(people, second.older)
    assert (names(third), third.older) == (["0"], "")
    assert names(shown(people, third.newer)) == ["3", "2", "1"]
    back = shown(people, second.newer)
    assert (names(back), back.newer) == (["6", "5", "4"], "")


def test_rows_that_come_meanwhile_shift_nothing(people, django_user_model):
    first = shown(people)
    django_user_model.objects.create(username="user-7")
    assert names(shown(people, first.older)) == ["3", "2", "1"]
    assert shown(people, shown(people, first.older).newer).newer != ""


def test_a_full_last_page_leads_nowhere(people):
    page = shown(people.filter(username__lte="user-2"))
    assert (names(page), page.older, page.newer) == (["2", "1", "0"], "", "")
    assert len(shown(people.none())) == 0


def test_other_questions_of_the_address_are_kept(people):
    page = shown(people, f"/people?level=gated&after={people.latest('pk').pk + 1}")
    assert "level=gated" in page.older
    assert urlsplit(page.older).query.count("after=") == 1


def test_any_unique_field_can_be_the_key(people):
    first = shown(people, key="username")
    assert names(first) == ["0", "1", "2"]
    second = shown(people, first.older, key="username")
    assert names(second) == ["3", "4", "5"]
    assert names(shown(people, second.newer, key="username")) == ["0", "1", "2"]


@pytest.mark.parametrize("bad", ["x", "", "1.5", "1' OR 1=1", "\x00"])
def test_a_key_that_none_can_have_is_refused(people, bad):
    with pytest.raises(Refused) as raised:
        page_by_key(RequestFactory().get("/", {"after": bad}), people)
    assert raised.value.verdict.codes == {"page_key_invalid"}


def test_a_key_beyond_all_numbers_is_answered(people):
    assert len(shown(people, f"/?before={9**40}")) == 0


def test_a_page_costs_one_query(people, django_assert_num_queries):
    with django_assert_num_queries(1):
        list(shown(people))


def test_the_api_pages_by_cursor(people):
    class Name(serializers.Serializer):
        username = serializers.CharField()

    class People(ListAPIView):
        authentication_classes = permission_classes = ()
        serializer_class, pagination_class, queryset = Name, KeyPagination, people

    view, seen, address = People.as_view(), [], "/people?limit=3"
    while address:
        answer = view(APIRequestFactory().get(address)).data
        seen += [row["username"][-1] for row in answer["results"]]
        address = answer["next"]
    assert seen == list("6543210")
    assert view(APIRequestFactory().get("/people?limit=0")).status_code == 422
    assert view(APIRequestFactory().get("/people?cursor=cD14")).status_code == 422
