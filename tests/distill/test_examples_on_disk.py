"""Examples on disk: a stop leaves whole groups, and what is missing is made again."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from examples import Example, Shelf, examples, groups
from hypothesis import given
from hypothesis import strategies as st
from made_up import configured
from schooling import Schooling
from teach import READ, main, make_library, tasks, taught

from edge_agent.home import HOME_VARIABLE
from edge_agent.index import Library


def example(number: int) -> Example:
    return Example("films", f"q{number}", "reading", "usual", False, (1, 2, number), (2,))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.data())
def test_what_was_cut_off_is_as_if_it_had_never_been(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("shelf") / "new" / "shelf.jsonl"
    shelf = Shelf(path, "mark")
    for number, size in enumerate(sizes):
        shelf.add(f"g {number} é", [example(each) for each in range(size)], dropped="")
    whole = path.read_bytes()
    kept = whole[: data.draw(st.integers(0, len(whole)))]
    path.write_bytes(kept)
    again = Shelf(path, "mark")
    count = kept.count(b"\n")
    assert again.done == {f"g {number} é" for number in range(count)}
    assert [len(group["examples"]) for group in groups(path)] == sizes[:count]
    for number, size in enumerate(sizes):
        if f"g {number} é" not in again.done:
            again.add(f"g {number} é", [example(each) for each in range(size)], dropped="")
    assert path.read_bytes() == whole
    assert list(examples(path)) == [example(each) for size in sizes for each in range(size)]


def test_examples_that_were_made_otherwise_are_not_gone_on_with(
    schooling: Schooling, schooled_home: Path, tmp_path: Path
) -> None:
    out = tmp_path / "taught.jsonl"
    taught(configured(), schooling.data, out, jobs=1, limit=1)
    before = out.read_bytes()
    for plan in (configured(seed=2), configured(profile="generic")):
        with pytest.raises(SystemExit, match="another model, profile or configuration"):
            taught(plan, schooling.data, out, jobs=1, limit=2)
    assert out.read_bytes() == before
    train = configured().train.model_copy(update={"rank": 4})
    taught(configured(train=train), schooling.data, out, jobs=1, limit=1)


def test_all_is_taught_in_the_variants_that_it_has(schooling: Schooling) -> None:
    every = tasks(configured(), schooling.data)
    assert len(every) == len(schooling.lessons) * 5
    assert {each.variant for each in every} == {READ, "usual", "single", "pair", "withheld"}
    assert tasks(configured(), schooling.data) == every
    assert tasks(configured(seed=2), schooling.data) != every
    plan = configured()
    few = plan.teach.variants["usual"].model_copy(update={"share": 0.01})
    teach = plan.teach.model_copy(update={"variants": {"usual": few}})
    plan = plan.model_copy(update={"teach": teach})
    assert {each.variant for each in tasks(plan, schooling.data)} == {READ}


def test_teaching_goes_on_where_it_was_stopped(
    schooling: Schooling, schooled_home: Path, tmp_path: Path
) -> None:
    out = tmp_path / "taught.jsonl"
    taught(configured(), schooling.data, out, jobs=1, limit=4)
    first = out.read_text("utf-8").splitlines(keepends=True)
    assert len(first) == 4
    out.write_text("".join(first)[:-9], "utf-8")
    taught(configured(), schooling.data, out, jobs=1, limit=6)
    found = {group["group"]: group for group in groups(out)}
    assert out.read_text("utf-8").startswith("".join(first[:3]))
    wanted = tasks(configured(), schooling.data)[:6]
    assert sorted(found) == sorted(each.group for each in wanted)
    for task in wanted:
        made, dropped = schooling.school.examples(task)
        assert [Example.of(each) for each in found[task.group]["examples"]] == made
        assert found[task.group]["dropped"] == dropped


def test_a_library_that_was_begun_is_finished(
    schooling: Schooling, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_off(*_: object) -> None:
        raise KeyboardInterrupt

    folder = tmp_path / "bench-films"
    with monkeypatch.context() as patch:
        patch.setattr("edge_agent.index.lexical.LexicalIndex.replace", broken_off)
        with pytest.raises(KeyboardInterrupt):
            make_library(folder, schooling.data / "films")
    make_library(folder, schooling.data / "films")
    with closing(Library(folder)) as library:
        assert library.search("Night Ferry")


def test_lessons_that_were_searched_for_otherwise_are_not_gone_on_with(
    schooling: Schooling, schooled_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "taught.jsonl"
    taught(configured(), schooling.data, out, jobs=1, limit=1)
    monkeypatch.setattr("teach.searched_with", lambda: "meaning")
    with pytest.raises(SystemExit):
        taught(configured(), schooling.data, out, jobs=1, limit=1)


def test_sets_that_borrow_their_passages_can_be_taught_alone(
    schooling: Schooling, smollm2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    home, data, out = tmp_path / "home", tmp_path / "sets", tmp_path / "taught.jsonl"
    (home / "models").mkdir(parents=True)
    (home / "models" / smollm2.parent.name).symlink_to(smollm2.parent, target_is_directory=True)
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    (data / "loose").mkdir(parents=True)
    (data / "films").symlink_to(schooling.data / "films", target_is_directory=True)
    asked = {
        "id": "q1",
        "split": "train",
        "question": "Where was the director of the film Tidewater born?",
        "answer": "Arles",
        "sentences": ["Tidewater is a film directed by Ida Holm.", "Ida Holm was born in Arles."],
    }
    (data / "loose" / "questions.jsonl").write_text(json.dumps(asked), encoding="utf-8")
    read = configured().read.model_copy(
        update={"times": {"loose": 2}, "borrowed": {"loose": "films"}, "unanswerable": 0.0}
    )
    taught(configured(sets=(), read=read), data, out, jobs=1, limit=None)
    assert [each.kind for each in examples(out)] == ["reading", "reading"]
    assert "models pull minilm-l6" in capsys.readouterr().err  # there is no embedder


def test_without_the_base_it_is_said_how_to_get_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["teach.py", "--out", str(tmp_path / "t.jsonl")])
    with pytest.raises(SystemExit, match="models pull qwen"):
        main()
