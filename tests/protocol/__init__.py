"""Local servers that speak the vendors' protocols, and misbehave on command."""
