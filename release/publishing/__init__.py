"""Publication to a Hub-speaking target: private, read back digest by digest, made visible, read back again."""
