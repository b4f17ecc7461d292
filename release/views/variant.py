"""The pages of a variant."""

from django.http import Http404


def card(request, organization, name):
    raise Http404
