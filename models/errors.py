"""What can go wrong with a model; each message says what happened, to what, and what to do next."""

from __future__ import annotations


class ModelError(Exception):
    """The base of everything that models raise."""


class InvalidModelFile(ModelError):
    """A file is not a model, is cut short, or carries a chat template that cannot be read."""


class ModelLoadError(ModelError):
    """llama.cpp cannot load a model, make its context, or decode with it."""


class ContextFull(ModelError):
    """What has to go into the window does not fit."""


class GrammarError(ModelError):
    """llama.cpp does not accept a grammar."""


class UnknownModel(ModelError):
    """No model of that name is in the catalogue or the store, and no file is at that path."""


class OfflineError(ModelError):
    """A model is missing and downloads are not allowed."""


class DownloadError(ModelError):
    """No source gave a file, or there was no room for it."""


class HashMismatch(ModelError):
    """The bytes of a file are not those that were promised."""


class NotEnoughMemory(ModelError):
    """A model does not fit into the memory that is free."""


class ServerError(ModelError):
    """A model server cannot be reached, refuses, or says what no model server says."""
