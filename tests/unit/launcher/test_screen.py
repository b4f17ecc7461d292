"""The screen that ends a start."""

from config.launcher import screen

USERS = [
    {"username": "manager", "password": "pw-1", "roles": ["release manager"], "token": "t1"},
    {"username": "pipeline", "password": "pw-2", "roles": ["service account"], "token": "imp_secret"},
]


def test_fits_one_screen_and_names_what_is_needed():
    text = screen.welcome("http://a:1", "http://a:2", USERS * 5, USERS, 4.2, "var/log")
    assert text.count("\n") < 40
    for needed in ("http://a:1", "http://a:2", "manager", "pw-1", "imp_secret", "4.2 s", "var/log", "Ctrl-C"):
        assert needed in text


def test_without_users_it_promises_none():
    assert "Log-ins" not in screen.welcome("u", "h", [], [], 1.0, "var/log")


def test_second_run_says_where_the_first_is():
    assert "http://a:1" in screen.already_running(7, "http://a:1")
    assert "kill 7" in screen.already_running(7, None)
