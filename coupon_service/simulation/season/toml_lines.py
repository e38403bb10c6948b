"""On which line each table and key of a TOML text stands; `tomllib` does not tell.

Only for texts that `tomllib` has parsed: this reads the outline and relies on its being valid.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]

# Strings and comments first, so that brackets, `=` and line ends inside them do not count.
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|[\n\[\]{}=]"
    r"|[^\s\"'#\[\]{}=]+"
    r"|[^\S\n]+",
    re.DOTALL,
)


@dataclass(frozen=True)
class LineIndex:
    """Lines by path, e.g. `("campaigns", 3, "face_fen")`; the fourth table of an array is 3."""

    lines: dict[Path, int]

    def line_of(self, *path: str | int) -> int:
        """The line of that key, or of the nearest table around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def index_lines(text: str) -> LineIndex:
    """Index a text that `tomllib` accepts."""
    lines: dict[Path, int] = {}
    sizes: dict[Path, int] = {}
    table: Path = ()
    for line, statement in _statements(text):
        if statement[0] == "[":
            is_array = statement[1] == "["
            edge = 2 if is_array else 1
            parents, last = _keys("".join(statement[edge:-edge]))
            table = (*_resolve((), parents, sizes), last)
            if is_array:
                sizes[table] = sizes.get(table, 0) + 1
                table = (*table, sizes[table] - 1)
            lines.setdefault(table, line)
        else:
            parents, last = _keys("".join(statement[: statement.index("=")]))
            lines[(*table, *parents, last)] = line
    return LineIndex(lines)


def _statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """The statements: headers and assignments, as tokens, each with the line it begins on."""
    line, begun, depth = 1, 1, 0
    tokens: list[str] = []
    for match in _TOKEN.finditer(text + "\n"):
        token = match.group()
        if token == "\n" and depth == 0:
            if tokens:
                yield begun, tokens
            tokens = []
        elif not token.isspace() and not token.startswith("#"):
            if not tokens:
                begun = line
            tokens.append(token)
            depth += (token in "[{") - (token in "]}")
        line += token.count("\n")


def _keys(raw: str) -> tuple[tuple[str, ...], str]:
    """The parts of a dotted key, quoted or bare, as `tomllib` reads them; the last one apart."""
    parts: list[str] = []
    node: Any = tomllib.loads(f"{raw} = 0")
    while isinstance(node, dict):
        ((part, node),) = node.items()
        parts.append(part)
    return tuple(parts[:-1]), parts[-1]


def _resolve(path: Path, parts: tuple[str, ...], sizes: dict[Path, int]) -> Path:
    """Follow header parts; inside an array of tables they mean its latest table."""
    for part in parts:
        path = (*path, part)
        if path in sizes:
            path = (*path, sizes[path] - 1)
    return path
