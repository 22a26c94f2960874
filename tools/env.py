"""Make the course's environment, `.venv`, from the pins: `python tools/env.py [course|dev|peers]`.

A stamp inside `.venv` is written last and names everything the environment was made from. Without a
matching stamp the environment is stale or half made, and is made again from nothing. Only the
standard library is used here, since there is nothing else yet.
"""

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Every level holds the course; beyond it they do not depend on each other.
LEVELS = {
    "course": "requirements.txt",
    "dev": "requirements-dev.txt",
    "peers": "requirements-peers.txt",
}


def python_in(venv: Path) -> Path:
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def stamp(root: Path, level: str) -> str:
    """What the environment of `level` must have been made from, for the Python that runs this."""
    digest = hashlib.sha256(f"{sys.version}\n{root}\n".encode())
    for name in dict.fromkeys(("course", level)):
        digest.update((root / LEVELS[name]).read_bytes())
    import tomllib  # not at the top, where an older Python would fail before it is told

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    project["tool"] = project.get("tool", {}).get("setuptools")  # not how ruff or pytest are set
    digest.update(json.dumps(project).encode())
    return f"{level} {digest.hexdigest()}"


def good(root: Path, level: str) -> bool:
    """Whether the environment whose Python runs this is complete and up to date."""
    stamps = root / ".venv" / "stamp"
    return stamps.is_file() and stamp(root, level) in stamps.read_text().splitlines()


def ask(root: Path, level: str) -> bool:
    """Ask the environment itself: its Python may be gone, or another one by now."""
    command = [str(python_in(root / ".venv")), __file__, "--check", level]
    try:
        return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True)


def write(path: Path, data: bytes) -> None:
    """Write a whole file or none of it."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def alone(root: Path, work: str) -> Iterator[None]:
    """Hold the lock on one kind of work; the system frees it even if this process is killed."""
    folder = root / ".cache"
    folder.mkdir(exist_ok=True)
    with open(folder / f"{work}.lock", "a") as lock:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(lock.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make(root: Path, level: str) -> None:
    venv = root / ".venv"
    held = {name for name in LEVELS if ask(root, name)}
    # First, so that nothing half changed can pass for good.
    (venv / "stamp").unlink(missing_ok=True)
    if not held:
        version = sys.version.split()[0]
        print(f"Making .venv with Python {version} (once, a minute or two) ...", flush=True)
        if venv.exists():
            shutil.rmtree(venv)
        run(sys.executable, "-m", "venv", venv)
    else:
        print(f"Adding the {level} tools to .venv ...", flush=True)
    pip = [str(python_in(venv)), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    run(*pip, "--requirement", root / LEVELS[level])
    made = [name for name in LEVELS if name in held | {"course", level}]
    # The new environment writes its stamp itself, as the one who will be asked for it.
    ask_for = [str(python_in(venv)), __file__, "--stamp"]
    lines = [subprocess.check_output([*ask_for, name], text=True) for name in made]
    write(venv / "stamp", "".join(lines).encode())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("level", nargs="?", choices=LEVELS, default="course")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--check", action="store_true", help="only say whether it is up to date")
    only.add_argument("--stamp", action="store_true", help="only print the stamp it should have")
    given = parser.parse_args()
    if given.check:
        return 0 if good(ROOT, given.level) else 1
    if given.stamp:
        print(stamp(ROOT, given.level))
        return 0
    if sys.version_info < (3, 11):
        version = sys.version.split()[0]
        print(f"The course needs Python 3.11 or newer; this is {version}.", file=sys.stderr)
        return 1
    try:
        with alone(ROOT, "env"):
            if not ask(ROOT, given.level):  # another make may have made it while we waited
                make(ROOT, given.level)
    except subprocess.CalledProcessError as error:
        failed = Path(error.cmd[0]).name
        print(f"{failed} failed (above). Mend the cause and run this again.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; the next run starts .venv again.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
