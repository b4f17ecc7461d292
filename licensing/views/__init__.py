"""Pages of licensing, by what they are about."""
