"""Vectors: kept by content, searched exactly, joined with words."""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edge_agent.index import By, Library, NotEmbedded
from edge_agent.index.fusion import by_reciprocal_rank, combined
from edge_agent.index.relevance import relevance


class CountingEmbedder:
    """Gives every text a direction of its own, but that cars and automobiles share one."""

    name = "counting"
    dimensions = 32

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.texts += texts
        rows = [self._vector(text) for text in texts]
        return np.stack(rows)

    def _vector(self, text: str) -> npt.NDArray[np.float32]:
        near = "car" in text.lower() or "automobile" in text.lower()
        seed = 1 if near else zlib.crc32(text.encode())
        vector = np.random.default_rng(seed).normal(size=self.dimensions)
        return (vector / float(np.linalg.norm(vector))).astype(np.float32)


@pytest.fixture
def embedder() -> CountingEmbedder:
    return CountingEmbedder()


@pytest.fixture
def garage(tmp_path: Path) -> Path:
    folder = tmp_path / "garage"
    folder.mkdir()
    for name, text in (
        ("ford.txt", "Ford\n\nThe Model T was an automobile for everybody."),
        ("boat.txt", "Boat\n\nA vehicle that floats."),
        ("tree.txt", "Tree\n\nAn oak beside the road."),
    ):
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def library(garage: Path, tmp_path: Path, embedder: CountingEmbedder) -> Library:
    made = Library(tmp_path / "library", embedder)
    made.add([garage])
    return made


def test_only_candidates_are_embedded_and_only_once(
    library: Library, embedder: CountingEmbedder
) -> None:
    library.search("vehicle road")
    assert sorted(embedder.texts) == sorted(
        [
            "vehicle road",
            "Boat. A vehicle that floats.",
            "Tree. An oak beside the road.",
        ]
    )
    library.search("vehicle road")
    assert embedder.texts[3:] == ["vehicle road"]


def test_of_many_passages_the_thirty_best_are_embedded_at_once(
    tmp_path: Path, embedder: CountingEmbedder
) -> None:
    folder = tmp_path / "harbours"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number}.txt").write_text(f"Harbour {number}\n\nIt has {number} quays.")
    with closing(Library(tmp_path / "library", embedder)) as library:
        library.add([folder])
        library.search("quays")
    assert len(embedder.texts) == len(set(embedder.texts)) == 1 + 30


def test_of_many_texts_at_hand_the_thirty_best_are_embedded(embedder: CountingEmbedder) -> None:
    texts = [f"A harbour with {number} quays." for number in range(40)]
    assert len(relevance("quays", texts, texts, embedder)) == 30
    assert len(embedder.texts) == 1 + 30


def test_what_shares_no_word_is_found_when_all_is_embedded(library: Library, garage: Path) -> None:
    assert library.search("car") == ()
    assert library.embed() == 3
    assert library.search("car")[0].passage.title == "Ford"
    (garage / "bus.txt").write_text("Bus\n\nA larger automobile.")
    library.update()  # keeps it so
    assert {hit.passage.title for hit in library.search("car", 2)} == {"Ford", "Bus"}
    (garage / "ford.txt").unlink()
    library.update()
    assert library.search("car", 1)[0].passage.title == "Bus"
    assert library.statistics().embedded == 3


def test_an_update_that_changes_nothing_embeds_nothing(library: Library, tmp_path: Path) -> None:
    library.embed()
    (matrix,) = (tmp_path / "library" / "dense").glob("*.npy")
    before = matrix.stat().st_mtime_ns
    library.update()
    assert matrix.stat().st_mtime_ns == before


def test_vectors_outlive_the_passages_they_were_made_for(
    library: Library, garage: Path, embedder: CountingEmbedder
) -> None:
    library.embed()
    before = len(embedder.texts)
    (garage / "ford.txt").rename(garage / "lizzie.txt")
    library.update()
    assert len(embedder.texts) == before
    assert library.search("car")[0].passage.document == "lizzie.txt"


def test_vectors_of_texts_that_are_no_more_are_forgotten_when_all_are_embedded(
    library: Library, garage: Path
) -> None:
    library.embed()
    (garage / "boat.txt").unlink()
    (garage / "ford.txt").write_text("Ford\n\nThe Model A was an automobile, too.")
    library.update()
    with closing(sqlite3.connect(library.folder / "dense" / "counting.db")) as database:
        assert database.execute("select count(*) from vectors").fetchone() == (2,)


