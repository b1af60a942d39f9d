"""The terminal interface: a Textual application over the agent's events, not built yet."""
