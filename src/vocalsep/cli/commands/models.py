"""``vocalsep models``: what there is to split with, at what licence, where it lies, and how to share one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from vocalsep.cli import stderr, stdout
from vocalsep.cli.choice import announce, complete_name, make_default
from vocalsep.cli.model_listing import details, facts, table
from vocalsep.cli.progress import ProgressDisplay
from vocalsep.errors import CorruptWeightsError, DownloadError, OptionError, OutputExistsError
from vocalsep.weights.default_model import VARIABLE, default_model, reset_default
from vocalsep.weights.hub import HUB_PREFIX, offline_switches
from vocalsep.weights.manifest import Entry, load_manifest
from vocalsep.weights.resolve import fetch_entry, local_path
from vocalsep.weights.verify import verify

if TYPE_CHECKING:
    import torch

    from vocalsep.weights.checkpoint import Checkpoint

app = typer.Typer(
    help="List, inspect, download, import and share models.", no_args_is_help=True, add_completion=False
)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="As in 'vocalsep models list'.", autocompletion=complete_name)
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


StoredType = Literal["float16", "float32"]
Stored = Annotated[
    StoredType | None, typer.Option("--dtype", help="Type of the weights in the file.", show_default="as they are")
]


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List all models: size, time and memory they take, licence, scores, and whether the weights are here."""
    manifest = load_manifest()
    if as_json:
        typer.echo(json.dumps([facts(entry) for entry in manifest.models], ensure_ascii=False, indent=2))
        return
    for line in table(manifest, default_model().spec, stdout.width()):
        typer.echo(line)


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show all that is known of a model."""
    entry = load_manifest().entry(name)
    if as_json:
        typer.echo(json.dumps(facts(entry), ensure_ascii=False, indent=2))
        return
    for line in details(entry, stdout.width()):
        typer.echo(line)


@app.command()
def use(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="What --model or --quality of split takes; without it, the default is shown.",
            autocompletion=complete_name,
        ),
    ] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Go back to the bundled model.")] = False,
) -> None:
    """Choose the model that runs where no option names one; prints the default."""
    if name is not None and reset:
        raise OptionError("--reset goes back to the bundled model", f"Leave out {name} or --reset.")
    if reset:
        reset_default()
    elif name is not None:
        make_default(name)
    default = default_model()
    if default.origin == VARIABLE and (name is not None or reset):
        stderr.note(f"{VARIABLE} is set, and goes before this choice")
    typer.echo(f"{default.spec} ({default.origin or 'bundled'})")


@app.command()
def pull(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME...", help="As in 'vocalsep models list'.", autocompletion=complete_name),
    ],
    offline: Annotated[bool, typer.Option("--offline", help="Check the cache only.")] = False,
) -> None:
    """Download models, so that later splits need no network; prints the verified files."""
    for name in names:
        entry = load_manifest().entry(name)
        if not offline_switches(offline):
            announce(entry)
        with ProgressDisplay() as display, display.loading(name) as downloaded:
            weights = fetch_entry(entry, offline=offline, progress=downloaded)
        typer.echo(weights.path)


@app.command("verify")
def verify_models(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", show_default="all that are here", autocompletion=complete_name),
    ] = None,
) -> None:
    """Read the weights that are here and compare them with the manifest's hashes."""
    manifest = load_manifest()
    entries = [manifest.entry(name) for name in names] if names else list(manifest.models)
    wrong: list[CorruptWeightsError] = []
    for entry in entries:
        path = local_path(entry)
        if path is None:
            if names:
                raise _absent(entry)
            continue
        try:
            verify(entry, path, fresh=True)
            typer.echo(f"{entry.id}: good, {path}")
        except CorruptWeightsError as error:
            wrong.append(error)
            stderr.tell(error)
    if wrong:
        raise CorruptWeightsError(f"{len(wrong)} of the weights files here are corrupt", wrong[0].hint)


@app.command()
def path(name: Name) -> None:
    """Print where the weights of a model lie."""
    entry = load_manifest().entry(name)
    found = local_path(entry)
    if found is None:
        raise _absent(entry)
    typer.echo(found)


@app.command("import")
def import_model(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A published .pth, .ckpt or .safetensors file.")],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="What it is of: umx, tdf, tdsa, tdt, mdx23c, melband-kim. A YAML given with --config says it.",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            help="JSON of sizes that differ or that the file does not show, and of stems; or the YAML that came"
            " with a checkpoint of Music-Source-Separation-Training.",
        ),
    ] = None,
    stem: Annotated[
        str | None,
        typer.Option(
            "--stem", help="With a YAML: the one stem to extract, by its name there.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Weights file to write.", show_default="FILE.safetensors")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
) -> None:
    """Turn a published checkpoint, or one trained further from it, into a weights file for --model of split.

    Nothing in it is executed. The sizes are read off its tensors; those of mdx23c and melband-kim are the public
    model's, unless --config gives others. A YAML gives all, for mdx23c, mel_band_roformer,
    bs_roformer and scnet.
    """
    from vocalsep.weights.checkpoint import write_checkpoint

    target = out or file.with_suffix(".safetensors")
    _check_absent(target, overwrite)
    checkpoint = _imported(file, model, config, stem)
    write_checkpoint(target, checkpoint)
    if extracted := checkpoint.metadata.get("extracts"):
        stderr.note(f"split will write {extracted} as the vocals, and the rest as the accompaniment")
    stderr.note(f"split with it: vocalsep split SONG --model {target}")
    typer.echo(target)


