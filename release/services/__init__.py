"""Writes of releases, by noun: drafts, reviews, publications, policies and targets."""
