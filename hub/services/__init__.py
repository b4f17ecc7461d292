"""Writes that come through the protocol: repositories, uploads, commits, downloads, requests for access."""
