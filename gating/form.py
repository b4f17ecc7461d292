"""A gate's form: what it may ask, and whether answers answer it. Pure; every fault names its field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date

from gating.states import FieldType
from rules import Kind, Reason, Refused, Rule, Verdict
from web.countries import COUNTRIES

FIELDS = 20
OPTIONS = 100
LABEL_CHARACTERS = 200
HELP_CHARACTERS = 500
ANSWER_CHARACTERS = 2000
NAME = re.compile(r"[a-z][a-z0-9_]{0,59}", re.ASCII)
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
EARLIEST, LATEST = date(1900, 1, 1), date(2199, 12, 31)
# The word under which the acceptance of the license travels beside the answers.
LICENSE = "license"
TICKED, UNTICKED = ("on", "true", "1", "yes"), ("", "off", "false", "0", "no")
# NUL and halves of surrogate pairs cannot be stored, the other control characters would fool whoever reads an answer.
BAD_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

CORRECT = "You, by correcting the field"

ANSWER_MISSING = Rule("gating.answer_missing", '"{label}" needs an answer.', CORRECT, Kind.WHAT)
ANSWER_TOO_LONG = Rule(
    "gating.answer_too_long",
    'The answer to "{label}" has {count} characters; {limit} are allowed.',
    CORRECT,
    Kind.WHAT,
)
ANSWER_UNREADABLE = Rule("gating.answer_unreadable", 'The answer to "{label}" is no plain text.', CORRECT, Kind.WHAT)
NOT_TICKED = Rule("gating.not_ticked", '"{label}" must be ticked.', CORRECT, Kind.WHAT)
NO_SUCH_OPTION = Rule("gating.no_such_option", '"{label}" has no such choice.', CORRECT, Kind.WHAT)
NO_SUCH_COUNTRY = Rule(
    "gating.no_such_country", '"{label}" asks for a country, as its ISO 3166 code of two letters.', CORRECT, Kind.WHAT
)
NO_SUCH_DATE = Rule("gating.no_such_date", '"{label}" asks for a date that exists, as YYYY-MM-DD.', CORRECT, Kind.WHAT)
UNKNOWN_FIELD = Rule("gating.unknown_field", "The form does not ask for this.", "You, by leaving it out", Kind.WHAT)
LICENSE_NOT_TICKED = Rule(
    "gating.terms_not_accepted",
    "The license must be accepted, by the digest of the text that you read.",
    "You, by reading and accepting it",
    Kind.WHAT,
    field=LICENSE,
)
BAD_DEFINITION = Rule(
    "gating.bad_form", "The form cannot be used: {problem}.", "You, by correcting the form", Kind.WHAT, field="fields"
)


@dataclass(frozen=True, slots=True)
class FormField:
    """One question. `name` is the key of its answer, `label` what the requester reads."""

    name: str
    label: str
    type: FieldType
    required: bool = True
    help: str = ""
    options: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """The field as it is stored."""
        return asdict(self) | {"type": self.type.value, "options": list(self.options)}


def read_fields(given: object) -> tuple[FormField, ...]:
    """A form's definition from data; raises Refused with every fault of it."""
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) > FIELDS:
        raise Refused.because(BAD_DEFINITION, problem=f"it must be a list of at most {FIELDS} fields")
    faults: list[Reason] = []
    fields: list[FormField] = []
    for position, item in enumerate(given):
        try:
            fields.append(_field(item))
        except ValueError as problem:
            faults.append(BAD_DEFINITION.refuse(problem=problem, field=f"fields.{position}"))
    for what in ("name", "label"):
        said = [getattr(field, what).casefold() for field in fields]
        if len(set(said)) != len(said):
            faults.append(BAD_DEFINITION.refuse(problem=f"two fields have the same {what}"))
    Verdict(tuple(faults)).require()
    return tuple(fields)


def stored_fields(stored: Sequence[Mapping[str, object]]) -> tuple[FormField, ...]:
    """The fields of a gate version, which were checked when it was made."""
    return tuple(_field(item) for item in stored)


def check_answers(fields: Sequence[FormField], given: object) -> tuple[dict[str, object], Verdict]:
    """The answers as they are stored, and every reason against them. Unanswered optional fields are left out."""
    if not isinstance(given, Mapping):
        return {}, Verdict.of(UNKNOWN_FIELD.refuse(field="answers"))
    known = {field.name for field in fields}
    reasons = [UNKNOWN_FIELD.refuse(field=plain(str(name))[:60]) for name in given if name not in known]
    answers: dict[str, object] = {}
    for field in fields:
        answer, reason = _check(field, given.get(field.name))
        if reason is not None:
            reasons.append(reason)
        elif answer not in (None, ""):
            answers[field.name] = answer
    return answers, Verdict(tuple(reasons))


