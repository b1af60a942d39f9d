"""Dense vectors: what passages mean, as an embedder puts it; kept by text, searched exactly."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from .checksums import Checksums
from .database import give_back, open_database
from .passages import Passage

Vectors = npt.NDArray[np.float32]

_BLOCK = 16_384
"""Rows that are turned into float32 at once: the matrix is mapped, never in memory as a whole."""
_EMBEDDED_AT_ONCE = 256
"""Passages that are embedded, and kept, together: what an interruption costs."""
_VARIABLES = 500
"""Hashes in one question to the database."""


class Embedder(Protocol):
    """Turns texts into vectors of length 1."""

    @property
    def name(self) -> str:
        """Which model it is: vectors of different models are kept apart."""

    @property
    def dimensions(self) -> int:
        """Numbers in a vector."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of `texts`, [texts, dimensions]."""


class DenseIndex:
    """The vectors of a library's passages under one embedder.

    Each vector is in a database by the hash of its text, so that no text is embedded twice. When
    all passages have been embedded, their vectors also lie in one file, which is searched exactly.
    """

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        """Keep vectors in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        self._embedder = embedder
        self._matrix_path = folder / f"{embedder.name}.npy"
        self._checksums = Checksums(folder, self._matrix_path.name)
        self._row = np.dtype([("key", "<i8"), ("vector", "<f2", (embedder.dimensions,))])
        self._database = open_database(folder / f"{embedder.name}.db", timeout=5)
        self._database.execute(
            "create table if not exists vectors (hash blob primary key, vector blob not null) "
            "without rowid"
        )

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def query_vector(self, query: str) -> Vectors:
        """Return the vector of a query, [dimensions]."""
        vector: Vectors = self._embedder.embed([query])[0]
        return vector

    def vectors(self, passages: Sequence[Passage]) -> Vectors:
        """Return the vectors of passages, [passages, dimensions]; those not kept yet are made."""
        hashes = [_text_hash(passage) for passage in passages]
        kept = self._kept(hashes)
        missing = {
            key: passage for key, passage in zip(hashes, passages, strict=True) if key not in kept
        }
        if missing:
            made = self._embedder.embed([_text(passage) for passage in missing.values()])
            kept |= dict(zip(missing, made.astype(np.float16), strict=True))
            self._keep({key: kept[key] for key in missing})
        return np.stack([kept[key] for key in hashes]).astype(np.float32)

    def embed_all(
        self, passages: Iterable[tuple[int, Passage]], report: Callable[[int], None]
    ) -> None:
        """Embed all passages, by key, and lay their vectors side by side in one file.

        Vectors of texts that are no more are forgotten. `report` is told how many are done. An
        interruption costs the last few.
        """
        temporary = self._matrix_path.with_suffix(".partial")
        present: set[bytes] = set()
        done = 0
        with temporary.open("wb") as file:
            for batch in _batches(passages):
                rows = np.empty(len(batch), self._row)
                rows["key"] = [key for key, _ in batch]
                rows["vector"] = self.vectors([passage for _, passage in batch])
                file.write(rows.tobytes())
                present.update(_text_hash(passage) for _, passage in batch)
                done += len(batch)
                report(done)
            file.flush()
            os.fsync(file.fileno())  # or a crash leaves a file of that name cut short
        temporary.replace(self._matrix_path)
        self._checksums.forget()
        self._checksums.seal()
        self._forget_all_but(present)

    def seal(self) -> None:
        """Remember what was written, so that damage can be told; `embed_all` does so by itself."""
        self._checksums.seal()

    def compare(self) -> None:
        """Hash the file of all vectors: from now on it is not whole where it is damaged."""
        self._checksums.compare()

    @property
    def was_whole(self) -> bool:
        """Whether all passages have been embedded, at least once."""
        return self._matrix_path.exists()

    @property
    def is_whole(self) -> bool:
        """Whether they lie side by side now: not cut short, nor found to be damaged."""
        return (
            self.was_whole
            and not self._checksums.are_in_doubt
            and self._matrix_path.stat().st_size % self._row.itemsize == 0
        )

    def keys(self) -> set[int]:
        """Return the keys of the passages whose vectors lie side by side."""
        return set(self._matrix()["key"].tolist())

    def nearest(self, vector: Vectors, limit: int) -> dict[int, float]:
        """Return the passages nearest to a vector by key, with their cosines, nearest first."""
        matrix = self._matrix()
        cosines = np.empty(len(matrix), np.float32)
        for start in range(0, len(matrix), _BLOCK):
            block = matrix["vector"][start : start + _BLOCK].astype(np.float32)
            cosines[start : start + _BLOCK] = block @ vector
        count = min(limit, len(cosines))
        if not count:
            return {}
        nearest = np.argpartition(-cosines, count - 1)[:count]
        nearest = nearest[np.argsort(-cosines[nearest], kind="stable")]
        return {int(matrix["key"][row]): float(cosines[row]) for row in nearest}

    def _matrix(self) -> npt.NDArray[np.void]:
        if not self.is_whole or not self._matrix_path.stat().st_size:
            return np.empty(0, self._row)
        return np.memmap(self._matrix_path, self._row, mode="r")

    def _kept(self, hashes: Sequence[bytes]) -> dict[bytes, npt.NDArray[np.float16]]:
        found = {}
        for start in range(0, len(hashes), _VARIABLES):
            part = hashes[start : start + _VARIABLES]
            marks = ", ".join("?" * len(part))
            for key, vector in self._database.execute(
                f"select hash, vector from vectors where hash in ({marks})", list(part)
            ):
                found[key] = np.frombuffer(vector, np.float16)
        return found

    def _keep(self, made: dict[bytes, npt.NDArray[np.float16]]) -> None:
        # A second process may be writing; then these are made again some day.
        with suppress(sqlite3.OperationalError), self._database.atomic():
            self._database.conn.executemany(
                "insert or ignore into vectors (hash, vector) values (?, ?)",
                [(key, vector.tobytes()) for key, vector in made.items()],
            )

    def _forget_all_but(self, present: Collection[bytes]) -> None:
        stored = self._database.execute("select hash from vectors")
        gone = [(key,) for (key,) in stored if key not in present]
        # A second process may be writing; then they go the next time.
        with suppress(sqlite3.OperationalError), self._database.atomic():
            self._database.conn.executemany("delete from vectors where hash = ?", gone)
        give_back(self._database)


def _text(passage: Passage) -> str:
    """Return what of a passage is embedded: a sentence often does not name what it is about."""
    return f"{passage.title}. {passage.text}"


def _text_hash(passage: Passage) -> bytes:
    return hashlib.sha256(_text(passage).encode()).digest()[:16]


def _batches(passages: Iterable[tuple[int, Passage]]) -> Iterable[list[tuple[int, Passage]]]:
    batch: list[tuple[int, Passage]] = []
    for entry in passages:
        batch.append(entry)
        if len(batch) == _EMBEDDED_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
