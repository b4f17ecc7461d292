"""The demonstration: an organization, its people, a family of really trained tiny models, and a drafted release.

It goes through the same services as everybody; nothing is inserted behind their back.
"""
