"""What suits a model on this machine: measured, remembered, used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge_agent.cli import main
from edge_agent.home import Home
from edge_agent.model_opening import loading_settings
from edge_agent.models import (
    EngineSettings,
    InstalledModel,
    ModelStore,
    Tuned,
    TunedSettings,
    free_memory,
    machine,
    memory_need,
    read_header,
    settings_for,
    tuned,
    tuning,
    usable_cores,
)
from edge_agent.models.tuning import Trial, tune

OWN = Tuned(threads=1, batch=64, kv_type="q8_0", repack=True)


@pytest.fixture
def installed(home: Path, smollm2: Path) -> InstalledModel:
    return ModelStore(home / "models").add("own", smollm2)


def test_a_short_measurement_tries_the_defaults_and_remembers_them(
    home: Path, installed: InstalledModel
) -> None:
    done = CliRunner().invoke(main, ["models", "tune", "own", "--seconds", "1", "--json"])
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    assert record["trials"][0]["tried"] == "defaults"
    assert record["trials"][0]["speed_of_a_step"] == 1
    assert TunedSettings(Home.from_environment().tuning).find(installed) == Tuned(**record["kept"])


def test_changes_are_tried_one_after_the_other_and_kept_where_they_help(
    smollm2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(path: Path, settings: EngineSettings, changed: str) -> Trial:
        """Be a machine that likes large batches, and repacking a little, which may be chance."""
        return Trial(changed, settings, settings.batch, 10.3 if settings.repack else 10)

    monkeypatch.setattr(tuning, "_measure", measure)
    trials = list(tune(smollm2, seconds=60))
    kept = {trial.changed: trial.kept for trial in trials}
    assert kept == {
        "defaults": True,
        "weights repacked": False,
        **{trial.changed: False for trial in trials if trial.changed.endswith("threads")},
        **{trial.changed: False for trial in trials if trial.changed == "1 thread"},
        "batch of 256": True,
        "batch of 64": False,
        "batch of 512": True,
        "cache q8_0": False,
    }
    assert trials[-1].tuned == Tuned(usable_cores(), 512, "q8_0", repack=False)


def test_what_would_not_fit_into_memory_is_not_tried(
    smollm2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "_measure", lambda path, s, changed: Trial(changed, s, 1, 1))
    header, size = read_header(smollm2), smollm2.stat().st_size
    need = memory_need(size, header, EngineSettings()).total
    monkeypatch.setattr(tuning, "free_memory", lambda: need)
    tried = [trial.changed for trial in tune(smollm2, seconds=60)]
    assert "weights repacked" not in tried
    assert "batch of 512" not in tried
    assert "cache q8_0" in tried


def test_a_step_is_made_of_reading_and_drawing() -> None:
    trial = Trial("defaults", EngineSettings(), prompt_speed=100, drawing_speed=10)
    assert trial.step_seconds == pytest.approx(3 + 3)


def test_what_was_tuned_is_what_is_loaded_unless_asked_otherwise(
    home: Path, installed: InstalledModel
) -> None:
    own_home = Home.from_environment()
    before = loading_settings(installed, own_home, 1024)
    assert before == EngineSettings(context=1024)
    TunedSettings(own_home.tuning).keep(installed, OWN)
    after = loading_settings(installed, own_home, 1024)
    assert (after.threads, after.batch, after.kv_type, after.repack) == (1, 64, "q8_0", True)
    asked = loading_settings(installed, own_home, 1024, "f16", lock=True)
    assert (asked.kv_type, asked.batch, asked.lock) == ("f16", 64, True)


def test_tuning_of_another_machine_or_of_damaged_files_is_not_used(
    home: Path, installed: InstalledModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = TunedSettings(home / "tuning.json")
    settings.keep(installed, OWN)
    assert settings.find(installed) == OWN
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(tuned, "machine_identity", lambda: "another machine")
        assert settings.find(installed) is None
        settings.keep(installed, Tuned(2, 128, "f16", repack=False))
    assert settings.find(installed) == OWN
    for damage in (
        "",
        "[]",
        '{"a": 1}',
        (home / "tuning.json").read_text().replace(": 64", ': "x"'),
    ):
        (home / "tuning.json").write_text(damage)
        assert settings.find(installed) is None
        settings.keep(installed, OWN)
        assert settings.find(installed) == OWN


def test_an_adapter_shares_the_tuning_of_its_base(
    home: Path, installed: InstalledModel, tmp_path: Path
) -> None:
    from tiny_models import write_adapter

    adapter = write_adapter(tmp_path / "a.gguf", "llama", {"blk.0.attn_v.weight": (576, 192)})
    student = ModelStore(home / "models").add("student", adapter, base="own")
    settings = TunedSettings(home / "tuning.json")
    settings.keep(installed, OWN)
    assert settings.find(student) == OWN
    loaded = settings_for(student, OWN, context=512).adapter
    assert loaded is not None
    assert loaded.path == student.adapter


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("200000 100000", 2), ("50000 100000", 1), ("max 100000", None), ("", None)],
)
def test_a_containers_quota_limits_the_threads(
    tmp_path: Path, quota: str, cores: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    monkeypatch.setattr(machine, "_CGROUP_QUOTA", tmp_path / "missing")
    unlimited = usable_cores()
    monkeypatch.setattr(machine, "_CGROUP_QUOTA", file)
    assert usable_cores() == min(unlimited, cores or unlimited)


@pytest.mark.parametrize(
    ("limit", "left"), [("1000000", 450_000), ("500000", 0), ("max", None), ("", None)]
)
def test_a_containers_memory_is_what_is_free(
    tmp_path: Path, limit: str, left: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_CGROUP", tmp_path / "missing")
    assert free_memory() > 10**7
    for name, text in (
        ("memory.max", limit),
        ("memory.current", "600000"),
        ("memory.stat", "anon 500000\ninactive_file 20000\nactive_file 30000"),
    ):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    assert free_memory() == left if left is not None else free_memory() > 10**7


def test_weights_are_not_kept_twice_where_there_is_no_room(
    home: Path, installed: InstalledModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings_for(installed, OWN, context=512).repack
    monkeypatch.setattr(tuned, "free_memory", lambda: installed.bytes)
    assert not settings_for(installed, OWN, context=512).repack
