"""Trains a LoRA adapter on examples, over the weights as they will be used.

The base is the GGUF file itself, its quantized weights made whole again. The loss counts only the
tokens that a model decides on, and the head is evaluated nowhere else. On a GPU if there is one;
with checkpoints, and again from the last of them after a stop.

    .venv-train/bin/python scripts/distill/train.py .distill/taught.jsonl \\
        --base BASE.gguf --out .distill/student
    .venv-train/bin/python scripts/distill/train.py .distill/taught.jsonl .distill/roll1.jsonl \\
        --base BASE.gguf --start .distill/student --out .distill/student1
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from batching import batches
from configuration import Configuration, Train, load_configuration
from examples import Example, examples
from peft import (
    LoraConfig,
    PeftModel,
    get_peft_model,
    load_peft_weights,
    set_peft_model_state_dict,
)
from peft.helpers import disable_input_dtype_casting
from torch.nn import functional
from transformers import AutoModelForCausalLM, GgufConfig

_PROJECTIONS = [
    *("q_proj", "k_proj", "v_proj", "o_proj"),
    *("gate_proj", "up_proj", "down_proj"),
]
_CHECKPOINT = "checkpoint.pt"
_EVERY = 10
"""Steps between two lines of the record, where they are quick."""
_AT_LEAST = 30
"""Seconds after which a step that ends is told of."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples side by side: tokens (rows, length), and those that are learned as flat indices."""

    tokens: torch.Tensor
    learned: torch.Tensor
    """Indices into the flattened tokens; each stands behind the position that predicts it."""

    @classmethod
    def of(cls, rows: Sequence[Example], device: str) -> Batch:
        """Return examples as a batch on a device."""
        length = max(len(row.tokens) for row in rows)
        tokens = torch.zeros(len(rows), length, dtype=torch.long)
        learned = []
        for number, row in enumerate(rows):
            # What follows a row is padding that no position of it can see: attention looks back.
            tokens[number, : len(row.tokens)] = torch.tensor(row.tokens)
            learned += [number * length + position for position in row.decided]
        return cls(tokens.to(device), torch.tensor(learned).to(device))


