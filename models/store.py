"""The store: which model files are on this machine, and that they are what they should be."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from .catalog import Catalog, CatalogEntry, CatalogFile, load_catalog, unknown_model
from .errors import HashMismatch, InvalidModelFile, ModelError, UnknownModel
from .gguf_file import GgufHeader, read_header
from .hashing import sha256_of

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_RECORD = "model.json"
_OWN_PROFILE = "generic"


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model that can be opened: its main file, checked."""

    name: str
    path: Path
    bytes: int
    sha256: str | None
    """None for a file that the catalogue does not know."""
    licence: str
    profile: str
    header: GgufHeader | None
    """None for what is no GGUF: the embedder."""


@dataclass(frozen=True, slots=True)
class _FileRecord:
    """What a file was when it was checked; a file that differs from it has to be checked again."""

    name: str
    bytes: int
    modified: int
    sha256: str | None


class ModelStore:
    """A folder with a folder for each model: its files, and a record of what was checked."""

    def __init__(self, root: Path, catalog: Catalog | None = None) -> None:
        """Look after the models under `root`; it need not exist yet."""
        self.root = root
        self.catalog = catalog or load_catalog()

    def names(self) -> tuple[str, ...]:
        """Return the names of the models that are here."""
        if not self.root.is_dir():
            return ()
        return tuple(sorted(path.parent.name for path in self.root.glob(f"*/{_RECORD}")))

    def find(self, name: str) -> InstalledModel | None:
        """Return a model that is here, or None.

        Raises InvalidModelFile where its file was changed since it was checked.
        """
        folder = self.root / name
        if name not in self.names():
            return None
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        files = [_FileRecord(**file) for file in record["files"]]
        for file in files:
            if _record_of(folder / file.name, file.sha256) != file:
                raise InvalidModelFile(
                    f"{folder / file.name} was changed since it was checked. "
                    f"Check it with: miro-edge models verify {name}"
                )
        entry = self.catalog.find(name)
        return InstalledModel(
            name=name,
            path=folder / files[0].name,
            bytes=sum(file.bytes for file in files),
            sha256=files[0].sha256,
            licence=entry.licence if entry else "the user's own",
            profile=entry.profile if entry else _OWN_PROFILE,
            header=GgufHeader(**record["header"]) if record["header"] else None,
        )

    def resolve(self, name_or_path: str) -> InstalledModel | None:
        """Return a model by name, or by the path of a GGUF file; None for one yet to be pulled.

        Raises UnknownModel, InvalidModelFile.
        """
        found = self.find(name_or_path)
        if found is not None or self.catalog.find(name_or_path) is not None:
            return found
        path = Path(name_or_path).expanduser()
        if not path.exists():
            known = (*(entry.name for entry in self.catalog.models), *self.names())
            raise UnknownModel(unknown_model(name_or_path, known))
        return InstalledModel(
            name=path.stem,
            path=path,
            bytes=path.stat().st_size,
            sha256=None,
            licence="the user's own",
            profile=_OWN_PROFILE,
            header=self._remembered_header(path),
        )

    def keep(self, entry: CatalogEntry) -> InstalledModel:
        """Record that the files of a catalogue model are here and were checked."""
        folder = self.root / entry.name
        main = folder / entry.files[0].name
        header = read_header(main) if main.suffix == ".gguf" else None
        self._write_record(folder, [(folder / f.name, f.sha256) for f in entry.files], header)
        found = self.find(entry.name)
        assert found is not None
        return found

    def add(self, name: str, path: Path) -> InstalledModel:
        """Copy a user's own GGUF file into the store, linking where the disk allows it.

        Raises InvalidModelFile for what is no whole GGUF, ModelError for a name that is taken.
        """
        self.check_new_name(name)
        header = read_header(path)
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        copy = folder / path.name
        draft = copy.with_suffix(".draft")
        try:
            _link_or_copy(path, draft)
            draft.replace(copy)
        finally:
            draft.unlink(missing_ok=True)
        self._write_record(folder, [(copy, None)], header)
        found = self.find(name)
        assert found is not None
        return found

    def check_new_name(self, name: str) -> None:
        """Raise ModelError where a model cannot have that name, or one has it already."""
        if not _NAME.fullmatch(name):
            raise ModelError(
                f"'{name}' cannot be the name of a model. "
                "Use letters, digits, dots, dashes and underscores, a letter or digit first."
            )
        if name in self.names() or self.catalog.find(name) is not None:
            raise ModelError(f"There is a model '{name}' already. Choose another name.")

    def verify(self, name: str, report: Callable[[int], None] | None = None) -> InstalledModel:
        """Hash the files of a model again; a file that is wrong takes the model out of the store.

        Raises UnknownModel where it is not here, HashMismatch and InvalidModelFile.
        """
        folder = self.root / name
        if name not in self.names():
            raise UnknownModel(
                f"The model '{name}' is not on this machine. See: miro-edge models list"
            )
        entry = self.catalog.find(name)
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        expected = {file["name"]: file["sha256"] for file in record["files"]}
        for file, digest in expected.items():
            if digest is not None and sha256_of(folder / file, report) != digest:
                (folder / _RECORD).unlink()
                again = f"miro-edge models pull {name}" if entry else "add it again"
                raise HashMismatch(
                    f"{folder / file} is not the file that was checked before: "
                    f"its SHA-256 differs. Get it again: {again}"
                )
        main = folder / next(iter(expected))
        header = read_header(main) if main.suffix == ".gguf" else None
        self._write_record(folder, [(folder / f, d) for f, d in expected.items()], header)
        found = self.find(name)
        assert found is not None
        return found

    def remove(self, name: str) -> None:
        """Delete a model and what is left of interrupted downloads of it. Raises UnknownModel."""
        folder = self.root / name
        if not _NAME.fullmatch(name) or not folder.is_dir():
            raise UnknownModel(
                f"The model '{name}' is not on this machine. See: miro-edge models list"
            )
        shutil.rmtree(folder)

    def has(self, entry: CatalogEntry, file: CatalogFile) -> bool:
        """Tell whether a file of a catalogue model is here under its name, whole."""
        path = self.root / entry.name / file.name
        return path.is_file() and file.bytes in (None, path.stat().st_size)

    def _remembered_header(self, path: Path) -> GgufHeader:
        """Return the header of a user's file; a large one takes seconds, so it is kept."""
        stat = path.stat()
        key = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
        memory = self.root / "headers.json"
        known = json.loads(memory.read_text(encoding="utf-8")) if memory.is_file() else {}
        if key not in known:
            known[key] = asdict(read_header(path))
            _write(memory, known)
        return GgufHeader(**known[key])

    def _write_record(
        self, folder: Path, files: list[tuple[Path, str | None]], header: GgufHeader | None
    ) -> None:
        _write(
            folder / _RECORD,
            {
                "files": [asdict(_record_of(path, digest)) for path, digest in files],
                "header": asdict(header) if header else None,
            },
        )


def _record_of(path: Path, digest: str | None) -> _FileRecord:
    try:
        stat = path.stat()
    except OSError:
        return _FileRecord(path.name, -1, -1, digest)
    return _FileRecord(path.name, stat.st_size, stat.st_mtime_ns, digest)


def _write(path: Path, value: object) -> None:
    """Write JSON so that a crash leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(value, indent=1), encoding="utf-8")
    draft.replace(path)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)
