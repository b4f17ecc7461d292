"""Content that arrives by Xet: leave to send, xorbs, shards from which files are rebuilt, and what is left over."""