@dataclass(slots=True)
class Progress:
    """How far the training is."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0


def _precision(device: str) -> torch.dtype:
    """Return in what the base is kept and computed: bfloat16 where the machine can.

    With its instructions a step costs a CPU two thirds of what it costs in float32 (smollm2, Zen 4:
    4.1 and 6.5 seconds for 1,000 tokens); without them it is computed in float32, piece by piece.
    """
    if device != "cpu":
        return torch.bfloat16
    found = torch.cpu.get_capabilities()
    native = any(found.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return torch.bfloat16 if native else torch.float32


class Student:
    """The base with its adapter, where it is trained."""

    def __init__(self, base: Path, settings: Train, device: str) -> None:
        """Load the GGUF at `base`, and put an empty adapter over its upper layers."""
        self.device = device
        self.mark = f"{base.name} {base.stat().st_size}"
        """What a training begins with: the base, and the adapter if there is one."""
        self.start: dict[str, Any] | None = None
        """The record of the training that this one goes on from."""
        self._settings = settings
        model = AutoModelForCausalLM.from_pretrained(
            base.parent,
            gguf_file=base.name,
            quantization_config=GgufConfig(dequantize=True),
            dtype=_precision(device),
            attn_implementation="sdpa",
        )
        layers = range(settings.first_layer, model.config.num_hidden_layers)
        self.model: PeftModel = get_peft_model(
            model.to(device),
            LoraConfig(
                r=settings.rank,
                lora_alpha=settings.alpha,
                lora_dropout=settings.dropout,
                target_modules=_PROJECTIONS,
                layers_to_transform=list(layers),
            ),
        )
        for weight in self.weights():
            weight.data = weight.data.float()

    def start_from(self, folder: Path) -> None:
        """Take the adapter of a plain LoRA, as this program or `export.py checkpoint` saves it.

        Raises SystemExit where it is not there, or has another rank, alpha or layers than wanted.
        """
        if not (folder / "adapter_model.safetensors").is_file():
            raise SystemExit(f"{folder} is no checkpoint. Make one with: export.py checkpoint")
        config = json.loads((folder / "adapter_config.json").read_text("utf-8"))
        kept = load_peft_weights(str(folder), device=self.device)
        wanted = (self._settings.rank, self._settings.alpha, *_shapes(self.weights_by_name()))
        if (config["r"], config["lora_alpha"], *_shapes(kept)) != wanted:
            raise SystemExit(
                f"{folder} has another rank, alpha or layers than the configuration. Change that."
            )
        set_peft_model_state_dict(self.model, kept)
        content = (folder / "adapter_model.safetensors").read_bytes()
        self.mark += f" {hashlib.sha256(content).hexdigest()}"
        record = folder / "training.json"
        self.start = json.loads(record.read_text("utf-8")) if record.exists() else {}

    def weights_by_name(self) -> dict[str, torch.nn.Parameter]:
        """Return what is trained, by the names that a checkpoint has for it."""
        return {
            name.replace(".default.", "."): each
            for name, each in self.model.named_parameters()
            if each.requires_grad
        }

    def weights(self) -> list[torch.nn.Parameter]:
        """Return what is trained."""
        return [*self.weights_by_name().values()]

    def losses(self, batch: Batch) -> torch.Tensor:
        """Return the loss of every token that is learned, in nats."""
        causal = self.model.get_base_model()
        # The adapter is kept in float32 and computed as the base; peft would widen what it reads.
        precision = causal.dtype
        narrow = torch.autocast(self.device, precision, enabled=precision is not torch.float32)
        with narrow, disable_input_dtype_casting(self.model):
            hidden = causal.model(input_ids=batch.tokens, use_cache=False).last_hidden_state
            before = hidden.flatten(0, 1)[batch.learned - 1]
            logits = causal.lm_head(before)
        return functional.cross_entropy(
            logits.float(), batch.tokens.flatten()[batch.learned], reduction="none"
        )


def _shapes(weights: Mapping[str, torch.Tensor]) -> list[tuple[str, torch.Size]]:
    return sorted((name, each.shape) for name, each in weights.items())


class Training:
    """Goes over the examples, step by step."""

    def __init__(self, student: Student, configuration: Configuration, out: Path) -> None:
        """Train `student` into the folder `out`."""
        self._student = student
        self._settings = configuration.train
        self._seed = configuration.seed
        self._out = out
        self._progress = Progress()
        self._told = time.monotonic()
        self._optimizer = torch.optim.AdamW(student.weights(), lr=1.0, weight_decay=0.0)

    def run(self, learned: Sequence[Example], held: Sequence[Example]) -> None:
        """Train until the epochs or the minutes are over, and save the adapter.

        Raises SystemExit where the folder holds another training.
        """
        plan = self._plan(learned)
        mark = self._mark(plan)
        self._load(mark)
        began = saved = time.monotonic()
        before = self._progress.seconds
        for rows in plan[self._progress.step :]:
            if self._over():
                break
            self._step(Batch.of(rows, self._student.device), len(plan))
            now = time.monotonic()
            self._progress.seconds = before + now - began
            if now - saved > 60 * self._settings.checkpoint_minutes:
                self._save(mark)
                saved = now
        self._save(mark)
        count = f"{len(held)} examples that are kept back"
        print(f"learned; looking at {count}, which --minutes does not count", file=sys.stderr)
        self._finish(len(plan), self.held_loss(held))

    def held_loss(self, held: Sequence[Example]) -> dict[str, float]:
        """Return the mean loss over what is never learned, by kind."""
        self._student.model.eval()
        found: dict[str, list[float]] = {}
        with torch.no_grad():
            for kind in sorted({each.kind for each in held}):
                part = [each for each in held if each.kind == kind]
                for rows in batches(part, self._settings.batch_tokens, random.Random(0)):
                    losses = self._student.losses(Batch.of(rows, self._student.device))
                    found.setdefault(kind, []).extend(losses.tolist())
        self._student.model.train()
        return {kind: round(sum(each) / len(each), 4) for kind, each in found.items()}

    def _plan(self, learned: Sequence[Example]) -> list[list[Example]]:
        """Return the batches of all epochs: the same ones after a stop."""
        chance = random.Random(self._seed)
        plan: list[list[Example]] = []
        for _ in range(math.ceil(self._settings.epochs)):
            plan += batches(learned, self._settings.batch_tokens, chance)
        share = self._settings.epochs / math.ceil(self._settings.epochs)
        return plan[: max(1, round(share * len(plan)))]

    def _step(self, batch: Batch, steps: int) -> None:
        """Learn one batch."""
        self._student.model.train()
        rate = self._rate(steps)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        loss = self._student.losses(batch).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._student.weights(), 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        progress = self._progress
        progress.step += 1
        progress.tokens += batch.tokens.numel()
        slow = time.monotonic() - self._told > _AT_LEAST
        if slow or progress.step % _EVERY == 0 or progress.step == steps:
            self._tell(loss.item(), rate, steps)

    def _done(self, steps: int) -> float:
        """Return the share of the training that is done: of its steps, or of its minutes."""
        share = self._progress.step / steps
        if self._settings.minutes:
            share = max(share, self._progress.seconds / 60 / self._settings.minutes)
        return min(1.0, share)

    def _rate(self, steps: int) -> float:
        """Return the learning rate: a short rise, then a cosine down to nought."""
        done, warmup = self._done(steps), self._settings.warmup
        if done < warmup:
            return self._settings.rate * (done + 1 / steps) / (warmup + 1 / steps)
        return self._settings.rate * 0.5 * (1 + math.cos(math.pi * done))

    def _over(self) -> bool:
        minutes = self._settings.minutes
        return bool(minutes) and self._progress.seconds >= 60 * minutes

    def _tell(self, loss: float, rate: float, steps: int) -> None:
        self._told = time.monotonic()
        line = {"loss": round(loss, 4), "rate": rate, "steps": steps, **asdict(self._progress)}
        with (self._out / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        speed = self._progress.tokens / max(1e-9, self._progress.seconds or 1e-9)
        print(
            f"step {self._progress.step} of {steps}, loss {loss:.3f}, {speed:.0f} tokens/s",
            file=sys.stderr,
            flush=True,
        )

    # Checkpoints

    def _mark(self, plan: Sequence[Sequence[Example]]) -> str:
        """Return what two trainings share that are the same, but for how long they may take."""
        timing = {"minutes", "checkpoint_minutes"}
        mark = hashlib.sha256(self._settings.model_dump_json(exclude=timing).encode())
        mark.update(self._student.mark.encode())
        for rows in plan:
            mark.update(repr([(row.tokens, row.decided) for row in rows]).encode())
        return mark.hexdigest()

    def _save(self, mark: str) -> None:
        """Keep all that is needed to go on; a stop while it is written leaves the one before."""
        state = {
            "mark": mark,
            "weights": [weight.data.cpu() for weight in self._student.weights()],
            "optimizer": self._optimizer.state_dict(),
            "progress": asdict(self._progress),
        }
        draft = self._out / f"{_CHECKPOINT}.draft"
        torch.save(state, draft)
        draft.replace(self._out / _CHECKPOINT)

    def _load(self, mark: str) -> None:
        path = self._out / _CHECKPOINT
        if not path.exists():
            return
        state: dict[str, Any] = torch.load(path, map_location=self._student.device)
        if state.get("mark") != mark:
            raise SystemExit(
                f"{self._out} holds a training with other examples, settings, base or start. Name "
                "another folder with --out, or delete this one to begin anew."
            )
        for weight, kept in zip(self._student.weights(), state["weights"], strict=True):
            weight.data.copy_(kept)
        self._optimizer.load_state_dict(state["optimizer"])
        self._progress = Progress(**state["progress"])
        print(f"going on after step {self._progress.step}", file=sys.stderr, flush=True)

    def _finish(self, steps: int, held: dict[str, float]) -> None:
        """Save the adapter as peft does, with a record of how it was made."""
        for weight in self._student.weights():  # as it is used: half is enough, and half the size
            weight.data = weight.data.half()
        self._student.model.save_pretrained(self._out)
        record = {
            "settings": self._settings.model_dump(),
            "seed": self._seed,
            "steps": steps,
            "held_loss": held,
            "device": self._student.device,
            **asdict(self._progress),
        }
        if self._student.start is not None:
            record["start"] = self._student.start
        (self._out / "training.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
        print(json.dumps(record), file=sys.stderr)


def _read(paths: Sequence[Path], longest: int) -> Iterator[Example]:
    """Yield the examples of files, but for those that are too long to train on."""
    for path in paths:
        yield from (each for each in examples(path) if len(each.tokens) <= longest)


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("examples", type=Path, nargs="+", help="files of examples")
    parser.add_argument("--base", type=Path, required=True, help="GGUF file of the base")
    parser.add_argument("--out", type=Path, required=True, help="folder of the adapter")
    parser.add_argument("--start", type=Path, help="checkpoint whose adapter is trained further")
    parser.add_argument("--config", type=Path, help="configuration; the one beside this by default")
    parser.add_argument("--minutes", type=float, help="budget, instead of the configuration's")
    parser.add_argument("--limit", type=int, help="most examples, for a try")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    if options.start is not None and options.start.resolve() == options.out.resolve():
        parser.error("--out has to be another folder than --start")
    configuration = load_configuration(options.config)
    if options.minutes is not None:
        train = configuration.train.model_copy(update={"minutes": options.minutes})
        configuration = configuration.model_copy(update={"train": train})
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(configuration.seed)
    every = list(_read(options.examples, configuration.train.batch_tokens))[: options.limit]
    student = Student(options.base, configuration.train, options.device)
    if options.start is not None:
        student.start_from(options.start)
    Training(student, configuration, options.out).run(
        [each for each in every if not each.held], [each for each in every if each.held]
    )


if __name__ == "__main__":
    main()
