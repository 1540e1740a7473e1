"""Making it: one small contract for first frames and clips, and the backends behind it."""
