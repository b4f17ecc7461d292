"""Runs Imprimatur on one machine: private PostgreSQL and Redis, two instances, workers and schedule, one supervisor.

Owns processes, ports, secrets and `var/`; knows no model and never imports Django, so that it starts at once and
stays small beside what it supervises.
"""
