"""The protocol's views, by noun: each reads its request, calls a selector or service, and writes the Hub's JSON."""
