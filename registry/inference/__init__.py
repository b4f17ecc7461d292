"""Smoke inference as background work: the register of devices, the way to one that fits, the run there, the record."""
