"""The rules of the registry: content, names, commits, imports. What may be disclosed is decided elsewhere."""

from __future__ import annotations

from rules import Kind, Rule

UPLOADER = "Whoever uploads, by sending the right content again"

SIZE_DIFFERS = Rule(
    "registry.size_differs",
    "The content has {received} bytes, but {announced} were announced; nothing of it was kept.",
    UPLOADER,
    Kind.WHAT,
)
HASH_DIFFERS = Rule(
    "registry.hash_differs",
    "The content's SHA-256 is {received}, but {announced} was announced; nothing of it was kept.",
    UPLOADER,
    Kind.WHAT,
)
BYTES_DIFFER = Rule(
    "registry.bytes_differ",
    "The stored bytes of “{path}” no longer have the hash {sha256}; the disk or somebody changed them.",
    "The operator, by restoring the content from a backup, or whoever uploaded it, by uploading it again",
    Kind.WHEN,
)
BAD_PATH = Rule(
    "registry.bad_path",
    "The path “{path}” is refused: {reason}",
    "Whoever uploads, by choosing another path",
    Kind.WHAT,
    field="path",
)
PATHS_COLLIDE = Rule(
    "registry.paths_collide",
    "The path “{path}” is refused: {reason}",
    "Whoever uploads, by choosing another path",
    Kind.WHAT,
    field="path",
)
CONTENT_UNKNOWN = Rule(
    "registry.content_unknown",
    "“{path}” refers to the content sha256:{sha256}, which {organization} has not uploaded.",
    "Whoever uploads, by sending the content first",
    Kind.WHAT,
)
BRANCH_MOVED = Rule(
    "registry.branch_moved",
    "The branch “{branch}” is at {head}, no longer at {expected}: somebody else committed meanwhile.",
    "You, by committing again on top of what is there now",
)
PATH_MISSING = Rule(
    "registry.path_missing",
    "A file with this name doesn't exist: “{path}”.",
    "Whoever commits, by naming a path that is there",
    Kind.MISSING,
)
REVISION_MISSING = Rule(
    "registry.revision_missing",
    "The revision “{revision}” does not exist in {repo}.",
    "Whoever asks, by naming a branch, tag or commit that is there",
    Kind.MISSING,
)
REF_TAKEN = Rule("registry.ref_taken", "Reference {ref} already exists.", "You, by choosing another name", Kind.WHEN)
BAD_REF_NAME = Rule(
    "registry.bad_ref_name",
    "“{name}” cannot name a branch or tag: use up to 200 printable characters without spaces, “..”, “~”, “^” or “:”.",
    "You, by choosing another name",
    Kind.WHAT,
)
MAIN_IS_KEPT = Rule("registry.main_is_kept", "The branch “main” cannot be deleted.", "Nobody", Kind.WHO)
NAME_TAKEN = Rule(
    "registry.name_taken", "There is a {what} named “{name}” already.", "You, by choosing another name", Kind.WHEN
)
NAME_RESERVED = Rule(
    "registry.name_reserved",
    "“{name}” is the beginning of this product's own addresses.",
    "You, by choosing another name",
    Kind.WHAT,
    field="name",
)
BAD_NAME = Rule(
    "registry.bad_name", "“{name}” is no valid name. {reason}", "You, by choosing another name", Kind.WHAT, field="name"
)
UNKNOWN = Rule("registry.unknown", "There is no {what} “{name}”.", "You, by naming one that exists", Kind.MISSING)
BAD_PROBE = Rule(
    "registry.bad_probe",
    "The probe cannot be used: {problem}.",
    "You, by sending up to 256 KiB of text, a loss above zero, and a window from 2 to 8192 tokens",
    Kind.WHAT,
    field="text",
)
LINEAGE_LOOP = Rule(
    "registry.lineage_loop",
    "{child} is already an ancestor of {parent}; a model cannot come from itself.",
    "You, by naming another parent",
    Kind.WHAT,
)
OUTSIDE_IMPORT_ROOTS = Rule(
    "registry.outside_import_roots",
    "The folder {folder} is not below an allowed root ({roots}).",
    "The operator, by adding a root to IMPORT_ROOTS",
    Kind.WHO,
)
IMPORT_LINK = Rule(
    "registry.import_link",
    "“{path}” is a link; links are never followed.",
    "Whoever imports, by putting the file itself there",
    Kind.WHAT,
)
IMPORT_SPECIAL = Rule(
    "registry.import_special",
    "“{path}” is no ordinary file.",
    "Whoever imports, by taking it out of the folder",
    Kind.WHAT,
)
IMPORT_EMPTY = Rule(
    "registry.import_empty",
    "The folder {folder} holds no file.",
    "Whoever imports, by naming another folder",
    Kind.WHAT,
)
ON_RECORD = Rule(
    "registry.on_record",
    "{repo_id} was deleted already; it is kept because downloads, grants, releases or other models on record name it.",
    "Nobody; what is on record stays",
)
