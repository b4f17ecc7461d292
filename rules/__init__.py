"""What every policy here is written with: rules, verdicts with all their reasons, transition tables.

Pure: no framework, no clock, no I/O. It knows nothing of models, releases or licenses.
"""

from rules.transitions import Table, Transition
from rules.verdict import Kind, Reason, Refused, Rule, Verdict

__all__ = ["Kind", "Reason", "Refused", "Rule", "Table", "Transition", "Verdict"]
