"""What all tests share: a home of their own, real models, and the question sets where they are."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import platformdirs
import pytest
from hypothesis import settings
from scripted_session import write_documents
from waiting import free_port, wait_for_port

from edge_agent.home import HOME_VARIABLE
from edge_agent.index import Library
from edge_agent.models import InstalledModel, ModelStore, pull

ROOT = Path(__file__).parent.parent


settings.register_profile("untimed", deadline=None)  # machines are shared, and at times slow
settings.load_profile("untimed")


def pytest_configure() -> None:
    """Have each of several workers, and all that it starts, keep to cores of its own.

    llama.cpp takes as many threads as a process may use cores, and they wait for each other busily:
    two models that share two cores take many times as long as one after the other.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    if worker and hasattr(os, "sched_setaffinity"):
        workers = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[int(worker) :: workers] or cores)


@pytest.fixture(scope="session", autouse=True)
def _homes_of_no_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A MIRO_EDGE_HOME for what asks for none, so that no test reaches that of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(HOME_VARIABLE, str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty MIRO_EDGE_HOME."""
    folder = tmp_path / "home"
    monkeypatch.setenv(HOME_VARIABLE, str(folder))
    return folder


@pytest.fixture(scope="session")
def model_store() -> ModelStore:
    """A store that outlives the tests: models are pulled once for each machine."""
    folder = os.environ.get("MIRO_EDGE_TEST_MODELS")
    return ModelStore(
        Path(folder) if folder else platformdirs.user_cache_path("miro-edge-tests") / "models"
    )


@pytest.fixture(scope="session")
def ready_ships(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of three ships that is only read: making one takes processes of its own."""
    folder = tmp_path_factory.mktemp("ready") / "ships"
    with closing(Library(folder)) as library:
        library.add([write_documents(folder.with_name("documents"))])
    return folder


def _pulled(name: str, store: ModelStore) -> InstalledModel:
    return store.find(name) or pull(store.catalog.get(name), store, lambda _: None)


@pytest.fixture(scope="session")
def smollm2(model_store: ModelStore) -> Path:
    """The smallest real model, 98 MB."""
    return _pulled("smollm2-135m", model_store).path


@pytest.fixture(scope="session")
def gemma3(model_store: ModelStore) -> Path:
    """A real model with sliding-window attention, 253 MB; under the Gemma Terms of Use."""
    return _pulled("gemma3-270m", model_store).path


@pytest.fixture(scope="session")
def default_model(model_store: ModelStore) -> InstalledModel:
    """The model that `ask` uses, 1.1 GB."""
    return _pulled(model_store.catalog.default, model_store)


@pytest.fixture(scope="session")
def small_model(model_store: ModelStore) -> InstalledModel:
    """The model that `ask` uses where memory is short, 0.5 GB."""
    small = model_store.catalog.default_small
    assert small is not None
    return _pulled(small, model_store)


@pytest.fixture(scope="session")
def embedder_model(model_store: ModelStore) -> InstalledModel:
    """The real embedder, 23 MB."""
    return _pulled(model_store.catalog.embedder, model_store)


@pytest.fixture
def home_with_models(
    home: Path,
    model_store: ModelStore,
    default_model: InstalledModel,
    embedder_model: InstalledModel,
) -> Path:
    """A MIRO_EDGE_HOME without libraries or runs, where the models are there already."""
    home.mkdir()
    (home / "models").symlink_to(model_store.root, target_is_directory=True)
    return home


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The question sets beside the project, which it does not ship."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the question sets in ../shared/data are not here")
    return folder


@pytest.fixture(scope="session")
def llama_server(smollm2: Path) -> Iterator[str]:
    """The address of a real model server on this machine, whose model is called smollm2."""
    port = free_port()
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(smollm2)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--n_ctx", "4096", "--cache", "true"]
    command += ["--model_alias", "smollm2", "--n_threads", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port, process)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(20)
