"""Check prose for the words that docs/glossary.md lists as terms to avoid.

Usage: python -m tools.check_terms [PATH …]

Prints `path:line: word → replacement` for each hit and exits with 1 if there is any.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "docs" / "glossary.md"

#: What is checked without arguments: files and folders, relative to the repository.
TREES = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "roles",
    "playbooks",
    "services",
    "molecule",
    "docs",
    "justfile",
    "app",
    "templates",
    "bench",
    "testing",
    "tests",
    "tools",
)
#: Generated files: their text is checked in the code.
GENERATED = re.compile(
    r"docs/reference/(?!api\.md).*|roles/[^/]+/README\.md|.*requirements\.txt"
    r"|app/web/docs/.*"
)
#: Folders with files of other projects, and with compiled files.
FOREIGN = re.compile(r"(^|/)(__pycache__|node_modules)/")
SUFFIXES = {".md", ".py", ".yml", ".j2", ".sh", ".html", ".toml", ".ini", ""}

TABLE = re.compile(
    r"^\| avoid \| write \| except \|\n\|[-|]+\n((?:\|.*\n)+)", re.MULTILINE
)

#: Parts of a file that are not prose, by format.
CODE_OF_MARKDOWN = re.compile(
    r"^(?P<fence>```+|~~~+).*?^(?P=fence)"
    # A block that is indented. Within a paragraph or a list, it is not code.
    r"|(?<=\n\n)(?:(?: {4}|\t)[^\n]*\n)+"
    r"|(?P<ticks>`+)[^`](?:(?!\n\n).)*?(?P=ticks)"
    r"|\]\([^)]*\)|<https?:[^>]*>|<!--.*?-->",
    re.DOTALL | re.MULTILINE,
)
CODE_OF_YAML = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|`[^`\n]*`", re.DOTALL)
CODE_OF_HTML = re.compile(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}|<[^>]*>", re.DOTALL)
SENTENCE = re.compile(r'"[^"\n]*\s[^"\n]*"')


@dataclass(frozen=True)
class Term:
    """A word to avoid, and its replacement."""

    word: str
    instead: str
    pattern: re.Pattern[str]


@dataclass(frozen=True)
class Hit:
    """A word that was found in a file."""

    line: int
    term: Term


def terms(glossary: str) -> list[Term]:
    """Read the table of terms to avoid from the glossary's text."""
    table = TABLE.search(glossary)
    if table is None:
        raise SystemExit(f"{GLOSSARY}: the table of terms to avoid is missing")
    rows = (row.strip("|\n").split("|") for row in table[1].splitlines())
    return [_term(*(cell.strip() for cell in row)) for row in rows]


def _term(word: str, instead: str, exceptions: str) -> Term:
    # An exception consumes its match, and group 1 stays empty.
    allowed = "".join(f"{_spaced(e)}|" for e in exceptions.split(", ") if e)
    # A hyphen makes another word, like `ill-formed`; a dot or a slash makes a path.
    pattern = rf"(?<![\w./-])(?:{allowed}({_spaced(word)}))(?![\w/-])"
    return Term(word, instead, re.compile(pattern, re.IGNORECASE))


def _spaced(words: str) -> str:
    """Return a pattern in which a space also matches a line break."""
    return r"\s+".join(re.escape(word) for word in words.split(" "))


def hits(path: Path, text: str, avoid: list[Term]) -> list[Hit]:
    """Find the terms in the prose of a file, by its format."""
    prose = _prose(path, text)
    found = (
        Hit(prose.count("\n", 0, match.start()) + 1, term)
        for term in avoid
        for match in term.pattern.finditer(prose)
        if match[1]
    )
    return sorted(found, key=lambda hit: (hit.line, hit.term.word))


def _prose(path: Path, text: str) -> str:
    """Blank everything but the prose, so that line numbers stay the same."""
    if path.suffix == ".md":
        return CODE_OF_MARKDOWN.sub(_blank, TABLE.sub(_blank, text))
    if path.suffix == ".py":
        return _prose_of_python(text)
    if path.suffix == ".html":
        return CODE_OF_HTML.sub(_keep_sentences, text)
    # Remove the comment signs: a comment may continue in the next line.
    return re.sub(
        r"^(\s*)#", r"\1 ", CODE_OF_YAML.sub(_blank, text), flags=re.MULTILINE
    )


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", "\0", match[0])


def _keep_sentences(match: re.Match[str]) -> str:
    """Blank a tag or a template's expression, except for sentences in quotes."""
    kept = list(_blank(match))
    for sentence in SENTENCE.finditer(match[0]):
        kept[sentence.start() : sentence.end()] = sentence[0]
    return "".join(kept)


def _prose_of_python(text: str) -> str:
    """Return comments, docstrings, `help=` texts, errors, and the names of tests."""
    lines = [""] * (text.count("\n") + 2)
    tree = ast.parse(text)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            lines[token.start[0]] = token.string.lstrip("#:")
    for test in _tests(tree):
        lines[test.lineno] = test.name.replace("_", " ")
    for node in _strings(tree):
        for number, line in enumerate(str(node.value).splitlines(), node.lineno):
            lines[min(number, node.end_lineno or number)] += f" {line}"
    return re.sub(r"`[^`\n]*`", _blank, "\n".join(lines[1:]))


def _tests(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node


def _strings(tree: ast.Module) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str()) as text):
                yield text
            case ast.keyword(arg="help", value=value) | ast.Raise(exc=value) if value:
                yield from _constants(value)


def _constants(node: ast.AST) -> Iterator[ast.Constant]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part


def files(trees: list[Path]) -> Iterator[Path]:
    """Yield the files with prose in these trees, except generated ones."""
    for tree in trees:
        for path in sorted(tree.rglob("*")) if tree.is_dir() else [tree]:
            # A folder may be a link to one outside.
            if not path.is_file() or path.suffix not in SUFFIXES:
                continue
            if _checked(path.resolve().relative_to(ROOT).as_posix()):
                yield path


def _checked(name: str) -> bool:
    return GENERATED.fullmatch(name) is None and not FOREIGN.search(name)


def main() -> None:
    """Check the trees in the arguments, or all trees."""
    avoid = terms(GLOSSARY.read_text())
    trees = [Path(arg).resolve() for arg in sys.argv[1:]]
    failed = False
    for path in files(trees or [ROOT / tree for tree in TREES]):
        for hit in hits(path, path.read_text(), avoid):
            name = path.relative_to(ROOT)
            print(f"{name}:{hit.line}: {hit.term.word} → {hit.term.instead}")
            failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main()
