"""Who carries and records calls: a media node with its recorder, here or in another process."""
