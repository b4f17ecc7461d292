"""The Xet formats: hashes, xorbs and shards, read as the untrusted bytes that they are. Pure."""
