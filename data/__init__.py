"""What a triplet is, and the edge where bytes live: video, store, shards, manifest, layouts."""
