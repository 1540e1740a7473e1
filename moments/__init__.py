"""Bundled research: SemanticMoments, Semantic Progress, synchrony, retrieval. Imports none of ours."""
