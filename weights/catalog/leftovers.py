"""Checks on credentials, on leftovers of training, and on cards."""

from weights.findings import Check, Severity

SE_TOKEN = Check(
    "SE-TOKEN",
    Severity.BLOCK,
    "Credential in the files",
    "The text has the form of an access token, private key or password. Once published it must be taken as stolen.",
    "Revoke the credential now, then remove it from the file.",
    "CWE-798",
)
SE_FILE = Check(
    "SE-FILE",
    Severity.BLOCK,
    "File that is made to hold credentials",
    "A file of this name (`.env`, `.netrc`, `id_rsa` …) holds passwords or keys.",
    "Remove the file; revoke what is in it if it ever left the building.",
    "CWE-538",
)
LO_OPT = Check(
    "LO-OPT",
    Severity.BLOCK,
    "Training state",
    "Optimizer, scheduler, random-number or trainer state tells how the model was trained, doubles the size, and is "
    "mostly "
    "pickles.",
    "Remove the file, or save the model without training state.",
)
LO_TENSOR = Check(
    "LO-TENSOR",
    Severity.BLOCK,
    "Training state inside the weights",
    "A weight file holds optimizer moments, master weights or the like beside the model's tensors.",
    "Save the model without training state.",
)
LO_EMA = Check(
    "LO-EMA",
    Severity.WARN,
    "Averaged copy of the weights",
    "The file holds moving averages of the weights beside the weights themselves: a second model, perhaps not meant "
    "to leave.",
    "Remove one of the two, or have it accepted.",
)
LO_PATH = Check(
    "LO-PATH",
    Severity.WARN,
    "Internal path or address",
    "A path of somebody's machine, a bucket or an address inside the network tells outsiders about people and systems.",
    "Replace it by a public name.",
)
LO_RUN = Check(
    "LO-RUN",
    Severity.WARN,
    "Identifier of a training run",
    "A setting names a run, a project or a sweep of an experiment tracker. Whoever gets there sees what was tried, and "
    "the name alone tells what belongs together.",
    "Remove the setting.",
)
LO_LOG = Check(
    "LO-LOG",
    Severity.WARN,
    "Log or run record",
    "Logs and experiment records name people, hosts, data and results that were not meant to be published.",
    "Remove the file.",
)
LO_JUNK = Check(
    "LO-JUNK",
    Severity.WARN,
    "File that a tool left behind",
    "Caches, editor and desktop files tell nothing about the model and may tell something about its makers.",
    "Remove the file.",
)
LO_DATA = Check(
    "LO-DATA",
    Severity.WARN,
    "Data with personal addresses",
    "A data file lists e-mail addresses of several people.",
    "Remove the file or the addresses.",
)
MD_YAML = Check(
    "MD-YAML",
    Severity.BLOCK,
    "YAML that builds objects or explodes",
    "The text has tags that make unsafe readers create objects, very many aliases (a card's front matter: any), "
    "repeated keys, or does not parse.",
    "Write plain YAML: maps, lists, texts and numbers.",
    "CWE-502; CWE-776",
)
MD_HTML = Check(
    "MD-HTML",
    Severity.WARN,
    "Active content in the card",
    "The card has scripts, frames or event handlers. The Hub removes them; other places that show cards may not.",
    "Remove the markup.",
    "CWE-79",
)
MD_SHELL = Check(
    "MD-SHELL",
    Severity.WARN,
    "Card that has people run a script from the net",
    "A command in the text downloads something and runs it at once.",
    "Name a package or a file with its digest instead.",
)
MD_LICENSE = Check(
    "MD-LICENSE",
    Severity.WARN,
    "License in the card and license text that differ",
    "The card's metadata name one license and the license file holds the text of another.",
    "Make the two agree.",
)
MD_LINK = Check(
    "MD-LINK",
    Severity.WARN,
    "Link that leads elsewhere than it seems",
    "A link shows one site and leads to another, names a bare address, hides its host behind an `@`, or has a host of "
    "look-alike letters.",
    "Write the address out, and have it accepted with the reason.",
)
MD_HIDDEN = Check(
    "MD-HIDDEN",
    Severity.WARN,
    "Text that people do not see",
    "The card holds characters that show nothing or turn the writing around, or markup that does not show. Programs "
    "read it, people do not.",
    "Remove the characters, or show the text.",
    "CVE-2021-42574",
)
