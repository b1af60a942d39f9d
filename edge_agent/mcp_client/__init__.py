"""Tools of other programs: servers that speak the Model Context Protocol, and what they offer."""
