"""What to make: factors, rules of what goes together, and the four prompts of a triplet."""
