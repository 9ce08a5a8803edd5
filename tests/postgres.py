"""A PostgreSQL that runs here for tests, in a folder of its own, where it is installed."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path

OTHER_USER = "postgres"  # the server refuses to run as root


def bin_folder():
    """Return the folder of PostgreSQL's programs, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    named = shutil.which("initdb")
    return Path(named).resolve().parent if named else None


def missing():
    """Return why no server can run here, or None."""
    if bin_folder() is None:
        return "PostgreSQL is not installed"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed"
    return None


def _prefix():
    if os.geteuid() != 0:
        return []
    pwd.getpwnam(OTHER_USER)
    return ["runuser", "-u", OTHER_USER, "--"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running server."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port

    def url(self, name="postgres"):
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def new_database(self):
        """Return the URL of an empty database."""
        import psycopg

        name = f"t{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)


@contextmanager
def running():
    """Give a server whose data lie in a folder that goes with it.

    The folder stands outside of pytest's own, into which no other user may look.
    """
    with tempfile.TemporaryDirectory(prefix="clinnlp-pg-", ignore_cleanup_errors=True) as folder:
        data = Path(folder)
        if os.geteuid() == 0:
            user = pwd.getpwnam(OTHER_USER)
            os.chown(data, user.pw_uid, user.pw_gid)
        yield from _running(data)


def _running(data):
    programs, port = bin_folder(), free_port()
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": "/"}
    subprocess.run(
        [*_prefix(), programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N"],
        **quiet,
    )
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    control = [*_prefix(), programs / "pg_ctl", "-D", data, "-w"]
    subprocess.run([*control, "-l", data / "log", "-o", options, "start"], **quiet)
    try:
        yield Server(data, port)
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], **quiet)
