"""Bundled research: SemanticMoments, the Semantic Progress Function, synchrony, retrieval. Imports none of ours."""
