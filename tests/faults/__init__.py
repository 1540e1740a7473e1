"""The fault matrix: every fault at every stage, what comes of it, and that nothing is lost or paid twice."""