def is_plain_text(text: str) -> bool:
    """Whether a text can be stored and shown as it is."""
    return not BAD_CHARACTERS.search(text)


def plain(text: str) -> str:
    """The text with every character replaced that cannot be stored or shown as it is."""
    return BAD_CHARACTERS.sub("\ufffd", text)


def _check(field: FormField, given: object) -> tuple[object, Reason | None]:
    named = {"label": field.label, "field": field.name}
    if field.type == FieldType.CHECKBOX:
        return _check_box(field, given, named)
    if given is None or given == "":
        return None, ANSWER_MISSING.refuse(**named) if field.required else None
    if not isinstance(given, str) or not is_plain_text(given):
        return None, ANSWER_UNREADABLE.refuse(**named)
    answer = given.strip()
    if not answer:
        return None, ANSWER_MISSING.refuse(**named) if field.required else None
    if len(answer) > ANSWER_CHARACTERS:
        return None, ANSWER_TOO_LONG.refuse(**named, count=len(answer), limit=ANSWER_CHARACTERS)
    if field.type == FieldType.SELECT and answer not in field.options:
        return None, NO_SUCH_OPTION.refuse(**named)
    if field.type == FieldType.COUNTRY and answer.upper() not in COUNTRIES:
        return None, NO_SUCH_COUNTRY.refuse(**named)
    if field.type == FieldType.DATE and not _is_date(answer):
        return None, NO_SUCH_DATE.refuse(**named)
    return answer.upper() if field.type == FieldType.COUNTRY else answer, None


def _check_box(field: FormField, given: object, named: dict[str, object]) -> tuple[object, Reason | None]:
    word = given.strip().lower() if isinstance(given, str) else given
    if word is True or word in TICKED:
        return True, None
    if word in (None, False) or word in UNTICKED:
        return None, NOT_TICKED.refuse(**named) if field.required else None
    return None, ANSWER_UNREADABLE.refuse(**named)


def _is_date(answer: str) -> bool:
    if not ISO_DATE.fullmatch(answer):
        return False
    try:
        return EARLIEST <= date.fromisoformat(answer) <= LATEST
    except ValueError:
        return False


def _field(given: object) -> FormField:
    if not isinstance(given, Mapping):
        raise ValueError("a field is a mapping of name, label, type, required, help, options")
    unknown = {str(key) for key in given} - {"name", "label", "type", "required", "help", "options"}
    if unknown:
        raise ValueError(f"a field has no {', '.join(sorted(unknown))}")
    name, label, type_ = given.get("name"), given.get("label"), given.get("type")
    required, helped = given.get("required", True), given.get("help", "")
    if not isinstance(name, str) or not NAME.fullmatch(name) or name == LICENSE:
        raise ValueError("a name has 1 to 60 of a-z, 0-9 and _, begins with a letter, and is not 'license'")
    if not _is_line(label, LABEL_CHARACTERS) or not str(label).strip():
        raise ValueError(f"a label has 1 to {LABEL_CHARACTERS} characters of plain text")
    if type_ not in set(FieldType):
        raise ValueError(f"a type is one of {', '.join(FieldType)}")
    if not isinstance(required, bool):
        raise ValueError("'required' is true or false")
    if not _is_line(helped, HELP_CHARACTERS):
        raise ValueError(f"a help has at most {HELP_CHARACTERS} characters of plain text")
    options = _options(given.get("options") or [], FieldType(str(type_)))
    return FormField(name, str(label).strip(), FieldType(str(type_)), required, str(helped), options)


def _options(given: object, type_: FieldType) -> tuple[str, ...]:
    if type_ != FieldType.SELECT:
        if given:
            raise ValueError("only a select has options")
        return ()
    if not isinstance(given, Sequence) or isinstance(given, str) or not 1 <= len(given) <= OPTIONS:
        raise ValueError(f"a select has 1 to {OPTIONS} options")
    if not all(_is_line(option, LABEL_CHARACTERS) and option.strip() for option in given):
        raise ValueError(f"an option has 1 to {LABEL_CHARACTERS} characters of plain text")
    options = tuple(option.strip() for option in given)
    if len(set(options)) != len(options):
        raise ValueError("an option is given twice")
    return options


def _is_line(given: object, limit: int) -> bool:
    return isinstance(given, str) and len(given) <= limit and "\n" not in given and is_plain_text(given)
