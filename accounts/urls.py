"""Addresses of sign-in and of one's own account."""

app_name = "accounts"
urlpatterns: list = []
