"""Every Python block of the documentation runs, and prints what the page says that it prints."""

import contextlib
import io
import os
import pathlib
import re

import keras
import pytest

pytestmark = pytest.mark.usefixtures("small_networks")
DOCS = pathlib.Path(__file__).parents[1] / "docs"
# A block of code, and the block of output that may follow it.
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
PAGES = sorted(path for path in DOCS.rglob("*.md") if BLOCK.search(path.read_text("utf-8")))


@pytest.fixture
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(DOCS).as_posix())
def test_page_does_what_it_says(page, in_empty_folder):
    text = page.read_text("utf-8")
    namespace = {"__name__": "page"}
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start()) + 1
        code = compile("\n" * line + block[1], os.fspath(page), "exec")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, namespace)
        if block[2] is not None:
            assert printed.getvalue().strip() == block[2].strip(), f"{page.name}, line {line}"
