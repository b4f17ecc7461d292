"""Addresses of the pages of release."""

from django.urls import path

from release.views import acts, board, cockpit, devices, drafts

app_name = "release"
urlpatterns = [
    path("", board.home, name="home"),
    path("devices/", devices.devices, name="devices"),
    path("releases/", board.board, name="board"),
    path("releases/level/<str:level>/", board.at_level, name="level"),
    path("releases/new/", drafts.new, name="new"),
    path("releases/<int:release_id>/", cockpit.cockpit, name="cockpit"),
    path("releases/<int:release_id>/edit/", drafts.edit, name="edit"),
    path("releases/<int:release_id>/items/", drafts.choose, name="choose"),
    path("releases/<int:release_id>/items/<str:name>/", drafts.item, name="item"),
    path("releases/<int:release_id>/items/<str:name>/remove/", drafts.remove, name="remove"),
    path("releases/<int:release_id>/items/<str:name>/outsider/", cockpit.outsider, name="outsider"),
    path("releases/<int:release_id>/submit/", acts.submit, name="submit"),
    path("releases/<int:release_id>/approve/", acts.approve, name="approve"),
    path("releases/<int:release_id>/refuse/", acts.refuse, name="refuse"),
    path("releases/<int:release_id>/recall/", acts.recall, name="recall"),
    path("releases/<int:release_id>/schedule/", acts.schedule, name="schedule"),
    path("releases/<int:release_id>/publish/", acts.publish, name="publish"),
    path("releases/<int:release_id>/withdraw/", acts.withdraw, name="withdraw"),
    path("releases/<int:release_id>/waive/", acts.waive, name="waive"),
    path("releases/<int:release_id>/publications/<int:publication_id>/", cockpit.journal, name="journal"),
    path("releases/<int:release_id>/publications/<int:publication_id>/retry/", acts.retry, name="retry"),
]
