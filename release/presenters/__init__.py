"""How releases read: states as statuses, events as sentences, and what each page shows, made of facts and verdicts."""
