"""How `models tune` shows what it measures: ratios against the defaults of the same run."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.table import Table

from edge_agent.cli.output import diagnostics
from edge_agent.models import InstalledModel, InvalidModelFile, Tuned
from edge_agent.models.tuning import Trial, tune
from edge_agent.showing import in_one_line


def measured(model: InstalledModel, seconds: float) -> list[Trial]:
    """Measure, with a line for each trial. Raises ModelError."""
    if model.header is None:
        raise InvalidModelFile(
            f"The model '{model.name}' draws no tokens: there is nothing to tune."
        )
    console = diagnostics()
    console.print(in_one_line(f"Measuring {model.name} for about {seconds:.0f} seconds"))
    trials: list[Trial] = []
    for trial in tune(model.path, seconds):
        trials.append(trial)
        console.print(f"  {trial.changed}: {_faster(trial, trials[0])}")
    return trials


def best_of(trials: list[Trial]) -> Tuned:
    """Return the settings that were kept last."""
    return [trial for trial in trials if trial.kept][-1].tuned


def tuning_table(trials: list[Trial]) -> Table:
    """Return the trials as a table; speeds are multiples of the defaults'."""
    defaults = trials[0]
    table = Table("tried", "reading", "drawing", "a step", "kept", box=None)
    for trial in trials:
        table.add_row(
            trial.changed,
            f"{trial.prompt_speed / defaults.prompt_speed:.2f} ×",
            f"{trial.drawing_speed / defaults.drawing_speed:.2f} ×",
            _faster(trial, defaults),
            "yes" if trial.kept else "no",
        )
    return table


def tuning_record(model: InstalledModel, trials: list[Trial]) -> dict[str, Any]:
    """Return the trials, and what was kept, for JSON."""
    return {
        "model": model.name,
        "kept": asdict(best_of(trials)),
        "trials": [
            {
                "tried": trial.changed,
                "settings": asdict(trial.tuned),
                "prompt_tokens_per_second": round(trial.prompt_speed, 1),
                "drawn_tokens_per_second": round(trial.drawing_speed, 1),
                "speed_of_a_step": round(trials[0].step_seconds / trial.step_seconds, 3),
                "kept": trial.kept,
            }
            for trial in trials
        ],
    }


def in_words(settings: Tuned) -> str:
    """Return settings as a phrase."""
    weights = "repacked" if settings.repack else "as they are in the file"
    return (
        f"{settings.threads} threads, batches of {settings.batch}, cache {settings.kv_type}, "
        f"weights {weights}"
    )


def _faster(trial: Trial, defaults: Trial) -> str:
    return f"{defaults.step_seconds / trial.step_seconds:.2f} ×"
