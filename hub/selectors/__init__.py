"""Reads of the protocol, always for a caller: a repository with what they may know of it, its files, its lists."""
