"""From a checkpoint to files that the program takes, and back.

adapter     makes of a LoRA checkpoint, as peft saves it, an adapter in GGUF for its base
bake        makes of an adapter and its base a whole model: larger, but nothing is added at each
            step; rounding the weights anew can cost what the adapter gave: score it again
checkpoint  makes of an adapter in GGUF a checkpoint, from which training can go on

    .venv/bin/python scripts/distill/export.py adapter checkpoints/best \\
        --base qwen2.5-coder-1.5b -o models/adapters/miro-edge-1.5b.gguf
    .venv/bin/python scripts/distill/export.py bake models/adapters/miro-edge-1.5b.gguf \\
        --base qwen2.5-coder-1.5b -o miro-edge-1.5b-baked.gguf
    miro-edge models add my-student miro-edge-1.5b-baked.gguf
    .venv/bin/python scripts/distill/export.py checkpoint models/adapters/miro-edge-1.5b.gguf \\
        --base qwen2.5-coder-1.5b -o .distill/start
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from base_model import BaseModel
from checkpoint import read_checkpoint, write_checkpoint
from lora import Lora, read_lora, write_lora
from merging import TYPES, bake
from rich.console import Console
from rich.progress import Progress

from edge_agent.home import Home
from edge_agent.model_opening import model_at_hand
from edge_agent.models import (
    InstalledModel,
    InvalidModelFile,
    ModelError,
    RemoteModel,
    TunedSettings,
)
from edge_agent.models.hashing import sha256_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command; return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        record = options.carry_out(options)
    except (ModelError, OSError) as error:
        print(f"export: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(record, indent=2, ensure_ascii=False))
    else:
        print("\n".join(f"{key} = {json.dumps(value)}" for key, value in record.items()))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="adapter|bake|checkpoint")
    adapter = commands.add_parser("adapter", help="a GGUF adapter from a checkpoint of peft")
    adapter.add_argument("checkpoint", type=Path, help="folder that peft saved the LoRA in")
    adapter.set_defaults(carry_out=_adapter)
    baked = commands.add_parser("bake", help="a whole model from an adapter and its base")
    baked.add_argument("adapter", type=Path, help="GGUF adapter")
    baked.add_argument(
        "--type",
        choices=sorted(TYPES),
        help="type of the layers' matrices (default: q4_0 where models tune found that repacked "
        "weights are faster on this machine, else each weight's own)",
    )
    baked.set_defaults(carry_out=_bake)
    checkpoint = commands.add_parser("checkpoint", help="a checkpoint of peft from a GGUF adapter")
    checkpoint.add_argument("adapter", type=Path, help="GGUF adapter")
    checkpoint.set_defaults(carry_out=_checkpoint)
    for command, made in ((adapter, "file"), (baked, "file"), (checkpoint, "folder")):
        command.add_argument("--base", required=True, help="base model by name, or a GGUF file")
        command.add_argument("-o", "--output", type=Path, required=True, help=f"{made} to write")
        command.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _adapter(options: argparse.Namespace) -> dict[str, object]:
    """Make an adapter; return what a catalogue says of it."""
    lora = read_checkpoint(options.checkpoint, BaseModel(_base(options.base).path))
    with _complete(options.output) as draft:
        write_lora(lora, draft)
    return _record(options.output) | {
        "architecture": lora.architecture,
        "rank": max(len(change.down) for change in lora.changes.values()),
        "alpha": lora.alpha,
        "weights": len(lora.changes),
    }


def _bake(options: argparse.Namespace) -> dict[str, object]:
    """Bake an adapter into its base; return what is known about the file."""
    lora, model = read_lora(options.adapter), _base(options.base)
    if options.output.exists() and options.output.samefile(model.path):
        raise InvalidModelFile(f"{options.output} is the base itself. Write to another file.")
    wanted = options.type or _fast_type(model)
    with _complete(options.output) as draft:
        _bake_with_progress(lora, BaseModel(model.path), draft, wanted)
    return _record(options.output) | {"type": wanted or "as in the base"}


def _checkpoint(options: argparse.Namespace) -> dict[str, object]:
    """Make a checkpoint; return what is known about it."""
    if options.output.exists():
        raise InvalidModelFile(f"{options.output} is there already. Write to another folder.")
    lora = read_lora(options.adapter)
    with _complete(options.output) as draft:
        write_checkpoint(lora, BaseModel(_base(options.base).path), draft)
    return {"name": options.output.name, "weights": len(lora.changes)}


def _bake_with_progress(lora: Lora, base: BaseModel, path: Path, wanted: str | None) -> None:
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("baking", total=None)
        kind = None if wanted is None else TYPES[wanted]
        bake(
            lora, base, path, kind, lambda done, all_: bar.update(task, completed=done, total=all_)
        )


def _base(given: str) -> InstalledModel:
    """Return the base, by name or path. Raises ModelError where it is not on this machine."""
    model = model_at_hand(given, Home.from_environment())
    if isinstance(model, RemoteModel) or model.header is None or model.adapter is not None:
        raise InvalidModelFile(
            f"'{given}' is not a whole model in GGUF on this machine. See: miro-edge models list"
        )
    return model


def _fast_type(model: InstalledModel) -> str | None:
    """Return the type whose kernels llama.cpp repacks best, where repacking was found faster."""
    tuned = TunedSettings(Home.from_environment().tuning).find(model)
    return "q4_0" if tuned is not None and tuned.repack else None


@contextmanager
def _complete(path: Path) -> Iterator[Path]:
    """Lend a file or folder beside `path`, which takes its place when it is complete."""
    draft = path.with_name(f"{path.name}.draft")
    _delete(draft)  # of one that was killed
    try:
        yield draft
        draft.replace(path)
    finally:
        _delete(draft)


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _record(path: Path) -> dict[str, object]:
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)}


if __name__ == "__main__":
    sys.exit(main())
