"""Writes of the registry, by noun: organizations, variants, content, commits, evidence."""
