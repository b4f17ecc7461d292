"""How web processes serve, under the launcher and in containers; address and count of workers come from outside."""

from pathlib import Path

worker_class = "gthread"
threads = 8
# A thread may stream a checkpoint for hours; this is how long a worker may go without its heartbeat.
timeout = 120
# Below the launcher's limit for stopping all; clients resume a transfer that was cut.
graceful_timeout = 4
keepalive = 15
# A heartbeat on disk would wait whenever the disk does.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
control_socket_disable = True
accesslog = None
errorlog = "-"
