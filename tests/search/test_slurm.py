"""The SLURM script, run by bash with stand-ins for srun and kzoo."""

import os
import subprocess
import sys
import time

import pytest

from kzoo import ArgumentError
from kzoo.search.slurm import slurm_script

PORT = 20000 + os.getpid() % 20000
"""By the number of the job, for which the tests take their own process id."""

SRUN = """#!/bin/bash
for word in "$@"; do case $word in --ntasks=*) count=${word#--ntasks=};; esac; done
while [[ $1 == --* ]]; do shift; done
for ((i = 0; i < count; i++)); do "$@" & done
trap 'kill $(jobs -p); exit 143' TERM
wait
"""

KZOO = """#!/bin/bash
echo "$*" >> calls
case $1 in
  tune) exec PYTHON chief.py "${6##*:}";;
  *) (set -o noclobber; : > worked) 2>/dev/null && exit 75; sleep 0.1;;
esac
"""


CHIEF = """
import os, signal, socket, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
time.sleep(0.5)
server = socket.create_server(("0.0.0.0", int(sys.argv[1])))
time.sleep(float(os.environ["LASTS"]))
sys.exit(int(os.environ.get("CHIEF_STATUS", "0")))
"""


def start(folder, script: str, *arguments: str, **environment: str) -> subprocess.Popen:
    for name, text in (("srun", SRUN), ("kzoo", KZOO.replace("PYTHON", sys.executable)), ("chief.py", CHIEF)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    (folder / "script.sh").write_text(script)
    known = {"PATH": f"{folder}:{os.environ['PATH']}", "SLURM_SUBMIT_DIR": str(folder), "SLURM_JOB_ID": str(os.getpid()), "LASTS": "1"}
    return subprocess.Popen(["bash", "script.sh", *arguments], cwd=folder, env=known | environment)


def calls(folder) -> list[str]:
    return sorted((folder / "calls").read_text().splitlines())


@pytest.mark.parametrize("options", [{}, {"gpus": 0, "cpus": 8, "nodes": 2, "partition": "a b", "setup": ["module load x", "true"]}])
def test_the_script_is_valid_bash(tmp_path, options):
    (tmp_path / "script.sh").write_text(slurm_script("it's a space.yaml", 3, memory="4G", account="me", **options))
    done = subprocess.run(["bash", "-n", "script.sh"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_options_of_the_job():
    lines = slurm_script("tuning/unet.yaml", 8, partition="gpu", gpus=2, nodes=4, time="01:00:00").splitlines()
    options = [line.removeprefix("#SBATCH --") for line in lines if line.startswith("#SBATCH")]
    expected = ["job-name=kzoo-unet", "ntasks=8", "cpus-per-task=4", "gpus-per-task=2", "nodes=4", "partition=gpu", "time=01:00:00"]
    assert options == [*expected, "signal=B:TERM@120", "output=kzoo-%j.log", "requeue"]
    assert "gpus" not in slurm_script("unet.yaml", 8, gpus=0)


def test_one_chief_and_every_worker_joins_it(tmp_path):
    host = subprocess.run(["hostname"], capture_output=True, text=True).stdout.strip()
    job = start(tmp_path, slurm_script("space.yaml", 3, setup=["touch was_set_up"]))
    assert job.wait(90) == 0
    chief, *workers = calls(tmp_path)
    assert chief == f"tune space.yaml --workers 0 --listen 0.0.0.0:{PORT}"
    assert workers == [f"tune-worker --join {host}:{PORT} --trials 20"] * (3 + 1), "one of three asks to be replaced"
    assert (tmp_path / "was_set_up").exists()


def test_the_job_ends_as_its_chief(tmp_path):
    assert start(tmp_path, slurm_script("unet.yaml", 1), CHIEF_STATUS="3").wait(90) == 3


def test_a_job_that_is_started_again_resumes(tmp_path):
    assert start(tmp_path, slurm_script("unet.yaml", 1, port=23456), SLURM_RESTART_COUNT="1").wait(90) == 0
    assert calls(tmp_path)[0].endswith(":23456 --resume")


def test_a_signal_reaches_the_chief_which_ends_in_order(tmp_path):
    job = start(tmp_path, slurm_script("unet.yaml", 1), LASTS="30")
    limit = time.monotonic() + 90
    while not (tmp_path / "calls").exists() or len(calls(tmp_path)) < 2:
        assert time.monotonic() < limit
        time.sleep(0.05)
    time.sleep(0.2)
    job.terminate()
    assert job.wait(90) in (7, 143)


@pytest.mark.parametrize(("argument", "value"), [("workers", 0), ("nodes", 0), ("gpus", -1), ("cpus", 0), ("port", 80)])
def test_numbers_out_of_range(argument, value):
    with pytest.raises(ArgumentError, match=f"^{argument}: expected a whole number of .* Received: {value}"):
        slurm_script("unet.yaml", **{"workers": 2, argument: value})


def test_what_sbatch_is_given_goes_to_the_chief(tmp_path):
    """As in `sbatch script.sh --resume`."""
    assert start(tmp_path, slurm_script("unet.yaml", 1, port=23457), "--resume").wait(90) == 0
    assert calls(tmp_path)[0].endswith(":23457 --resume")
