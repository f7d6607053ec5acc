"""The page, built with Gradio."""

from __future__ import annotations

from typing import Any, get_args

import gradio as gr

from vocalsep.audio.formats import Container
from vocalsep.web.calls import Split
from vocalsep.web.model_choice import offered_models
from vocalsep.web.order import STEM_CHOICES

HEAD = """
<script type="module" src="./vocalsep/static/page.js"></script>
<link rel="stylesheet" href="./vocalsep/static/page.css">
"""
THEME = gr.themes.Base(
    primary_hue="teal",
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
)
"""With fonts of the system, so that nothing is asked of other hosts."""

_START = "(model, format, stem, salvage, listen) => { vocalsep.start({model, format, stem, salvage, listen}); }"
_CHOSEN = "(model) => { vocalsep.choose(model); }"
_HEADER = "<header class='vs-header'><h1>vocalsep</h1><p>Split songs into vocals and accompaniment.</p></header>"


class Page(gr.Blocks):  # type: ignore[misc]
    """Blocks that leave what callers send as it is.

    Gradio would copy each file that a caller names into a folder of its own, wherever the file lies on this
    machine. Files come and go through `vocalsep.web.routes` and `vocalsep.web.call_routes` alone, so nothing has
    to be copied.
    """

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *_: Any, **__: Any) -> list[Any]:
        """The inputs of a function, untouched."""
        self.validate_inputs(block_fn, inputs)
        return inputs

    async def postprocess_data(self, block_fn: Any, predictions: Any, *_: Any, **__: Any) -> list[Any]:
        """The outputs of a function, untouched."""
        return list(predictions) if len(block_fn.outputs) > 1 else [predictions]


def build_page(split: Split, *, default_model: str, offline: bool) -> Page:
    """The page.

    Args:
        split: behind the API.
        default_model: chosen at first.
        offline: whether models that are not on this machine are left out.
    """
    models = [(label, model) for model, label in offered_models(offline=offline).items()]
    page = Page(title="vocalsep", analytics_enabled=False)
    with page:
        _html(_HEADER)
        with gr.Row(elem_id="vs-columns"):
            with gr.Column(scale=2, min_width=300, elem_id="vs-form"):
                _html("<vocalsep-drop></vocalsep-drop>")
                model = gr.Dropdown(models, value=default_model, label="Model", filterable=False)
                _html("<vocalsep-model></vocalsep-model>")
                with gr.Row():
                    format = gr.Dropdown(
                        list(get_args(Container)), value="wav", label="Format", min_width=100, filterable=False
                    )
                    stem = gr.Dropdown(
                        list(STEM_CHOICES),
                        value="both",
                        label="Stems",
                        min_width=140,
                        filterable=False,
                    )
                listen = gr.Checkbox(value=True, label="Play as soon as there is something to hear")
                salvage = gr.Checkbox(label="Salvage: take what can be decoded of damaged files")
                start = gr.Button("Start", variant="primary", elem_id="vs-start")
            with gr.Column(scale=5, min_width=300):
                _html("<vocalsep-player></vocalsep-player>")
                _html("<vocalsep-songs></vocalsep-songs>")
        start.click(None, [model, format, stem, salvage, listen], None, js=_START, api_visibility="private")
        model.change(None, [model], None, js=_CHOSEN, api_visibility="private")
        gr.api(split, api_name="split", concurrency_limit=None)
    return page


def _html(code: str) -> None:
    """HTML that looks as ``page.css`` says, and not like the text of an article."""
    gr.HTML(code, apply_default_css=False)
