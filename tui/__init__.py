"""The terminal interface: a Textual application over the same events as everything else."""
