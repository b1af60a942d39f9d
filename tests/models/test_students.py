"""Students: adapters that ship with the program, over models that are pulled."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import commands
import pytest
from click.testing import CliRunner, Result
from plans import one
from students import SMOLLM2_SHAPES, TINY_SHAPES, rebased, shipping, students_catalog
from tiny_models import write_adapter

from edge_agent import provisioning
from edge_agent.cli import main
from edge_agent.home import Home
from edge_agent.model_opening import model_at_hand
from edge_agent.models import (
    Adapter,
    Catalog,
    EngineSettings,
    HashMismatch,
    InstalledModel,
    InvalidModelFile,
    ModelError,
    ModelStore,
    NotEnoughMemory,
    OfflineError,
    PullProgress,
    Sample,
    Sampling,
    SpanKind,
    TunedSettings,
    UnknownModel,
    memory,
    pull,
    require_memory,
    settings_for,
    store,
)
from edge_agent.models.engine import Engine
from edge_agent.models.session import Session
from edge_agent.models.tuned import Tuned
from edge_agent.provisioning import default_model, ensure_model


@pytest.fixture
def catalog(tmp_path: Path, small_gguf: Path) -> Catalog:
    return students_catalog(tmp_path / "adapters", small_gguf, shapes=TINY_SHAPES)


@pytest.fixture
def models(home: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    """The store of a home in which the program has that catalogue."""
    use(catalog, monkeypatch)
    return ModelStore(home / "models")


def use(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "load_catalog", lambda: catalog)


def pulled(models: ModelStore, name: str = "student") -> list[PullProgress]:
    seen: list[PullProgress] = []
    pull(models.catalog.get(name), models, seen.append)
    return seen


def found(models: ModelStore, name: str = "student") -> InstalledModel:
    model = models.find(name)
    assert model is not None
    return model


def call(*arguments: object, text: str | None = None) -> Result:
    return commands.call("models", *arguments, text=text)


def record(*arguments: str) -> Any:
    return json.loads(call(*arguments, "--json").stdout)


def change(path: Path) -> None:
    """Change a byte, and nothing that a listing of the folder shows."""
    before, content = path.stat(), bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


# Pulling


def test_a_student_is_pulled_with_its_base(models: ModelStore, small_gguf: Path) -> None:
    assert {each.doing for each in pulled(models)} == {"downloading (file)", "checking"}
    assert models.names() == ("base", "student")
    model, base, adapters = found(models), found(models, "base"), models.catalog.adapters
    assert (model.path, model.adapter) == (base.path, adapters / "student.gguf")
    assert (model.licence, model.profile, model.header) == ("Apache-2.0", "edge", base.header)
    assert model.bytes == base.bytes + (adapters / "student.gguf").stat().st_size
    assert [path.suffix for path in (models.root / "student").iterdir()] != [".gguf"]
    assert pulled(models, "small") == []
    assert models.resolve("small") is not None


def test_where_its_base_is_nothing_is_downloaded(models: ModelStore, home: Path) -> None:
    with pytest.raises(OfflineError, match="models pull student"):
        ensure_model("student", Home(home), None)
    with pytest.raises(UnknownModel, match="models pull student"):
        model_at_hand("student", Home(home))
    pulled(models, "base")
    assert models.resolve("student") is None
    assert models.names() == ("base",)
    assert ensure_model("student", Home(home), None) == found(models)
    assert model_at_hand("small", Home(home)) == found(models, "small")


def test_a_file_of_the_users_own_is_not_added_under_its_name(
    models: ModelStore, small_gguf: Path
) -> None:
    with pytest.raises(ModelError, match="models pull student"):
        models.add("student", small_gguf)


# Checking


def test_a_changed_adapter_is_caught(models: ModelStore) -> None:
    pulled(models)
    assert models.verify("student") == found(models)
    change(models.catalog.adapters / "student.gguf")
    with pytest.raises(HashMismatch, match="Install miro-edge again"):
        models.verify("student")
    assert models.find("student") is None
    with pytest.raises(HashMismatch, match="Install miro-edge again"):
        pulled(models)
    assert pulled(models, "small") == []


def test_an_adapter_that_is_gone_is_one_sentence(models: ModelStore) -> None:
    pulled(models)
    (models.catalog.adapters / "student.gguf").unlink()
    for use_it in (models.find, models.verify):
        with pytest.raises(HashMismatch, match="Install miro-edge again"):
            use_it("student")


def test_a_changed_base_is_caught(models: ModelStore) -> None:
    pulled(models)
    change(found(models, "base").path)
    with pytest.raises(HashMismatch, match="models pull base"):
        models.verify("student")
    assert models.names() == ()
    pulled(models)
    assert models.names() == ("base", "student")


def test_another_version_brings_another_adapter(models: ModelStore, catalog: Catalog) -> None:
    pulled(models)
    os.utime(catalog.adapters / "student.gguf", (1, 1))  # installed again
    assert models.verify("student") == found(models)
    newer = write_adapter(catalog.adapters / "newer.gguf", "llama", TINY_SHAPES)
    later = ModelStore(models.root, shipping(catalog, newer))
    assert found(later).adapter == newer
    assert found(later).sha256 != found(models).sha256


def test_another_version_brings_another_base(
    models: ModelStore, catalog: Catalog, small_gguf: Path, tmp_path: Path
) -> None:
    pulled(models)
    newer = tmp_path / "newer.gguf"
    newer.write_bytes(small_gguf.read_bytes() + b"\0")
    later = ModelStore(models.root, rebased(catalog, newer))
    assert later.names() == ()
    assert later.without_download(later.catalog.get("student")) is None
    assert pulled(later)
    assert later.names() == ("base", "student")
    assert found(later).path.name == "newer.gguf"
    assert [path.name for path in (later.root / "base").glob("*.gguf")] == ["newer.gguf"]


def test_a_student_that_the_catalogue_had_once_is_not_here(
    models: ModelStore, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled(models)
    others = tuple(each for each in catalog.models if each.name != "student")
    later = ModelStore(models.root, catalog.model_copy(update={"models": others}))
    assert later.names() == ("base",)
    assert later.find("student") is None
    with pytest.raises(UnknownModel, match="There is no model 'student'"):
        later.resolve("student")
    with pytest.raises(UnknownModel, match="'student' is not on this machine"):
        later.verify("student")
    use(later.catalog, monkeypatch)
    assert {row["name"]: row for row in record("list")["models"]}["student"]["in_part"]
    assert call("remove", "student", "--yes").exit_code == 0
    assert later.begun() == ()


def test_a_file_of_the_users_own_is_no_student_and_no_base(
    models: ModelStore, catalog: Catalog, small_gguf: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(small_gguf.read_bytes() + b"\0")
    before = ModelStore(models.root, catalog.model_copy(update={"models": ()}))
    mine = [before.add(name, own).path for name in ("base", "student")]
    for name in ("base", "student"):
        with pytest.raises(InvalidModelFile, match=f"models remove {name}"):
            pulled(models, name)
    models.remove("student")
    with pytest.raises(InvalidModelFile, match="models remove base"):
        pulled(models)
    assert mine[0].read_bytes() == own.read_bytes()


# What commands say


def test_list_and_info_say_what_a_student_is(models: ModelStore) -> None:
    rows = {row["name"]: row for row in record("list")["models"]}
    assert (rows["student"]["base"], rows["student"]["installed"]) == ("base", False)
    assert (rows["student"]["default"], rows["base"]["base"]) == (True, None)
    missing = record("info", "student")
    assert "an adapter over base, not on this machine" in call("info", "student").stdout
    assert record("pull", "student") == record("info", "student") == record("verify", "student")
    shown = record("info", "student")
    assert shown["bytes"] == missing["bytes"] == rows["student"]["bytes"]
    for each in (missing, shown):
        assert each["card"] == str(models.catalog.adapters / "student.md")
        assert each["about"].startswith("F1 on nothing: 0.\n\n| a | b |")
        assert "Data" not in each["about"]
    assert (shown["base"], shown["profile"]) == ("base", "edge")
    text = call("info", "student").stdout
    assert "student.gguf, over base\n" in text
    assert "F1 on nothing: 0." in text
    assert (record("info", "base")["card"], record("info", "base")["base"]) == (None, None)


def test_a_file_with_the_name_of_a_student_is_only_a_file(
    models: ModelStore, small_gguf: Path, tmp_path: Path
) -> None:
    pulled(models)
    path = tmp_path / "student.gguf"
    path.write_bytes(small_gguf.read_bytes())
    shown = record("info", str(path))
    assert (shown["base"], shown["card"], shown["adapter"]) == (None, None, None)


def test_pull_says_what_is_downloaded(models: ModelStore) -> None:
    assert "Pulling student (its base base, 0 MB, MIT)" in call("pull", "student").stderr
    assert "Pulling" not in call("pull", "small").stderr


def test_removing_a_student_leaves_its_base(models: ModelStore) -> None:
    call("pull", "student")
    result = call("remove", "student", "--yes")
    assert "Its base stays: miro-edge models remove base" in result.stderr
    assert models.names() == ("base",)
    assert (models.catalog.adapters / "student.gguf").is_file()


def test_removing_a_base_says_what_needs_it(models: ModelStore) -> None:
    call("pull", "student")
    call("pull", "small")
    said = "It is the base of small, student, which cannot be used without it."
    kept = call("remove", "base", text="n\n")
    assert said in kept.stderr
    assert models.names() == ("base", "small", "student")
    assert said in call("remove", "base", "--yes").stderr
    assert models.names() == ()
    assert not any(row["installed"] for row in record("list")["models"])
    assert call("info", "student").exit_code == 0
    assert record("pull", "student")["installed"]


# Choosing by memory


def test_the_small_one_answers_where_memory_is_short(
    models: ModelStore, catalog: Catalog, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = ModelStore(models.root, catalog.model_copy(update={"default_memory": 2 * 10**9}))
    monkeypatch.setattr(provisioning, "free_memory", lambda: 2 * 10**9)
    assert default_model(short, may_pull=True).name == "student"
    monkeypatch.setattr(provisioning, "free_memory", lambda: 1_300_000_000)
    chosen = default_model(short, may_pull=True)
    assert chosen.name == "small"
    assert str(chosen.note).startswith("1.3 GB of memory are free, and student is for 2.0 GB")
    assert default_model(models, may_pull=True).name == "student"  # it wants no more
    # What may not be pulled cannot answer.
    assert default_model(short, may_pull=False).name == "student"
    pulled(short, "base")
    assert default_model(short, may_pull=False).name == "small"
    use(short.catalog, monkeypatch)
    assert model_at_hand(None, Home(home)).name == "small"
    assert model_at_hand("student", Home(home)).name == "student"


def test_what_is_here_is_not_passed_over_for_what_has_to_be_pulled(
    models: ModelStore, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = catalog.get("small").model_copy(update={"base": "elsewhere"})
    others = tuple(each for each in catalog.models if each.name != "small")
    elsewhere = catalog.get("base").model_copy(update={"name": "elsewhere"})
    changed = {"default_memory": 2 * 10**9, "models": (*others, small, elsewhere)}
    short = ModelStore(models.root, catalog.model_copy(update=changed))
    pulled(short, "base")
    monkeypatch.setattr(provisioning, "free_memory", lambda: 1_300_000_000)
    assert default_model(short, may_pull=True).name == "student"
    monkeypatch.setattr(provisioning, "free_memory", lambda: 1000)  # it cannot be loaded
    assert default_model(short, may_pull=True).name == "small"


def test_memory_for_the_adapter_is_reckoned_too(
    models: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled(models)
    model = found(models)
    assert model.header is not None
    assert model.adapter is not None
    plain = EngineSettings(context=512)
    with_adapter = EngineSettings(context=512, adapter=Adapter(model.adapter))
    need = memory.memory_need(found(models, "base").bytes, model.header, plain).total
    monkeypatch.setattr(memory, "free_memory", lambda: need)
    require_memory(model.path, model.header, plain)
    with pytest.raises(NotEnoughMemory, match=r"small\.gguf with the adapter student\.gguf needs"):
        require_memory(model.path, model.header, with_adapter)


def test_what_was_tuned_for_the_base_holds_for_the_student(
    models: ModelStore, tmp_path: Path
) -> None:
    pulled(models)
    tuned = Tuned(threads=1, batch=64, kv_type="f16", repack=False)
    settings = TunedSettings(tmp_path / "tuning.json")
    settings.keep(found(models, "base"), tuned)
    assert settings.find(found(models)) == tuned
    loaded = settings_for(found(models), tuned, context=512, kv_type="f16")
    assert loaded.adapter == Adapter(models.catalog.adapters / "student.gguf")


# With a real model


@pytest.fixture
def real(home: Path, tmp_path: Path, smollm2: Path, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    catalog = students_catalog(
        tmp_path / "adapters", smollm2, shapes=SMOLLM2_SHAPES, small_memory=2 * 10**9
    )
    use(catalog, monkeypatch)
    models = ModelStore(home / "models")
    models.add("base", smollm2)  # linked where the disk allows it
    return models


def test_prefixes_of_student_and_base_are_apart(real: ModelStore, tmp_path: Path) -> None:
    pulled(real)
    for name in ("base", "student"):
        model = found(real, name)
        settings = settings_for(model, None, context=256, kv_type="f16")
        with Engine(model.path, settings) as engine:
            session = Session(engine)
            session.append(SpanKind.SYSTEM, "You answer briefly.", trusted=True)
            assert not session.load_prefix(tmp_path)
            session.save_prefix(tmp_path)
    assert len(list(tmp_path.glob("*.state"))) == 2


@pytest.mark.slow
def test_a_student_is_asked_without_being_named(
    real: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provisioning, "free_memory", lambda: 10**9)
    documents = tmp_path / "ships"
    documents.mkdir()
    (documents / "fram.txt").write_text("The Fram was designed by Colin Archer of Larvik.")
    options = ["--offline", "-l", str(documents), "--max-calls", "1", "--context", "2048"]
    asked = CliRunner().invoke(main, ["ask", *options, "--json", "Who designed the Fram?"])
    answer = json.loads(asked.stdout)
    assert (answer["model"], answer["status"] in {"answered", "partial", "not_found"}) == (
        *("small", True),
    )
    assert "1.0 GB of memory are free, and student is for 2.0 GB or more: small" in asked.stderr
    named = CliRunner().invoke(main, ["ask", *options, "--quiet", "-m", "student", "Who?"])
    assert "small" not in named.stderr
    model = found(real)
    settings = settings_for(model, None, context=256, kv_type="f16")
    texts = []
    for each in (settings, replace(settings, adapter=None)):
        with Engine(model.path, each) as engine:
            session = Session(engine)
            session.append(SpanKind.QUESTION, "Name three colours.")
            pieces = session.generate(one(Sample(8)), Sampling(), 1)
            texts.append("".join(piece.text for piece in pieces))
    assert texts[0] != texts[1]
