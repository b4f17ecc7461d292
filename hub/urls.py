"""Addresses of pages about pull requests, as the Hub's client prints them."""

from django.urls import path

from hub.views import pull_pages

app_name = "hub"
PLACE = "<str:organization>/<str:name>/discussions"
urlpatterns = [
    path(f"{PLACE}/", pull_pages.listing, name="pulls"),
    path(f"{PLACE}/<int:number>", pull_pages.plain),
    path(f"{PLACE}/<int:number>/", pull_pages.one, name="pull"),
    path(f"{PLACE}/<int:number>/comment/", pull_pages.comment, name="comment-pull"),
    path(f"{PLACE}/<int:number>/<str:verb>/", pull_pages.act, name="move-pull"),
]
