"""The store: which model files are on this machine, and that they are what they should be."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .catalog import Catalog, CatalogEntry, ShippedAdapter, load_catalog, unknown_model
from .errors import HashMismatch, InvalidModelFile, ModelError, UnknownModel
from .gguf_file import GgufHeader, read_header
from .hashing import sha256_of
from .watching import size_of
from .whole_file import whole_file

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_RECORD = "model.json"
_OWN_LICENCE = "the user's own"
_OWN_PROFILE = "generic"


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model that can be opened: its main file, checked."""

    name: str
    path: Path
    """The weights; for an adapter, those of its base."""
    bytes: int
    sha256: str | None
    """None for a file outside the store, which is not hashed."""
    licence: str
    profile: str
    header: GgufHeader | None
    """None for what is no GGUF: the embedder."""
    adapter: Path | None = None
    """A LoRA adapter that is applied to the weights."""


class _FileRecord(BaseModel):
    """What a file was when it was checked; a file that differs from it has to be checked again."""

    model_config = ConfigDict(frozen=True)

    name: str
    bytes: int
    modified: int
    """Time of modification, in nanoseconds."""
    sha256: str


class _Record(BaseModel):
    """What is kept of a model beside its files, the main one first."""

    model_config = ConfigDict(frozen=True)

    files: tuple[_FileRecord, ...] = Field(min_length=1)
    header: GgufHeader | None
    base: str | None = None
    """For an adapter: the model that it is applied to."""
    added: bool | None = None
    """Whether it is a file of the user's own; None in the records of older versions."""


