"""Contract tests over every backend, and geometry against closed forms."""
