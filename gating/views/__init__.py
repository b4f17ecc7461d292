"""Pages of gating: the portal, asking, the queue of those who decide, and the keeping of gates."""
