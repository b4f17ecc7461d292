"""Validation of a checkpoint as background work: divided by file, each file read in a confined process, then joined."""
