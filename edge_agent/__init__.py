"""miro-edge: a research agent that runs on a laptop with the network cable out."""

__version__ = "0.1.0"
