"""Text formats of an evaluation: plain text, Markdown and CSV."""

import csv
import io
import math
import os
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from keras_mri_cyclegan._endings import check_ending
from keras_mri_cyclegan.volumes.atomic import replacing

WIDTH = 100  # characters of a printed line
MISSING = "-"
ARROWS = {"higher": " ↑", "lower": " ↓", "": ""}


def plain_text(evaluation: Any) -> str:
    """Return the tables for a terminal: the interval below each mean, at most 100 wide."""
    lines = []
    for title, rows, columns in _tables(evaluation):
        label = max(map(len, rows))
        blocks: list[list] = [[]]
        for column in columns:
            width = label + sum(2 + _width(cells) for _, cells in blocks[-1])
            if blocks[-1] and width + 2 + _width(column[1]) > WIDTH:
                blocks.append([])
            blocks[-1].append(column)
        lines.append(title)
        for block in blocks:
            lines += ["", *_plain_block(rows, block, label)]
        lines += ["", ""]
    closing = [textwrap.fill(note, WIDTH) for note in (_legend(evaluation), *evaluation.notes)]
    return "\n".join(line.rstrip() for line in (*lines, *closing))


def markdown(evaluation: Any) -> str:
    """Return the tables as Markdown: mean and interval in a cell."""
    lines = []
    for title, rows, columns in _tables(evaluation):
        heads = [f"{column.title}{ARROWS[column.better]}" for column, _ in columns]
        lines += [f"**{title}**", "", _markdown_line(["", *heads])]
        lines.append(_markdown_line(["---"] + ["---:"] * len(heads)))
        for index, row in enumerate(rows):
            cells = [" ".join(filter(None, cells[1 + index])) for _, cells in columns]
            lines.append(_markdown_line([row, *cells]))
        lines.append("")
    lines += [_legend(evaluation), ""]
    return "\n".join([*lines, *(f"- {note}" for note in evaluation.notes)]).rstrip() + "\n"


def csv_of_means(evaluation: Any) -> str:
    """Return a line for each number."""
    head = ["direction", "from", "to", "row", "region", "metric", "better"]
    lines: list[list] = [[*head, "mean", "low", "high", "images"]]
    better = {column.name: column.better for column in evaluation.columns}
    for (direction, row, region, metric), score in evaluation.scores.items():
        key = [direction, *_from_to(evaluation, direction), row, region, metric, better[metric]]
        numbers = [_exact(value) for value in (score.mean, score.low, score.high)]
        lines.append([*key, *numbers, int(score.counted.sum())])
    return _csv(lines)


def csv_of_images(evaluation: Any) -> str:
    """Return a line for each image and row, with a column for each metric."""
    measures = list(dict.fromkeys(key[2:] for key in evaluation.scores))
    names = [metric if region == "whole" else f"{metric}_mask" for region, metric in measures]
    lines: list[list] = [["direction", "from", "to", "row", "image", "group", *names]]
    for direction, row in dict.fromkeys(key[:2] for key in evaluation.scores):
        found = [evaluation.scores.get((direction, row, *measure)) for measure in measures]
        for image in range(evaluation.images):
            group = "" if evaluation.groups is None else evaluation.groups[image]
            values = ["" if score is None else _exact(score.values[image]) for score in found]
            names_of = _from_to(evaluation, direction)
            lines.append([direction, *names_of, row, image, group, *values])
    return _csv(lines)


def saved(text: str, path: str | os.PathLike | None, kind: str, ending: str) -> str:
    """Return a text, and write it if a path is given, whose ending must fit the format."""
    if path is not None:
        check_ending("path", path, kind, ending)
        # The line ends are those of the text, on every system.
        with replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as f:
            f.write(text)
    return text


def title_of(names: Sequence[str], direction: str, region: str) -> str:
    """Return the title of a table: "T1 to T2, whole image"."""
    source, target = names if direction == "ab" else names[::-1]
    return f"{source} to {target}, {'whole image' if region == 'whole' else 'inside the mask'}"


def _tables(evaluation: Any) -> Iterator[tuple[str, list[str], list[tuple]]]:
    """Yield the title, the rows, and for each column its head and two lines for each row."""
    for direction, region in dict.fromkeys((key[0], key[2]) for key in evaluation.scores):
        here = [key for key in evaluation.scores if (key[0], key[2]) == (direction, region)]
        rows = list(dict.fromkeys(key[1] for key in here))
        shown = {key[3] for key in here}
        columns = []
        for column in (column for column in evaluation.columns if column.name in shown):
            scores = [evaluation.scores.get((direction, row, region, column.name)) for row in rows]
            cells = [_cell(score, column.digits) for score in scores]
            columns.append((column, [(column.title, ""), *cells]))
        title = f"{title_of(evaluation.names, direction, region)}, {evaluation.images} pairs"
        yield title, rows, columns


def _plain_block(rows: list[str], block: list[tuple], label: int) -> list[str]:
    lines = []
    for index, name in enumerate(["", *rows]):
        cells = [(cells[index], _width(cells)) for _, cells in block]
        if index and all(cell[0] == MISSING for cell, _ in cells):
            continue
        lines.append(name.ljust(label) + "".join(f"  {cell[0]:>{width}}" for cell, width in cells))
        if any(cell[1] for cell, _ in cells):
            lines.append(" " * label + "".join(f"  {cell[1]:>{width}}" for cell, width in cells))
    return lines


def _width(cells: list[tuple[str, str]]) -> int:
    return max(len(line) for cell in cells for line in cell)


def _cell(score: Any, digits: int) -> tuple[str, str]:
    """Return the texts of mean and interval."""
    if score is None or math.isnan(score.mean):
        return MISSING, ""
    if math.isnan(score.low):
        return f"{score.mean:.{digits}f}", ""
    return f"{score.mean:.{digits}f}", f"[{score.low:.{digits}f}, {score.high:.{digits}f}]"


def _legend(evaluation: Any) -> str:
    parts = ["Mean over the images"]
    if evaluation.resamples:
        drawn = "images" if evaluation.groups is None else "groups"
        parts[0] += (
            f" and its {100 * evaluation.confidence:g} % bootstrap interval ({evaluation.resamples}"
            f" draws of {drawn})"
        )
    for better in ("higher", "lower"):
        titles = [column.title for column in evaluation.columns if column.better == better]
        if titles:
            parts.append(f"{better.capitalize()} is better: {', '.join(titles)}")
    return ". ".join(parts) + "."


def _from_to(evaluation: Any, direction: str) -> list[str]:
    return list(evaluation.names if direction == "ab" else evaluation.names[::-1])


def _markdown_line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _exact(value: float) -> str:
    return "" if math.isnan(value) else repr(float(value))


def _csv(lines: list[list]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(lines)
    return file.getvalue()
