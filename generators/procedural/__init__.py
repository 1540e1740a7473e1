"""A renderer that knows the true motion: bodies from kinematics, ray-cast on the CPU."""
