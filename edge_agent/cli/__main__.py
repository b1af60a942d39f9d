"""Lets `python -m edge_agent.cli` stand for the command."""

from edge_agent.cli import main

main()
