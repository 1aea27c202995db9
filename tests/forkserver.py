"""Starts `kzoo` many times: what it imports is imported once, and each process is a fork that can be killed like any other.

One order per line of the standard input: arguments, folder, environment, a file for what is printed, one for the process id, one for the
exit status.
"""

import json
import os
import signal
import sys
from pathlib import Path

import mlflow.store.tracking.sqlalchemy_store  # noqa: F401

import kzoo.cli
import kzoo.search.searching
import kzoo.search.worker


def serve() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        if os.fork() == 0:
            watch(json.loads(line))
            return


def watch(order: dict) -> None:
    """Starts the process and waits for it, so that nothing is left of it when it has died."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    process = os.fork()
    if process == 0:
        run(order)
        return
    write(order["pid"], process)
    _, status = os.waitpid(process, 0)
    write(order["status"], os.waitstatus_to_exitcode(status))
    os._exit(0)


def run(order: dict) -> None:
    os.setsid()
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    for stream in (1, 2):
        os.dup2(os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    sys.stdin.close()
    sys.argv = ["kzoo", *order["arguments"]]
    kzoo.cli.main()


def write(file: str, number: int) -> None:
    """The file is there when its content is."""
    Path(f"{file}.part").write_text(str(number))
    Path(f"{file}.part").rename(file)


if __name__ == "__main__":
    serve()
