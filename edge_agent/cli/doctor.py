"""`miro-edge doctor`: what this machine has, what is installed, and what would not fit."""

from __future__ import annotations

import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import psutil

from edge_agent import __version__
from edge_agent.cli.output import print_json
from edge_agent.home import Home
from edge_agent.index import LibraryError, Shelf
from edge_agent.models import EngineSettings, ModelError, ModelStore, load_catalog
