"""Where things lie on this machine: models, libraries, runs and saved prefixes."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from edge_agent.errors import ConfigError

HOME_VARIABLE = "MIRO_EDGE_HOME"
_IGNORE_FILE = ".miro-edge-ignore"
"""What `edge_agent.index` calls it, which takes long to load and is not always needed."""
_OWN = """\
# What miro-edge keeps here is no document: there are keys in it, and it changes all the time.
/config.toml*
/evaluations/
/evaluations.*
/libraries/
/models/
/prefixes/
/runs.*
/tuning.json*
/web/
"""


def typed_path(typed: str | Path) -> Path:
    """Return the path that somebody typed, where `~` is a home.

    As in a shell it is taken as it stands where there is no such home; then nothing is there.
    """
    try:
        return Path(typed).expanduser()
    except RuntimeError:
        return Path(typed)


def _say_that_it_is_ours(file: Path) -> None:
    """Write the ignore file of a home, unless there is one, whosever it is."""
    with suppress(OSError):
        if not (file.exists() and file.stat().st_size):  # a full disk has left an empty one
            file.write_text(_OWN, encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Home:
    """The one folder that holds everything miro-edge keeps."""

    root: Path

    @classmethod
    def from_environment(cls) -> Home:
        """Return the folder named by MIRO_EDGE_HOME, or the platform's data folder.

        Where there is none it is made, for its owner alone: questions and documents lie in it. A
        file in it says that it is not to be read where a folder around it is.
        Raises ConfigError where it would lie in the home of a user who has none, or is a file.
        """
        named = os.environ.get(HOME_VARIABLE)
        try:
            root = Path(named).expanduser() if named else platformdirs.user_data_path("miro-edge")
        except RuntimeError as error:
            raise ConfigError(
                f"There is no home folder{f' for {named}' if named else ''}, so there is no place "
                f"to keep anything. Set the environment variable {HOME_VARIABLE} to a folder."
            ) from error
        try:
            root.mkdir(mode=0o700, parents=True)
        except (FileExistsError, NotADirectoryError) as error:
            if not root.is_dir():
                raise ConfigError(
                    f"{root} cannot be a folder: there is a file. Set the environment variable "
                    f"{HOME_VARIABLE} to a folder."
                ) from error
        except OSError:
            pass  # whoever writes to it says what is wrong
        _say_that_it_is_ours(root / _IGNORE_FILE)
        return cls(root)

    @property
    def models(self) -> Path:
        """Model files, one folder a model."""
        return self.root / "models"

    @property
    def libraries(self) -> Path:
        """Libraries, one folder a library."""
        return self.root / "libraries"

    @property
    def runs(self) -> Path:
        """The run store, one SQLite file."""
        return self.root / "runs.db"

    @property
    def evaluations(self) -> Path:
        """The store of evaluations, one SQLite file; their rows lie in a folder beside it."""
        return self.root / "evaluations.db"

    @property
    def config(self) -> Path:
        """The settings that commands read their defaults from, one TOML file."""
        return self.root / "config.toml"

    @property
    def tuning(self) -> Path:
        """What was measured to suit each model on this machine, one JSON file."""
        return self.root / "tuning.json"

    @property
    def web(self) -> Path:
        """What the web has said: a folder with one SQLite file, `cache.db`."""
        return self.root / "web"

    @property
    def prefixes(self) -> Path:
        """Decoded system prompts, one state file a fingerprint."""
        return self.root / "prefixes"
