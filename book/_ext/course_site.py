"""What the course's pages need besides the theme, so that nothing is fetched from elsewhere.

- MathJax: the files that pages ask for, out of the 24 MB of a pinned package.
- The explorers: one classic script made from the module that the notebooks use, on the pages that
  hold one. (Browsers refuse modules on pages opened as files.)
- Directives: the notebooks show them as plain Markdown (plain.py); here they are directives again.
- Links: `[the lemma](#label)` reads well in a notebook, and here it finds the statement too, and
  `[the figure](#cell-01-fig-slope)` finds a cell.
- Less: the theme's 1.5 MB Font Awesome script draws the icons that its own style sheet draws
  already, and its preloading of the icon fonts is refused on pages opened as files.
"""

import importlib.metadata
import json
import re
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

from normgd import front
from plain import to_myst

HERE = Path(__file__).resolve().parent
PLACEHOLDER = 'class="normgd-explorer"'

EXPORT = re.compile(r"^export default \{ render \};[ \t]*$", re.MULTILINE)
MODULE_SYNTAX = re.compile(r"^\s*(import|export)\b", re.MULTILINE)
ICON_SCRIPT = re.compile(r'\s*<script src="[^"]*/fontawesome/[^"]*\.js[^"]*"></script>')
FONT_PRELOAD = re.compile(r'\s*<link rel="preload" as="font"[^>]*>')
# A full stop after a formula must not begin the next line.
BEFORE_STOP = re.compile(r'(<span class="math notranslate nohighlight">[^<]*</span>[.,;:!?)’”]+)')
# nbgrader's words in an answer's cell, which a reader of the page need not know.
SOLUTION_MARK = re.compile(r"^### (?:BEGIN|END) SOLUTION\n?", re.MULTILINE)
# sphinx-proof and sphinx-exercise give every proof and every content the same id.
SHARED_IDS = re.compile(r' id="(?:proof|exercise|solution)-content"')
PROOF = 'class="proof admonition" id="proof">\n<p>Proof. '
MARKED_PROOF = 'class="proof proof-text admonition">\n<p><em>Proof.</em> '


def once(pattern: re.Pattern[str], new: str, text: str, where: str) -> str:
    """Replace what must be there exactly once: an upgrade that moves it must not pass unseen."""
    found = pattern.findall(text)
    if len(found) != 1:
        raise ExtensionError(
            f"{where}: expected {pattern.pattern!r} once, found it {len(found)} times"
        )
    return pattern.sub(lambda match: new, text)


def bundle(module: str, shim: str) -> str:
    """The explorer's module and the page's shim for the notebook's model, as one classic script."""
    script = once(EXPORT, "", module, "explore.js")
    if MODULE_SYNTAX.search(script):
        raise ExtensionError("explore.js: may import nothing and export only { render }")
    return f'(() => {{\n"use strict";\n{script.strip()}\n\n{shim.strip()}\n}})();\n'


def slim(page: str, where: str) -> str:
    page = FONT_PRELOAD.sub("", once(ICON_SCRIPT, "", page, where))
    page = BEFORE_STOP.sub(r'<span class="course-whole">\1</span>', page)
    return SHARED_IDS.sub("", page).replace(PROOF, MARKED_PROOF)


def restore_directives(app: Sphinx, page: str, source: list[str]) -> None:
    if not str(app.env.doc2path(page)).endswith(".ipynb"):
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        markdown = cell["cell_type"] == "markdown"
        cell["source"] = to_myst(text) if markdown else SOLUTION_MARK.sub("", text).rstrip("\n")
        cell["metadata"]["name"] = cell["id"]  # for name_cells
    source[0] = json.dumps(notebook)


def add_explorer(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    if PLACEHOLDER in context.get("body", ""):
        app.add_js_file("explore.js", loading_method="defer")
        app.add_css_file("explore.css")


def is_code_cell(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def name_cells(app: Sphinx, doctree: nodes.document) -> None:
    """Let `[text](#cell-NN-name)` lead to a code cell, NN being the number of its chapter."""
    page = app.env.docname
    for cell in doctree.findall(is_code_cell):
        name = cell["cell_metadata"]["name"]
        cell["ids"].append(f"cell-{name}")
        label = f"cell-{Path(page).name[:2]}-{name}"
        app.env.get_domain("std").data["anonlabels"][label] = (page, f"cell-{name}")


def name_statements(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """sphinx-proof keeps its labels to itself; MyST's links look among Sphinx's own."""
    labels = env.get_domain("std").data["anonlabels"]
    for label, statement in getattr(env, "proof_list", {}).items():
        labels.setdefault(label, (statement["docname"], label))
    return []


def copy_mathjax(static: Path) -> None:
    """From a package whose name is no identifier, so it is found as files and not imported."""
    files = importlib.metadata.files("sphinx-mathjax-offline") or []
    wanted = re.compile(
        r"static/mathjax/(tex-mml-chtml\.js|output/chtml/fonts/woff-v2/[^/]+\.woff)$"
    )
    copied = 0
    for file in files:
        if match := wanted.search(file.as_posix()):
            target = static / "vendor" / "mathjax" / match[1]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(str(file.locate())), target)
            copied += 1
    if copied < 20:
        raise ExtensionError(f"sphinx-mathjax-offline: found {copied} of MathJax's files")
    shutil.copyfile(HERE / "mathjax-licence.txt", static / "vendor" / "mathjax" / "LICENCE.txt")


def finish(app: Sphinx, error: Exception | None) -> None:
    if error or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    copy_mathjax(static)
    shim = (HERE / "explore_page.js").read_text(encoding="utf-8")
    script = bundle(front.script(), shim)
    (static / "explore.js").write_text(script, encoding="utf-8")
    (static / "explore.css").write_text(front.style(), encoding="utf-8")
    for path in Path(app.outdir).rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        if "</head>" in page:  # the root's index.html is a bare redirect
            path.write_text(slim(page, path.name), encoding="utf-8")
    for scripts in static.glob("vendor/fontawesome/*/js"):
        shutil.rmtree(scripts)


def setup(app: Sphinx) -> dict[str, Any]:
    app.setup_extension("gallery_page")
    app.connect("source-read", restore_directives)
    app.connect("doctree-read", name_cells)
    app.connect("env-updated", name_statements)
    app.connect("html-page-context", add_explorer)
    app.connect("build-finished", finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
