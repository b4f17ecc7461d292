"""Addresses of the pages of gating."""

from django.urls import path, re_path

from gating.views import asking, keeping, portal, queue

app_name = "gating"
urlpatterns = [
    path("models/", portal.models, name="models"),
    path("access/", queue.queue, name="queue"),
    path("access/mine/", asking.mine, name="mine"),
    path("access/<int:request_id>/", queue.detail, name="request"),
    path("access/<int:request_id>/cancel/", asking.cancel, name="cancel"),
    re_path(
        r"^access/(?P<request_id>[0-9]{1,18})/(?P<verb>accept|reject|reopen|revoke)/$", queue.decide, name="decide"
    ),
    path("<str:organization>/<str:name>/access/", asking.ask, name="ask"),
    path("<str:organization>/<str:name>/access/text/", asking.accept_text, name="accept-text"),
    path("<str:organization>/<str:name>/gate/", keeping.gate, name="gate"),
    path("<str:organization>/<str:name>/gate/grant/", keeping.grant, name="grant"),
]
