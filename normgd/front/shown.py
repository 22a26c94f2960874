"""What is shown in a notebook: HTML with its data beside it and, where a kernel is, a widget."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
from abc import ABC, abstractmethod
from types import SimpleNamespace
from typing import Any

from . import script, style


class Shown(ABC):
    """What a page and a notebook can show.

    Its state lives in a plain namespace until there is a widget, and then in the widget.
    """

    _state: Any

    @abstractmethod
    def _html(self) -> str:
        """Return what is stored in a notebook and brought to life by a page."""

    @abstractmethod
    def _live(self) -> Any:
        """Make the widget out of the present state."""

    @property
    def widget(self) -> Any:
        """The widget, made when it is first asked for."""
        if isinstance(self._state, SimpleNamespace):
            self._state = self._live()
        return self._state

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": repr(self), "text/html": self._html()}
        if not os.environ.get("NORMGD_STATIC") and importlib.util.find_spec("anywidget"):
            view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
            bundle["application/vnd.jupyter.widget-view+json"] = view
        return bundle


def html(kind: str, size: str, state: dict[str, Any], picture: str) -> str:
    """Put a picture and the state behind it into one element.

    ``size`` sets what the style sheet computes the room to keep from, so that no text moves when
    the script adds its controls.
    """
    data = json.dumps(state, ensure_ascii=False, separators=(",", ":"))
    data = data.replace("<", "\\u003c")  # or a string could end the script
    return (
        f'<div class="normgd-explorer" data-normgd="{kind}" style="{size}">'
        f'<script type="application/json" class="normgd-state">{data}</script>{picture}</div>'
    )


@functools.cache
def widget_class() -> type:
    """Make the class of all live explorers; the packages it needs are loaded only now."""
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise ImportError("a live explorer needs anywidget: pip install anywidget") from error

    class ShownWidget(anywidget.AnyWidget):
        _esm = script()
        _css = style()
        plot = traitlets.Dict().tag(sync=True)
        picture = traitlets.Unicode().tag(sync=True)

    return ShownWidget
