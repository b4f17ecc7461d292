"""Checks on chat templates, wherever they are stored."""

from weights.findings import Check, Severity

TP_PARSE = Check(
    "TP-PARSE",
    Severity.BLOCK,
    "Chat template that does not parse",
    "The template is not valid Jinja, or is too large or too deeply nested to be parsed.",
    "Repair the template.",
)
TP_SSTI = Check(
    "TP-SSTI",
    Severity.BLOCK,
    "Chat template that reaches into Python",
    "The template uses names, attributes, filters or computed subscripts that lead out of the conversation and into "
    "the "
    "interpreter. Servers that render it without a sandbox run its author's code.",
    "Remove the construct; a chat template needs messages, tools and plain text functions only.",
    "CVE-2024-34359; CVE-2026-5760",
)
TP_FILE = Check(
    "TP-FILE",
    Severity.BLOCK,
    "Chat template that loads another",
    "The template includes, imports or extends another file.",
    "Write the template in one piece.",
)
TP_DOS = Check(
    "TP-DOS",
    Severity.BLOCK,
    "Chat template that can exhaust its reader",
    "The template loops, repeats or pads by a very large number.",
    "Remove the construct.",
    "CWE-400",
)
TP_POISON = Check(
    "TP-POISON",
    Severity.WARN,
    "Chat template that adds text under a condition on what users say",
    "The template tests the content of a message and then writes an address or an instruction into the prompt, or it "
    "holds "
    "invisible characters. Models can be turned against their users this way with their weights untouched.",
    "Have a person read the template; remove the text.",
    "Pillar Security, poisoned chat templates, 2025",
)
TP_DIFFER = Check(
    "TP-DIFFER",
    Severity.WARN,
    "Two chat templates that differ",
    "The checkpoint has a chat template in two places with different content, and which one is used depends on the "
    "loader.",
    "Keep one, or make them equal.",
)
