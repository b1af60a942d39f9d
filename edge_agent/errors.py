"""The agent's own errors; models and index have theirs."""

from __future__ import annotations


class AgentError(Exception):
    """Something that ends a run or a command; the message says what to do next."""


class RunError(AgentError):
    """A run is not in the store, or the store cannot be written."""


class ToolboxError(AgentError):
    """The tools that were chosen for a run cannot be had together, or not at all."""


class AttachmentError(AgentError):
    """Files that a question was asked about cannot be searched."""


class ProfileError(AgentError):
    """A profile is unknown or says something that cannot be carried out."""


class ConfigError(AgentError):
    """The settings cannot be read or written, or one cannot have the value that it was given."""


class EvaluationError(AgentError):
    """A set of questions cannot be read, or an evaluation not be made, gone on with or shown."""
