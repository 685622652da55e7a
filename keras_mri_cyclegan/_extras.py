"""Packages that only some parts of the library need."""

import importlib
from types import ModuleType


def require(module_name: str, extra: str) -> ModuleType:
    """Import a package that the library does not install by itself.

    Args:
        module_name: The module to import, for example `"tensorflow"`.
        extra: The extra of `keras-mri-cyclegan` that installs it.

    Returns:
        The module.

    Raises:
        ImportError: The package is not installed; the message says how to install it. A package
            that is installed and fails to import keeps its own error.
    """
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        package = module_name.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise  # installed, but one of its own dependencies is missing
        raise ImportError(
            f"This needs {package}, which is not installed. Install it with "
            f'`pip install "keras-mri-cyclegan[{extra}]"`.',
            name=error.name,
        ) from error
