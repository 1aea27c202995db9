"""A search on a cluster: an sbatch script that runs the chief on the first node and the workers on all of them."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from ..errors import ArgumentError
from .crew import RECYCLED, TRIALS

_SCRIPT = """\
#!/bin/bash
{options}

# The chief hands out trials; it trains nothing and runs beside the workers of the first node. What sbatch is given after the
# name of this script goes to it: --resume, for a search whose time was up.
# Only who has its token takes part in the search, but what they say is not encrypted: its port is for the machines of your cluster.
set -u
cd "$SLURM_SUBMIT_DIR"
{setup}HOST=$(hostname)
PORT={port}
export KZOO_TOKEN=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
RESUME=()
if [ "${{SLURM_RESTART_COUNT:-0}}" -gt 0 ]; then RESUME=(--resume); fi

{command} tune {space} --workers 0 --listen "0.0.0.0:$PORT" "${{RESUME[@]}}" "$@" &
CHIEF=$!
trap 'kill -TERM "$CHIEF" 2>/dev/null' TERM INT

# Workers wait for a chief, but not for long; this waits until it is there, or gone.
until (exec 3<>"/dev/tcp/$HOST/$PORT") 2>/dev/null || ! kill -0 "$CHIEF" 2>/dev/null; do sleep 1; done

# A worker that has trained {recycled} trials is replaced (it exits with {status}), since TensorFlow keeps some memory of each.
srun --ntasks={workers} --cpus-per-task={cpus}{gpus} --kill-on-bad-exit=0 \\
  bash -c 'while "$@"; [ $? -eq {status} ]; do :; done' worker \\
  {command} tune-worker --join "$HOST:$PORT" --trials {recycled} &
WORKERS=$!

# A signal ends a wait early, so the chief is waited for until it is gone.
while wait "$CHIEF"; STATUS=$?; kill -0 "$CHIEF" 2>/dev/null; do :; done
kill -TERM "$WORKERS" 2>/dev/null
wait "$WORKERS"
exit "$STATUS"
"""


def slurm_script(
    space: str | Path,
    workers: int,
    *,
    nodes: int | None = None,
    gpus: int = 1,
    cpus: int = 4,
    partition: str | None = None,
    time: str = "24:00:00",
    memory: str | None = None,
    account: str | None = None,
    port: int | None = None,
    setup: Sequence[str] = (),
    command: str = "kzoo",
) -> str:
    """An sbatch script that searches a space with many workers; a job that SLURM starts again resumes its search.

    All nodes must see the folder in which the script is submitted.

    Args:
        space: the space file, as seen from that folder.
        workers: int, that train at a time.
        nodes: int, machines; None leaves it to SLURM.
        gpus: int, of each worker; 0 trains on CPUs.
        cpus: int, cores of each worker.
        partition: of the cluster; None takes its default.
        time: the longest that the job may run.
        memory: of each core, such as `4G`.
        account: that pays.
        port: of the chief; None takes one between 20000 and 39999 by the job's number.
        setup: lines of shell that come first, such as `module load cuda` and `source venv/bin/activate`.
        command: that runs kzoo.

    Raises:
        ArgumentError: a number out of range.

    >>> print(slurm_script("tuning/unet.yaml", 8, partition="gpu").splitlines()[4])
    #SBATCH --gpus-per-task=1
    """
    least = {"workers": (workers, 1), "nodes": (nodes, 1), "gpus": (gpus, 0), "cpus": (cpus, 1), "port": (port, 1024)}
    for name, (value, low) in least.items():
        if value is not None and value < low:
            raise ArgumentError(name, f"expected a whole number of {low} or more. Received: {value}.")
    options = {
        "job-name": f"kzoo-{Path(space).stem}",
        "ntasks": workers,
        "cpus-per-task": cpus,
        "gpus-per-task": gpus or None,
        "nodes": nodes,
        "partition": partition,
        "account": account,
        "mem-per-cpu": memory,
        "time": time,
        "signal": "B:TERM@120",
        "output": "kzoo-%j.log",
    }
    lines = [f"#SBATCH --{key}={shlex.quote(str(value))}" for key, value in options.items() if value is not None]
    return _SCRIPT.format(
        options="\n".join([*lines, "#SBATCH --requeue"]),
        setup="".join(f"{line}\n" for line in setup),
        port=port or "$((20000 + SLURM_JOB_ID % 20000))",
        space=shlex.quote(str(space)),
        workers=workers,
        cpus=cpus,
        gpus=f" --gpus-per-task={gpus}" if gpus else "",
        command=command,
        recycled=TRIALS,
        status=RECYCLED,
    )
