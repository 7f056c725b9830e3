"""Servers started for a test and stopped after it: PostgreSQL, and a Slurm of one node."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def wait_until(ready: Callable[[], bool], what: str, timeout_s: float = 300.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not ready():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {timeout_s:g} s")
        time.sleep(0.05)


def _postgresql_bin() -> Path:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name)
    found = shutil.which("pg_ctl")
    if not versions and found is None:
        pytest.skip("PostgreSQL is not installed; sudo apt-get install postgresql")
    return versions[-1] if versions else Path(found or "").parent


class PostgreSQL:
    """A server of its own, in a folder of its own, on loopback."""

    def __init__(self, folder: Path) -> None:
        self._bin = _postgresql_bin()
        self._folder = folder
        self._port = free_port()
        # The server refuses to run as root.
        self._user = "nobody" if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(folder, self._user)
        self._call("initdb", "-D", str(folder / "data"), "-U", "me", "-A", "trust", "-N")
        self.start()

    def url(self, database: str) -> str:
        """URL of a new, empty database."""
        server = ("-h", "127.0.0.1", "-p", str(self._port), "-U", "me")
        self._call("createdb", *server, database)
        return f"postgresql://me@127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        options = f"-h 127.0.0.1 -p {self._port} -k {self._folder} -F"
        self._call("pg_ctl", "-D", str(self._folder / "data"), "-o", options, "-w",
                   "-l", str(self._folder / "log"), "start")  # fmt: skip

    def stop(self) -> None:
        """At once, as a machine that is switched off: no client is told."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self._call("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "stop")

    def _call(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._bin / program, *arguments],
            check=True,
            cwd="/",
            user=self._user,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        )


@contextlib.contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with tempfile.TemporaryDirectory(prefix="pg.") as folder:  # its socket's path must be short
        server = PostgreSQL(Path(folder))
        try:
            yield server
        finally:
            server.stop()


class Slurm:
    """slurmctld and slurmd of this machine as the one node, and munged for both."""

    def __init__(self, folder: Path) -> None:
        for program in ("munged", "slurmctld", "slurmd", "sbatch"):
            if shutil.which(program, path=_SBIN) is None:
                pytest.skip(f"{program} is not installed; sudo apt-get install slurm-wlm munge")
        if os.geteuid() != 0:
            pytest.skip("slurmd runs as root only")
        self._folder = folder
        self._daemons: list[subprocess.Popen[bytes]] = []
        folder.chmod(0o755)
        self.environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf")}
        self._munge()
        self._configure()
        self._start("slurmctld", "-D", "-i", "-f", str(folder / "slurm.conf"))
        self._start(
            "slurmd",
            "-D",
            "-N",
            socket.gethostname().partition(".")[0],
            "-f",
            str(folder / "slurm.conf"),
        )
        try:
            wait_until(self._is_idle, "an idle node in sinfo")
        except AssertionError as error:
            logs = [path.read_text(errors="replace") for path in folder.glob("*.log")]
            self.stop()
            raise AssertionError("\n".join((str(error), *logs))) from error

    def _munge(self) -> None:
        keys = self._folder / "munge"
        keys.mkdir(mode=0o700)
        key = keys / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        self._socket = self._folder / "munge.socket"
        self._start("munged", "--foreground", "--key-file", str(key), "--socket", str(self._socket),
                    "--pid-file", str(keys / "pid"), "--log-file", str(keys / "log"),
                    "--seed-file", str(keys / "seed"))  # fmt: skip
        wait_until(self._socket.exists, "munge's socket")

    def _configure(self) -> None:
        node, user = socket.gethostname().partition(".")[0], pwd.getpwuid(os.geteuid()).pw_name
        text = f"""
ClusterName=test
SlurmctldHost={node}(127.0.0.1)
SlurmUser={user}
SlurmctldPort={free_port()}
SlurmdPort={free_port()}
AuthType=auth/munge
AuthInfo=socket={self._socket}
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_interval=1,batch_sched_delay=0
SlurmctldPidFile={self._folder}/slurmctld.pid
SlurmdPidFile={self._folder}/slurmd.pid
SlurmctldLogFile={self._folder}/slurmctld.log
SlurmdLogFile={self._folder}/slurmd.log
StateSaveLocation={self._folder}/state
SlurmdSpoolDir={self._folder}/spool
NodeName={node} NodeAddr=127.0.0.1 CPUs={os.cpu_count()} RealMemory=1000 State=UNKNOWN
PartitionName=short Nodes={node} Default=YES MaxTime=INFINITE State=UP
"""
        (self._folder / "state").mkdir()
        (self._folder / "spool").mkdir()
        (self._folder / "slurm.conf").write_text(text)

    def _is_idle(self) -> bool:
        done = subprocess.run(
            ["sinfo", "-h", "-o", "%T"], capture_output=True, text=True, env=self.environment
        )
        return done.stdout.strip() == "idle"

    def _start(self, program: str, *arguments: str) -> None:
        where = shutil.which(program, path=_SBIN)
        assert where is not None
        with (self._folder / f"{program}.out.log").open("wb") as log:
            self._daemons.append(
                subprocess.Popen(
                    [where, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=self.environment,
                )
            )

    def stop(self) -> None:
        for daemon in reversed(self._daemons):
            daemon.terminate()
        for daemon in self._daemons:
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


_SBIN = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


@contextlib.contextmanager
def slurm() -> Iterator[Slurm]:
    with tempfile.TemporaryDirectory(prefix="slurm.") as folder:
        cluster = Slurm(Path(folder))
        try:
            yield cluster
        finally:
            subprocess.run(["scancel", "--user", "root"], env=cluster.environment, check=False)
            cluster.stop()
