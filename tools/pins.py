"""Pin the newest versions that pyproject.toml allows in requirements*.txt (needs uv)."""

import subprocess
import sys

from env import ROOT, write

UV = "uv pip compile --universal --python-version 3.11 --no-header --no-annotate --quiet".split()


def pins(*arguments: str, keep: str = "") -> list[str]:
    """The pins for these arguments of uv that agree with the ones to keep."""
    command = [sys.executable, "-m", *UV, "pyproject.toml", "--constraint", "-", *arguments]
    return subprocess.check_output(command, cwd=ROOT, text=True, input=keep).splitlines()


def save(name: str, first: str, use: str, lines: list[str]) -> None:
    about = f"# {use}. Made by `make pins` from pyproject.toml, for every Python from 3.11 on."
    write(ROOT / name, "\n".join([first, about, *lines, ""]).encode())


course = pins("--extra", "course", "--group", "course")
save("requirements.txt", "-e .", "What the course is built, read and tested with", course)
dev = pins("--group", "dev", keep="\n".join(course))
extra = [line for line in dev if line not in course]
save("requirements-dev.txt", "-r requirements.txt", "What it is checked with besides", extra)
peers = pins("--group", "peers", keep="\n".join([*course, *extra]))
# What PyTorch needs for CUDA it brings itself; its wheel for the CPU alone needs none of it.
cuda = ("cuda-", "nvidia-", "triton==")
extra = [line for line in peers if line not in course and not line.startswith(cuda)]
use = "What it is compared with (PyTorch's own index has a CPU wheel for Linux, gigabytes smaller)"
save("requirements-peers.txt", "-r requirements.txt", use, extra)
