"""The production compose file says what the programs that it names understand."""

import re
import shlex
from importlib import import_module
from importlib.util import find_spec

import pytest
import yaml

from config.launcher import programs
from config.launcher.instance import ROOT, VARIABLES

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}


def words(name: str) -> list[str]:
    return shlex.split(OURS[name]["command"])


def option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


def queues_of_handlers() -> set[str]:
    from jobs import handlers

    return {handler.queue for handler in handlers._handlers.values()} | {"default"}


def test_every_program_that_compose_runs_is_known_here():
    assert {words(name)[0] for name in OURS} == {"gunicorn", "celery", "python"}


@pytest.mark.parametrize("name", [name for name in OURS if words(name)[0] == "celery"])
def test_celery_understands_its_command_line(name):
    from celery.bin.base import CLIContext
    from celery.bin.celery import celery

    command = words(name)
    assert command[1:3] == ["--app", "config"]
    parent = celery.make_context("celery", command[1:4])
    parent.obj = CLIContext(app=import_module("config.celery").app, no_color=True, workdir=None)
    context = celery.commands[command[3]].make_context(command[3], command[4:], parent=parent)
    assert not context.args, f"{context.args} are no options of celery {command[3]}"


@pytest.mark.parametrize("name", [name for name in OURS if words(name)[0] == "gunicorn"])
def test_gunicorn_understands_its_command_line_and_configuration(name, monkeypatch):
    from gunicorn.app.wsgiapp import WSGIApplication

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("sys.argv", words(name))
    app = WSGIApplication("%(prog)s [OPTIONS] [APP_MODULE]")
    assert app.cfg.worker_class.__name__ == "DownloadWorker"
    assert (app.cfg.timeout, app.cfg.threads) == (120, 8)
    assert callable(import_module(app.app_uri).application)


def test_management_commands_exist():
    from django.core.management import get_commands

    named = {words(name)[2] for name in OURS if words(name)[0] == "python"}
    assert named <= set(get_commands())


def test_every_queue_with_work_has_workers_in_both_settings():
    pools = [words(name) for name in OURS if "worker" in words(name)]
    served = {queue for command in pools for queue in option(command, "--queues").split(",")}
    assert served >= queues_of_handlers()
    embedded = {queue for queues, _ in programs.POOLS.values() for queue in queues.split(",")}
    assert embedded >= queues_of_handlers()
    assert served - embedded == {"smoke.cuda"}


def test_worker_names_are_distinct():
    names = [option(words(name), "--hostname") for name in OURS if "worker" in words(name)]
    assert len(set(names)) == len(names)


def test_only_known_settings_are_given_and_none_of_the_needed_is_missing():
    for name, service in OURS.items():
        given = {variable.removesuffix("_FILE") for variable in service["environment"]}
        assert given <= VARIABLES, name
        assert given >= {"SECRET_KEY", "DATABASE_URL", "REDIS_URL", "PUBLIC_URL", "ALLOWED_HOSTS"}, name


def test_what_services_name_is_declared():
    for name, service in SERVICES.items():
        assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"]), name
        assert set(service.get("depends_on", ())) <= set(SERVICES), name
        volumes = {volume.split(":")[0] for volume in service.get("volumes", ())}
        assert {volume for volume in volumes if not volume.startswith(".")} <= set(COMPOSE["volumes"]), name
        for volume in volumes:
            assert not volume.startswith(".") or (ROOT / volume).exists(), volume
        for secret in service.get("environment", {}).values():
            if str(secret).startswith("/run/secrets/"):
                assert secret.removeprefix("/run/secrets/") in service["secrets"], name


def test_nginx_is_given_what_its_configuration_asks_for():
    template = (ROOT / "deploy" / "nginx" / "imprimatur.conf.template").read_text()
    assert set(re.findall(r"\$\{(\w+)\}", template)) == set(SERVICES["delivery"]["environment"])
    blobs = SERVICES["delivery"]["environment"]["BLOBS"]
    assert any(volume.split(":")[1] in blobs for volume in SERVICES["web"]["volumes"])


def test_no_secret_stands_in_the_file():
    text = (ROOT / "docker-compose.yml").read_text()
    assert not re.search(r"(?i)(password|token|key):\s+['\"]?[\w-]{8,}['\"]?\s*$", text, re.MULTILINE)


def test_dockerfile_builds_the_targets_that_compose_asks_for():
    stages = re.findall(r"^FROM \S+ AS (\w+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert {service["build"]["target"] for service in OURS.values()} == set(stages)
    copied = re.findall(r"^COPY (?:--\S+ )?(\S+) \.", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert all((ROOT / path).exists() for path in copied)
    assert find_spec("config.gunicorn_conf") is not None
