"""The explorers' front end: one script and one style sheet, for pages and for notebooks."""

from pathlib import Path

HERE = Path(__file__).parent
PANELS = ("compass", "u_curve", "norm_ball", "minibatch", "epsilon")
RACE = ("runs", "scenes", "settings", "losses", "race")
SCRIPTS = ("base", "controls", *RACE, "panel", "angles", *PANELS, "main")
STYLES = ("explore", "panel")


def script() -> str:
    """Return the front end as one JavaScript module; a file uses what those before it define."""
    return "\n".join((HERE / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)


def style() -> str:
    """Return its style sheet."""
    return "\n".join((HERE / f"{name}.css").read_text(encoding="utf-8") for name in STYLES)