class ModelStore:
    """A folder with a folder for each model: its files, and a record of what was checked."""

    def __init__(self, root: Path, catalog: Catalog | None = None) -> None:
        """Look after the models under `root`; it need not exist yet."""
        self.root = root
        self.catalog = catalog or load_catalog()

    def names(self) -> tuple[str, ...]:
        """Return the names of the models that are here; a student only together with its base.

        What is recorded under a name of the catalogue, and has not the hash that it states now, is
        not here; nor is a file that the user added before the catalogue had the name.
        """
        return tuple(name for name in self._folders() if self._is_here(name))

    def begun(self) -> tuple[str, ...]:
        """Return the names of the models that are not here, but something of them is.

        That is what an interrupted download left, a model that the catalogue has changed, or a file
        that the user added before the catalogue had its name.
        """
        here = self.names()
        return tuple(name for name in self._folders() if _NAME.fullmatch(name) and name not in here)

    def _folders(self) -> tuple[str, ...]:
        """Return the names of the folders, in the letters that they were made with."""
        if not self.root.is_dir():
            return ()
        return tuple(sorted(path.name for path in self.root.iterdir() if path.is_dir()))

    def _is_here(self, name: str) -> bool:
        """Tell whether there is a record of what a name stands for now, and one of its base.

        Of a damaged record that is not known: it counts, so that whoever uses the model is told.
        """
        try:
            record = self._record(name)
        except FileNotFoundError:
            return False
        except InvalidModelFile:
            return True
        entry = self.catalog.find(name)
        if entry is None:  # an adapter elsewhere was that of a student the catalogue had once
            return record.base is None or (self.root / name / record.files[0].name).is_file()
        if self._own_file(name) is not None:
            return False
        if entry.base is not None:
            return self._is_here(entry.base)
        digests = {file.sha256 for file in record.files}
        return record.base is None and all(
            file.sha256 is None or file.sha256 in digests for file in entry.files
        )

    def _own_file(self, name: str) -> Path | None:
        """Return the file that the user added under what is a name of the catalogue now, or None.

        A record of an older version does not say who brought it: it was the catalogue where the
        file has the name that the catalogue gives it.
        """
        entry = self.catalog.find(name)
        record = None if entry is None else self._readable_record(name)
        if entry is None or record is None:
            return None
        files = entry.files if entry.adapter is None else (entry.adapter,)
        main, added = record.files[0], record.added
        if added is None:
            added = main.name not in {file.name for file in files}
        path = self.root / name / main.name
        is_own = added and main.sha256 not in {file.sha256 for file in files}
        return path if is_own and path.is_file() else None

    def _require_not_own(self, name: str) -> None:
        """Raise InvalidModelFile where the user's own file has what is a name of the catalogue."""
        path = self._own_file(name)
        if path is not None:
            raise InvalidModelFile(
                f"The catalogue has a model '{name}' now, which {path} is not, and nothing "
                "replaces that file: to keep it, add it under another name, then remove it here "
                f"with: miro-edge models remove {name}"
            )

    def _base_of_student(self, name: str) -> str | None:
        """Return the base of a student of the catalogue, or None for all other models."""
        entry = self.catalog.find(name)
        return None if entry is None else entry.base

    def needing(self, name: str) -> tuple[str, ...]:
        """Return the names of the models here that are adapters over the model of that name."""
        return tuple(other for other in self.names() if self.base_of(other) == name)

    def base_of(self, name: str) -> str | None:
        """Return the name of the base of an adapter that is here; None for all else."""
        record = self._readable_record(name)
        return None if record is None else record.base

    def find(self, name: str) -> InstalledModel | None:
        """Return a model that is here, or None.

        A file with another date, as in a copy, is hashed. Raises InvalidModelFile where its file or
        its record was changed since it was checked, or the user added it before the catalogue had
        the name, and HashMismatch where an adapter is not the one that ships with the program.
        """
        if name not in self.names():
            self._require_not_own(name)
            return None
        entry, place = self.catalog.find(name), self._place(name)
        record = self._unchanged(name, place, self._current_record(name))
        if record.base is not None:
            return self._adapted(name, record, self._base(record.base))
        return InstalledModel(
            name=name,
            path=place / record.files[0].name,
            bytes=sum(file.bytes for file in record.files),
            sha256=record.files[0].sha256,
            licence=entry.licence if entry else _OWN_LICENCE,
            profile=entry.profile if entry else _OWN_PROFILE,
            header=record.header,
        )

    def _place(self, name: str) -> Path:
        """Return the folder of a model's own files: the adapter of a student is the program's."""
        return self.root / name if self._base_of_student(name) is None else self.catalog.adapters

    def _current_record(self, name: str) -> _Record:
        """Return the record of a model, made anew where another version brought another adapter.

        Raises InvalidModelFile and HashMismatch.
        """
        record, entry = self._record(name), self.catalog.find(name)
        if entry is None or entry.adapter is None:
            return record
        adapter = _record_of(self.catalog.adapters / entry.adapter.name, entry.adapter.sha256)
        if record.files == (adapter,) and record.base == entry.base:
            return record
        self._keep_student(entry, entry.adapter)
        return self._record(name)

    def _unchanged(self, name: str, place: Path, record: _Record) -> _Record:
        """Return the record of a model whose files, in `place`, are what they were when checked.

        Of files with other dates alone, as in a copy, it is made anew once their hashes agree.
        Raises InvalidModelFile.
        """
        files = tuple(_record_of(place / file.name, file.sha256) for file in record.files)
        for now, then in zip(files, record.files, strict=True):
            path = place / now.name
            if now != then and (now.bytes != then.bytes or sha256_of(path) != then.sha256):
                raise InvalidModelFile(
                    f"{path} was changed since it was checked. "
                    f"Check it with: miro-edge models verify {name}"
                )
        if files != record.files:
            record = record.model_copy(update={"files": files})
            with suppress(OSError):  # a home that cannot be written to: then each time
                self._write(name, record)
        return record

    def _adapted(self, name: str, record: _Record, base: InstalledModel) -> InstalledModel:
        """Return a base with the adapter of a record over it."""
        entry, adapter = self.catalog.find(name), record.files[0]
        return replace(
            base,
            name=name,
            bytes=base.bytes + adapter.bytes,
            sha256=adapter.sha256,
            licence=entry.licence if entry else _OWN_LICENCE,
            profile=entry.profile if entry else base.profile,
            adapter=self._place(name) / adapter.name,
        )

    def _base(self, name: str) -> InstalledModel:
        """Return the model that an adapter is applied to. Raises UnknownModel."""
        base = self.find(name)
        if base is None:
            raise self._no_base(name)
        return base

    def _no_base(self, name: str) -> UnknownModel:
        known = self.catalog.find(name) is not None
        return UnknownModel(
            f"The adapter needs the model '{name}', which is not on this machine. "
            f"Get it: miro-edge models {'pull' if known else 'add'} {name}"
        )

    def resolve(self, name_or_path: str) -> InstalledModel | None:
        """Return a model by name, or by the path of a GGUF file; None for one yet to be pulled.

        Raises UnknownModel, InvalidModelFile.
        """
        found = self.find(name_or_path)
        if found is not None or self.catalog.find(name_or_path) is not None:
            return found
        path = _existing(name_or_path)
        if path is None:
            known = (*(entry.name for entry in self.catalog.models), *self.names())
            raise UnknownModel(unknown_model(name_or_path, known))
        header = read_header(path)
        if header.kind == "adapter":
            raise InvalidModelFile(
                f"{path} is an adapter, not a whole model. Say of which: "
                f"miro-edge models add NAME {path} --base MODEL"
            )
        return InstalledModel(
            name=path.stem,
            path=path,
            bytes=path.stat().st_size,
            sha256=None,
            licence=_OWN_LICENCE,
            profile=_OWN_PROFILE,
            header=header,
        )

    def without_download(self, entry: CatalogEntry) -> InstalledModel | None:
        """Return a model for which nothing has to be downloaded, or None.

        That is one that is here, and a student whose base is. Raises InvalidModelFile and
        HashMismatch.
        """
        found = self.find(entry.name)
        if found is not None or entry.base is None or self.find(entry.base) is None:
            return found
        return self.keep(entry)

    def keep(self, entry: CatalogEntry) -> InstalledModel:
        """Record that the files of a model are here and have the hashes that `entry` gives.

        The adapter of a student is checked now. Raises HashMismatch.
        """
        if entry.adapter is not None:
            self._keep_student(entry, entry.adapter)
        else:
            digests = {file.name: file.sha256 for file in entry.files if file.sha256 is not None}
            self._keep_own(entry.name, digests, added=False)
        return self._found(entry.name)

    def _keep_own(
        self, name: str, digests: dict[str, str], base: str | None = None, *, added: bool
    ) -> None:
        """Record files in a model's own folder; those that only its record before had go."""
        folder, before = self.root / name, self._readable_record(name)
        self._keep(name, folder, digests, base, added=added)
        kept = {file.casefold() for file in digests}  # a disk may not tell capital letters apart
        for file in () if before is None else before.files:
            if file.name.casefold() not in kept:
                (folder / file.name).unlink(missing_ok=True)

    def _keep_student(self, entry: CatalogEntry, adapter: ShippedAdapter) -> None:
        """Check the adapter of a student, and record that it is here. Raises HashMismatch."""
        place = self._place(entry.name)
        self._require_bytes(entry.name, place / adapter.name, adapter.sha256)
        self._keep(entry.name, place, {adapter.name: adapter.sha256}, entry.base, added=False)

    def add(self, name: str, path: Path, base: str | None = None) -> InstalledModel:
        """Copy a user's own GGUF file into the store, linking where the disk allows it.

        A LoRA adapter needs the name of the model that it is applied to, its `base`. Under the
        name of a catalogue model only the very file of the catalogue is taken. Raises ModelError
        for a name that is taken, InvalidModelFile, HashMismatch and UnknownModel.
        """
        self.check_new_name(name)
        self._require_fit(path, base)
        entry = self.catalog.find(name)
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        copy = folder / (entry.files[0].name if entry else f"{name}.gguf")
        draft = folder / f"{name}.draft"
        draft.unlink(missing_ok=True)
        try:
            _link_or_copy(path, draft)
            digest = sha256_of(draft)
            if entry is not None and digest != entry.files[0].sha256:
                raise HashMismatch(
                    f"{path} is not the file that the catalogue calls '{name}'. "
                    "Add it under another name."
                )
            draft.replace(copy)
        finally:
            draft.unlink(missing_ok=True)
        self._keep_own(name, {copy.name: digest}, base, added=entry is None)
        return self._found(name)

    def _require_fit(self, path: Path, base: str | None) -> None:
        """Raise InvalidModelFile where a file is no adapter of `base`, or needs one."""
        header = read_header(path)
        if header.kind == "adapter" and base is None:
            raise InvalidModelFile(
                f"{path} is an adapter: say with --base which model it is applied to."
            )
        if base is None:
            return
        if header.kind != "adapter":
            raise InvalidModelFile(f"{path} is a whole model: add it without --base.")
        under = self._base(base)
        if (
            under.header is None
            or under.adapter
            or under.header.architecture != header.architecture
        ):
            raise InvalidModelFile(
                f"{path} is an adapter for the architecture {header.architecture or 'unknown'}, "
                f"which '{base}' is not. Name the model that it was made for."
            )

    def check_new_name(self, name: str) -> None:
        """Raise ModelError where a file cannot be added under that name."""
        if not _NAME.fullmatch(name):
            raise ModelError(
                f"'{name}' cannot be the name of a model. "
                "Use letters, digits, dots, dashes and underscores, a letter or digit first."
            )
        if name in self.names() or self._own_file(name) is not None:
            raise ModelError(f"There is a model '{name}' already. Choose another name.")
        known = (*self._folders(), *(model.name for model in self.catalog.models))
        for other in known:
            if other != name and other.casefold() == name.casefold():
                raise ModelError(
                    f"'{name}' is the model '{other}' on a disk that does not tell capital letters "
                    "from small ones. Choose another name."
                )
        entry = self.catalog.find(name)
        if entry is not None and (len(entry.files) != 1 or entry.files[0].sha256 is None):
            raise ModelError(
                f"'{name}' is the name of a catalogue model that can only be pulled. "
                f"Choose another name, or pull it: miro-edge models pull {name}"
            )

    def verify(self, name: str, report: Callable[[int], None] | None = None) -> InstalledModel:
        """Hash the files of a model again; a file that is wrong takes the model out of the store.

        An adapter is hashed, then its base. Raises UnknownModel where it is not here, HashMismatch
        and InvalidModelFile.
        """
        if name not in self.names():
            self._require_not_own(name)
            raise self._not_usable(name)
        place = self._place(name)
        try:
            record = self._current_record(name)
            digests = {file.name: file.sha256 for file in record.files}
            for file, digest in digests.items():
                self._require_bytes(name, place / file, digest, report)
        except HashMismatch:
            (self.root / name / _RECORD).unlink()
            raise
        self._keep(name, place, digests, record.base, added=record.added)
        if record.base is not None:
            if record.base not in self.names():
                self._require_not_own(record.base)
                raise self._no_base(record.base)
            done = sum(file.bytes for file in record.files)
            self.verify(record.base, report and (lambda more: report(done + more)))
        return self._found(name)

    def _not_usable(self, name: str) -> UnknownModel:
        """Return what to say of a model that is not here, or not as the catalogue has it now."""
        if name not in self.begun() or self.catalog.find(name) is None:
            return _not_here(name)
        return UnknownModel(
            f"What is on this machine of the model '{name}' is not the whole of what the catalogue "
            f"says that it is. Get it: miro-edge models pull {name}"
        )

    def _require_bytes(
        self, name: str, path: Path, digest: str, report: Callable[[int], None] | None = None
    ) -> None:
        """Raise HashMismatch where a file of a model is not what it has to be."""
        if path.is_file() and sha256_of(path, report) == digest:
            return
        if self._base_of_student(name) is not None:
            raise HashMismatch(
                f"{path} is not the adapter that ships with this version of miro-edge. "
                "Install miro-edge again."
            )
        again = f"pull {name}" if self.catalog.find(name) is not None else f"add {name} PATH"
        raise HashMismatch(
            f"{path} is not the file that was checked before. "
            f"Get it again: miro-edge models {again}"
        )

    def remove(self, name: str) -> None:
        """Delete a model and what is left of interrupted downloads of it. Raises UnknownModel."""
        self.require_here(name)
        folder = self.root / name
        shutil.rmtree(folder.resolve())  # it may lie on another disk, where only a link is here
        if folder.is_symlink():
            folder.unlink()

    def require_here(self, name: str) -> None:
        """Raise UnknownModel where there is nothing of a model, not even a part of a download."""
        if not _NAME.fullmatch(name) or name not in self._folders():
            raise _not_here(name)

    def bytes_of(self, name: str) -> int:
        """Return the bytes that the files of a model and of its base take, checked or not.

        Of a model that was only begun it is what there is of it, without its base.
        """
        own = size_of(self.root / name)
        if name not in self.names():
            return own
        entry = self.catalog.find(name)
        shipped = 0 if entry is None or entry.adapter is None else entry.adapter.bytes
        base = self.base_of(name)
        return own + shipped + (0 if base is None else self.bytes_of(base))

    def _record(self, name: str) -> _Record:
        path = self.root / name / _RECORD
        try:
            return _Record.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise InvalidModelFile(
                f"{path}, the record of the model '{name}', is damaged. "
                f"Remove the model and get it again: miro-edge models remove {name}"
            ) from error

    def _readable_record(self, name: str) -> _Record | None:
        """Return the record of a model, or None where there is none or it is damaged."""
        try:
            return self._record(name)
        except (FileNotFoundError, InvalidModelFile):
            return None

    def _keep(
        self,
        name: str,
        place: Path,
        digests: dict[str, str],
        base: str | None = None,
        *,
        added: bool | None,
    ) -> None:
        """Record files of a model that were just checked, the main one first; they lie in `place`.

        `base` is the model that an adapter is applied to.
        """
        main = place / next(iter(digests))
        record = _Record(
            files=tuple(_record_of(place / file, digest) for file, digest in digests.items()),
            header=read_header(main) if main.suffix == ".gguf" else None,
            base=base,
            added=added,
        )
        self._write(name, record)

    def _write(self, name: str, record: _Record) -> None:
        with whole_file(self.root / name / _RECORD) as file:
            file.write(record.model_dump_json(indent=1))

    def _found(self, name: str) -> InstalledModel:
        """Return a model that was just recorded."""
        found = self.find(name)
        assert found is not None
        return found


def _not_here(name: str) -> UnknownModel:
    return UnknownModel(f"The model '{name}' is not on this machine. See: miro-edge models list")


def _existing(path: str) -> Path | None:
    """Return the path as one where something is, or None."""
    try:
        there = Path(path).expanduser()
        return there if there.exists() else None
    except (OSError, RuntimeError, ValueError):  # too long, no such user, a null byte
        return None


def _record_of(path: Path, digest: str) -> _FileRecord:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return _FileRecord(name=path.name, bytes=-1, modified=-1, sha256=digest)
    return _FileRecord(name=path.name, bytes=stat.st_size, modified=stat.st_mtime_ns, sha256=digest)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)
