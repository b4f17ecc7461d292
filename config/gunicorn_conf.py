"""How web processes serve, under the launcher and in containers; address and count of workers come from outside."""

import resource
from pathlib import Path

# Threads answer; files leave by senders, so that readers, however slow, keep no thread from answering.
worker_class = "config.web_worker.DownloadWorker"
threads = 8
# Connections that one process holds at once, downloads among them; each takes a socket and a file.
worker_connections = 4000
# This is how long a worker may go without its heartbeat.
timeout = 120
# Below the launcher's limit for stopping all; clients resume a transfer that was cut.
graceful_timeout = 4
keepalive = 15
# A heartbeat on disk would wait whenever the disk does.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
control_socket_disable = True
accesslog = None
errorlog = "-"

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
wanted = 2 * worker_connections + 500
if soft != resource.RLIM_INFINITY and soft < wanted:
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
