"""How Sphinx builds this documentation.

python -m sphinx -W --keep-going -b html docs docs/_build/html
"""

import inspect

import keras
from sphinx.util.inspect import stringify_signature

import keras_mri_cyclegan

project = "keras_mri_cyclegan"
author = "The keras_mri_cyclegan authors"
copyright = author
release = version = keras_mri_cyclegan.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
]
exclude_patterns = ["_build"]

# === Markdown ===
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

# === Docstrings ===
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = ["Input shape", "Output shape"]
autosummary_generate = False  # The pages of api/ are written by hand; the tables stand on them.
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88
add_module_names = False
toc_object_entries_show_parents = "hide"

# In docstrings `name` is code, and a link where there is something of that name to link to.
default_role = "py:obj"

# References that are written out must lead somewhere. Names in single backticks need not, and there
# is nothing to link to for what other packages define.
nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", "(?s).*"),
    (
        "py:.*",
        r"(keras|numpy|np|tensorflow|tf|torch|jax|os|pathlib|collections|typing|datetime)\..*",
    ),
    ("py:class", r"keras_mri_cyclegan\.metrics\._image_metric\.ImageMetric"),  # a base of our own
    ("py:class", r"Any|Callable|Iterable|Mapping|Path|Augmentation|optional|module"),
]

# === HTML ===
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_title = f"{project} {release}"
html_show_sourcelink = False
html_copy_source = False

_PUBLIC = [keras, keras.layers, keras.callbacks, keras.metrics, keras.optimizers, keras.utils]


def _name_bases_as_users_do(app, name, obj, options, bases):
    """Show `keras.layers.Layer`, not the private module that defines it."""
    for index, base in enumerate(bases):
        if not inspect.isclass(base):
            continue
        for module in _PUBLIC:
            if getattr(module, base.__name__, None) is base:
                bases[index] = f":py:class:`{module.__name__}.{base.__name__}`"


def _constructor_as_written(app, what, name, obj, options, signature, return_annotation):
    """Show what `__init__` takes; Keras' `__new__` takes anything."""
    if what != "class" or "__init__" not in vars(obj) or signature != "(*args, **kwargs)":
        return None
    written = inspect.signature(obj.__init__)
    without_self = written.replace(
        parameters=list(written.parameters.values())[1:],
        return_annotation=inspect.Signature.empty,
    )
    return stringify_signature(without_self, unqualified_typehints=True), None


def setup(app):
    app.connect("autodoc-process-bases", _name_bases_as_users_do)
    app.connect("autodoc-process-signature", _constructor_as_written)