def _cut_short(matrix: Path) -> None:
    os.truncate(matrix, matrix.stat().st_size - 1)


def _blank(matrix: Path) -> None:
    before = matrix.stat()
    matrix.write_bytes(matrix.read_bytes()[:-8] + bytes(8))
    os.utime(matrix, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("damage", [_cut_short, _blank])
def test_damaged_vectors_are_told_and_made_anew(
    damage: Callable[[Path], None], library: Library, embedder: CountingEmbedder
) -> None:
    library.embed()
    (matrix,) = (library.folder / "dense").glob("*.npy")
    whole, made = matrix.read_bytes(), len(embedder.texts)
    damage(matrix)
    with closing(Library(library.folder, embedder)) as again:
        assert again.verify().not_embedded == 3
        assert again.statistics().embedded == 0
        with pytest.raises(NotEmbedded, match="index update library --embed"):
            again.search("car", by=By.MEANING)
        assert again.search("vehicle")[0].passage.title == "Boat"
        again.update()
        assert again.verify().not_embedded == 0
    assert matrix.read_bytes() == whole
    assert embedder.texts[made:] == ["vehicle"]  # each vector was still there by itself
    assert library.search("car", by=By.MEANING)[0].passage.title == "Ford"


def test_vectors_of_an_older_version_get_their_checksum_with_the_next_update(
    library: Library,
) -> None:
    library.embed()
    (matrix,) = (library.folder / "dense").glob("*.npy")
    (library.folder / "dense" / "checksums.json").unlink()  # as an older version leaves it
    library.update()
    _blank(matrix)
    assert library.verify().not_embedded == 3


def test_an_interrupted_embedding_goes_on_where_it_was(
    library: Library, embedder: CountingEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.index.dense._EMBEDDED_AT_ONCE", 1)

    def interrupt(progress: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        library.embed(interrupt)
    assert library.search("car") == ()  # half of the vectors are none
    library.embed()
    assert len(embedder.texts) == 3 + 1


@pytest.mark.parametrize(("by", "first"), [(By.WORDS, "Boat"), (By.MEANING, "Ford")])
def test_one_kind_of_search_can_be_asked_for(library: Library, by: By, first: str) -> None:
    library.embed()
    assert library.search("car or vehicle", by=by)[0].passage.title == first


def test_meaning_alone_needs_all_vectors(library: Library) -> None:
    with pytest.raises(NotEmbedded, match="index update library --embed"):
        library.search("car", by=By.MEANING)


def test_what_is_excluded_is_passed_over_by_meaning_too(library: Library) -> None:
    library.embed()
    (first, *rest) = library.search("car", 3)
    assert list(library.search("car", 2, exclude={first.passage.id})) == rest


def test_without_an_embedder_nothing_can_be_embedded(tmp_path: Path, garage: Path) -> None:
    library = Library(tmp_path / "other")
    library.add([garage])
    with pytest.raises(NotEmbedded, match="miro-edge models pull"):
        library.embed()


def test_scores_are_joined_and_ranks_take_turns() -> None:
    joint = combined({"a": 10.0, "b": 5.0}, {"a": 0.1, "b": 0.9, "c": 0.5})
    assert list(joint) == ["b", "a", "c"]
    assert joint["a"] == pytest.approx(0.65 * 0.1 + 0.35)
    assert by_reciprocal_rank([["a", "b"], ["c", "b"], ["d"]])[0] == "b"
    assert by_reciprocal_rank([["a", "b"], ["c", "d"]]) == ["a", "c", "b", "d"]
    assert combined({}, {}) == {}


def test_what_is_dropped_is_in_nobodys_way(library: Library, garage: Path, tmp_path: Path) -> None:
    other = tmp_path / "cars"
    other.mkdir()
    for number in range(3):
        (other / f"{number}.txt").write_text(f"Car {number}\n\nA car of the year {1900 + number}.")
    library.add([other])
    library.embed()
    library.drop([other])
    assert library.statistics().embedded == 3
    assert len(library.search("automobile", 3, by=By.MEANING)) == 3
