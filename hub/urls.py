"""Addresses of pages: of logins to be confirmed and pull requests, as the Hub's client prints them, and downloads."""

from django.urls import path

from hub.views import device_pages, download_pages, pull_pages

app_name = "hub"
PLACE = "<str:organization>/<str:name>/discussions"
urlpatterns = [
    path("account/device/", device_pages.confirm, name="device"),
    path("<str:organization>/<str:name>/downloads/", download_pages.downloads, name="downloads"),
    path(f"{PLACE}/", pull_pages.listing, name="pulls"),
    path(f"{PLACE}/<int:number>", pull_pages.plain),
    path(f"{PLACE}/<int:number>/", pull_pages.one, name="pull"),
    path(f"{PLACE}/<int:number>/comment/", pull_pages.comment, name="comment-pull"),
    path(f"{PLACE}/<int:number>/<str:verb>/", pull_pages.act, name="move-pull"),
]