@app.command("export")
def export_model(
    source: Annotated[
        str, typer.Argument(metavar="RUN|FILE|NAME", help="Folder of a training run, weights file or model.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Weights file to write.")],
    format: Annotated[
        Literal["safetensors", "onnx"] | None,
        typer.Option("--format", "-f", help="Type of the file.", show_default="by its name, else safetensors"),
    ] = None,
    dtype: Stored = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
) -> None:
    """Write the best weights of a training run, or any others, as one file for --model."""
    from vocalsep.weights.export import export
    from vocalsep.weights.onnx_export import export_onnx
    from vocalsep.weights.onnx_file import ONNX_SUFFIX

    as_onnx = out.suffix == ONNX_SUFFIX
    if format is not None and as_onnx != (format == "onnx"):  # the name says how it is read
        better = out.with_suffix(f".{format}")
        raise OptionError(f"{out} is no name for a {format} file", f"Use -o {better}.")
    if as_onnx and dtype == "float16":
        raise OptionError("an ONNX file is written as float32", "Leave --dtype out, or use --format safetensors.")
    _check_absent(out, overwrite)
    if as_onnx:
        export_onnx(source, out)
    else:
        export(source, out, dtype=_torch_type(dtype))
    stderr.note(f"split with it: vocalsep split SONG --model {out}")
    typer.echo(out)


@app.command()
def push(
    source: Annotated[
        str, typer.Argument(metavar="RUN|FILE|NAME", help="Folder of a training run, weights file or model.")
    ],
    repo: Annotated[str, typer.Argument(metavar="OWNER/REPO", help="On the Hub; made if it is not there.")],
    card: Annotated[
        Path | None,
        typer.Option("--card", help="Markdown file for the model card.", show_default="that of the run"),
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Only for those you let in.")] = False,
    message: Annotated[str | None, typer.Option("--message", help="Of the commit.", show_default=False)] = None,
    dtype: Stored = None,
) -> None:
    """Push weights, config and model card to the Hugging Face Hub; prints the name for --model.

    Replaces model.safetensors, config.json and README.md there. Needs a token: HF_TOKEN, or 'hf auth login'.
    """
    from vocalsep.weights.push import push as push_weights

    with ProgressDisplay() as display, display.bar(f"pushing {repo}"):
        address = push_weights(source, repo, card=card, private=private, message=message, dtype=_torch_type(dtype))
    stderr.note(f"pushed, see its card at {address}; split with it: vocalsep split SONG -m {HUB_PREFIX}{repo}")
    typer.echo(f"{HUB_PREFIX}{repo}")


def _imported(file: Path, model: str | None, config: Path | None, stem: str | None) -> Checkpoint:
    """What is in ``file``, described by a YAML, or by ``model`` and perhaps a JSON."""
    from vocalsep.weights.published import import_published
    from vocalsep.weights.trained import import_trained
    from vocalsep.weights.training_yaml import read_training_yaml

    if config is not None and config.suffix.lower() in (".yaml", ".yml"):
        if model is not None:
            raise OptionError(f"{config} says what {file} is of", "Leave out --model.")
        description = read_training_yaml(config)
        if description.unknown:
            stderr.note(f"{config}: unknown keys, of no effect here: {', '.join(description.unknown)}")
        return import_trained(file, description, stem)
    if stem is not None:
        raise OptionError("--stem goes with the YAML of a checkpoint", "Give it: --config MODEL.yaml")
    if model is None:
        raise OptionError(f"what is {file} of?", "Say it with --model, or give its YAML: --config MODEL.yaml")
    return import_published(file, model, _read_config(config) if config else None)


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OptionError(f"cannot read {path}: {error}", "Give a JSON file.") from error
    if not isinstance(config, dict):
        raise OptionError(f"{path} is no JSON object", 'Write {"n_fft": 2048} or the like.')
    return config


def _torch_type(stored: StoredType | None) -> torch.dtype | None:
    import torch

    return {"float16": torch.float16, "float32": torch.float32}[stored] if stored else None


def _check_absent(target: Path, overwrite: bool) -> None:
    if target.exists() and not overwrite:
        raise OutputExistsError(f"{target} exists", "Use --overwrite or another -o file.")


def _absent(entry: Entry) -> DownloadError:
    """The error for weights that are not here."""
    return DownloadError(f"'{entry.id}' is not downloaded", f"Get it with 'vocalsep models pull {entry.id}'.")
