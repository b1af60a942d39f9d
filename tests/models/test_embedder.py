"""The embedder, the real one: meanings side by side, whatever else is in the batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_agent.models import InstalledModel, InvalidModelFile
from edge_agent.models.embedder import OnnxEmbedder


def test_the_real_embedder_puts_meanings_side_by_side(embedder_model: InstalledModel) -> None:
    embedder = OnnxEmbedder(embedder_model.name, embedder_model.path)
    texts = ["A dog runs in the park.", "A puppy plays on the grass.", "Interest rates rose.", ""]
    vectors = embedder.embed(texts)
    assert vectors.shape == (4, embedder.dimensions)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert vectors[0] @ vectors[1] > 0.4 > vectors[0] @ vectors[2]


def test_a_vector_does_not_depend_on_its_company(embedder_model: InstalledModel) -> None:
    embedder = OnnxEmbedder(embedder_model.name, embedder_model.path)
    long = "The lighthouse was built of granite. " * 60
    alone = embedder.embed(["A dog runs in the park."])[0]
    together = embedder.embed([long, "A dog runs in the park.", long])[1]
    assert alone @ together > 0.999


def test_a_broken_embedder_says_so(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(InvalidModelFile, match="not a tokenizer"):
        OnnxEmbedder("broken", tmp_path / "model.onnx").embed(["x"])
