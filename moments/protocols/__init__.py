"""What is asked of vectors: retrieval, neighbours, ablations, and how sure the answers are."""
