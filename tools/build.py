"""Build the site beside the old one and put it in place only when it is whole."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from env import ROOT, alone


def swap(new: Path, live: Path) -> None:
    """Put the folder `new` in the place of `live` by renaming: no state between is half a site."""
    old = new.with_name("old")
    if live.exists():
        live.rename(old)
    new.rename(live)
    shutil.rmtree(old, ignore_errors=True)


def build(root: Path, scratch: Path) -> Path | None:
    """Build from nothing: a second Sphinx run would be silent about pages it has read before."""
    options = ["-W", "-n", "--keep-going", "--quiet", "--path-output", str(scratch)]
    command: list[str | Path] = [
        Path(sys.executable).with_name("jupyter-book"),
        "build",
        *options,
        root,
    ]
    # Jupyter Book tells on stdout where the scratch folder is; warnings and errors come on stderr.
    done = subprocess.run(command, stdout=subprocess.DEVNULL)
    return scratch / "_build" / "html" if done.returncode == 0 else None


def main() -> int:
    live = ROOT / "_build" / "html"
    live.parent.mkdir(exist_ok=True)
    print("Building the book (a quarter of a minute) ...", flush=True)
    with alone(ROOT, "book"):
        for left in live.parent.glob("next-*"):  # by a build that was killed
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(prefix="next-", dir=live.parent) as scratch:
            site = build(ROOT, Path(scratch))
            if site is None:
                print("The book was not built: see the warnings above.", file=sys.stderr)
                return 1
            swap(site, live)
    print(f"The book is ready. Open it in a browser:\n  {(live / 'index.html').as_uri()}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nInterrupted; the site is as it was before.")
