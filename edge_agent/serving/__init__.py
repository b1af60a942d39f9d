"""The agent for other programs: over an OpenAI-compatible interface, and over MCP."""
