"""Checks on paths, on the kinds of files and on what the file system can do to a reader."""

from weights.findings import Check, Severity

FS_NAME = Check(
    "FS-NAME",
    Severity.BLOCK,
    "Path that could reach outside, or that does not show what it is",
    "The path is absolute, climbs with `..`, has an empty or `.` segment, a backslash, or a character that is "
    "invisible, "
    "reverses text or controls a terminal. Some client would write it somewhere else, or a reader would take it for "
    "another.",
    "Rename the file with plain, visible characters below the checkpoint's own folder.",
    "CWE-22; Unicode Technical Report 36",
)
FS_PORTABLE = Check(
    "FS-PORTABLE",
    Severity.BLOCK,
    "Path that some systems cannot hold",
    "A segment is a reserved device name (`CON`, `NUL`, `COM1` …), ends in a dot or space, or uses a character that "
    "Windows "
    "forbids. People there could not check the checkpoint out, or would open a device.",
    "Rename the file.",
    "Microsoft, Naming Files, Paths, and Namespaces",
)
FS_LONG = Check(
    "FS-LONG",
    Severity.BLOCK,
    "Path too long",
    "A segment is longer than 255 bytes or the path longer than 1024; common file systems refuse it.",
    "Use shorter names.",
)
FS_GIT = Check(
    "FS-GIT",
    Severity.BLOCK,
    "Git's own folder among the files",
    "A `.git` folder carries history, remotes and hooks; history often holds what was deleted on purpose, hooks run "
    "code.",
    "Export the files without the repository.",
    "CVE-2014-9390",
)
FS_COLLIDE = Check(
    "FS-COLLIDE",
    Severity.BLOCK,
    "Two paths that are one path elsewhere",
    "Two paths differ only in letter case or Unicode form, or one is a file where the other needs a folder. On many "
    "disks one "
    "silently replaces the other.",
    "Rename or remove one of them.",
)
FS_CONFUSABLE = Check(
    "FS-CONFUSABLE",
    Severity.WARN,
    "Name that looks like another",
    "A word in the name mixes alphabets whose letters look alike, or uses wide or mathematical letters. People and "
    "programs would take it for another file.",
    "Rename the file with letters of one alphabet.",
    "Unicode Technical Standard 39",
)
FS_LINK = Check(
    "FS-LINK",
    Severity.BLOCK,
    "Symbolic link",
    "A link is not content: it can point outside the checkpoint, and what it points to can change after the check.",
    "Replace the link by the file it points to, or remove it.",
    "CWE-59",
)
FS_SPECIAL = Check(
    "FS-SPECIAL",
    Severity.BLOCK,
    "Neither a file nor a folder",
    "A pipe, socket or device hangs or harms whoever reads it.",
    "Remove it.",
)
FS_HARDLINK = Check(
    "FS-HARDLINK",
    Severity.BLOCK,
    "File that has a name outside of the folder",
    "The file has a hard link elsewhere, so somebody can write to it there while it is being checked and published.",
    "Copy the folder before the check.",
    "CWE-62; CWE-367",
)
FS_TWIN = Check(
    "FS-TWIN",
    Severity.WARN,
    "One file under several names",
    "Two paths of the folder are hard links to one file; who writes to one writes to the other.",
    "Keep one, or make copies.",
)
FS_CHANGED = Check(
    "FS-CHANGED",
    Severity.BLOCK,
    "File that changed while it was read",
    "Size or modification time changed during the check: the digest and the findings may speak of different bytes.",
    "Check a copy that nobody writes to.",
    "CWE-367",
)
FS_COUNT = Check(
    "FS-COUNT",
    Severity.BLOCK,
    "Too many files",
    "The checkpoint has more than 100 000 files; repositories on the Hub are limited to that many.",
    "Pack small files together or leave them out.",
    "Hugging Face Hub, storage limits",
)
FS_EMPTY = Check(
    "FS-EMPTY",
    Severity.BLOCK,
    "No files at all",
    "There is nothing in the checkpoint; a copy or download that failed leaves such a folder.",
    "Copy the files again.",
)
FS_BIG = Check(
    "FS-BIG",
    Severity.WARN,
    "Very large file",
    "The file is larger than 200 GB. Clients and mirrors have trouble with it.",
    "Split the weights into shards of 5 to 50 GB.",
    "Hugging Face Hub, storage limits",
)
FS_HUGE = Check(
    "FS-HUGE",
    Severity.BLOCK,
    "File larger than the Hub accepts",
    "The file is larger than 500 GB, the hard limit of the Hub.",
    "Split the weights into shards.",
    "Hugging Face Hub, storage limits",
)
FS_SPARSE = Check(
    "FS-SPARSE",
    Severity.BLOCK,
    "File that is mostly holes",
    "The file claims far more bytes than are stored; the rest reads as zeros. It is the remains of an aborted copy, or "
    "made to exhaust whoever reads it, so it was not read.",
    "Copy the file again from its source.",
    "microsoft/BitNet issue 608; CWE-400",
)
FM_UNKNOWN = Check(
    "FM-UNKNOWN",
    Severity.BLOCK,
    "File in no recognized format",
    "The content is neither text nor any format that is known here, so nothing can be said about what it holds.",
    "Remove the file, or store its content in a known format (weights: safetensors).",
)
FM_UNINSPECTED = Check(
    "FM-UNINSPECTED",
    Severity.BLOCK,
    "Recognized format whose content is not inspected",
    "The format is known and can hold weights, code or other files, but its content is not checked here. Not checked "
    "is never "
    "a pass.",
    "Convert weights to safetensors; unpack archives.",
)
FM_FAILED = Check(
    "FM-FAILED",
    Severity.BLOCK,
    "A check that failed itself",
    "The content led one of the checks into a fault of its own, so that it came to no answer. Not checked is never a "
    "pass.",
    "Look at the file by other means before anything else, and report the fault with the file if you may.",
)
FM_LIMITS = Check(
    "FM-LIMITS",
    Severity.BLOCK,
    "Could not be checked within limits",
    "Reading the file took more time or memory than a reader is given, or ended its process. What cannot be checked is "
    "never a pass; a file made to do this is an attack on whoever opens it.",
    "Run the check again if the machine was short of memory; otherwise replace the file.",
    "CWE-400",
)
FM_MISNAMED = Check(
    "FM-MISNAMED",
    Severity.BLOCK,
    "Content that is not what the name says",
    "The extension promises one format and the content is another. Loaders and scanners choose by name, so each would "
    "see "
    "something different.",
    "Rename the file to what it is, or replace it by what the name says.",
    "CVE-2025-1889; CVE-2025-10155",
)
FM_POINTER = Check(
    "FM-POINTER",
    Severity.BLOCK,
    "Pointer instead of content",
    "The file is a Git LFS pointer: a few lines of text that name the content, which was never fetched.",
    "Run `git lfs pull`, or download the file again.",
)
FM_PAGE = Check(
    "FM-PAGE",
    Severity.BLOCK,
    "Web page instead of content",
    "The file holds HTML where weights or JSON should be; most often an error or sign-in page saved by a download.",
    "Download the file again with credentials that may read it.",
)
FM_EMPTY = Check(
    "FM-EMPTY",
    Severity.BLOCK,
    "Empty file",
    "A file that should hold weights or configuration has no content; a copy was probably cut short.",
    "Copy the file again.",
)
FM_ENCODING = Check(
    "FM-ENCODING",
    Severity.NOTE,
    "Text that is not UTF-8",
    "The text is in another encoding, and readers will show wrong characters.",
    "Save the file as UTF-8.",
)
FM_TEXT_SIZE = Check(
    "FM-TEXT-SIZE",
    Severity.BLOCK,
    "Text too large to inspect",
    "The file looks like text and is larger than what is read into memory here, so its content was not checked.",
    "Publish large text as a dataset, not inside a model's checkpoint.",
)
FM_POLYGLOT = Check(
    "FM-POLYGLOT",
    Severity.BLOCK,
    "Picture or document with something behind it",
    "The file is an image, sound or document and carries an archive or other bytes after its end, which another "
    "program would "
    "open.",
    "Save the picture again.",
)
FM_EXECUTABLE = Check(
    "FM-EXECUTABLE",
    Severity.BLOCK,
    "Executable program",
    "The file is machine code or byte code (ELF, PE, Mach-O, Java, Python byte code). A checkpoint has no need to "
    "carry any.",
    "Remove it; publish source code elsewhere.",
)
FM_XML = Check(
    "FM-XML",
    Severity.BLOCK,
    "XML with entities of its own",
    "The document declares entities. A reader that resolves them reads other files or runs out of memory.",
    "Write the document without a list of entities.",
    "CWE-611; CWE-776",
)
