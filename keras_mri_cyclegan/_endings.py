"""What a file's name says it holds, compared with what is written into it."""

import os

# Of files that people in this field have; a name that ends otherwise says nothing.
KNOWN = {
    ".keras": "a Keras model",
    ".h5": "HDF5",
    ".hdf5": "HDF5",
    ".onnx": "ONNX",
    ".tflite": "LiteRT",
    ".pb": "a TensorFlow graph",
    ".json": "JSON",
    ".csv": "CSV",
    ".tsv": "a table with tabs",
    ".xlsx": "an Excel sheet",
    ".md": "Markdown",
    ".npz": "NumPy arrays",
    ".npy": "a NumPy array",
    ".pkl": "a pickle",
    ".pt": "torch weights",
    ".pth": "torch weights",
    ".png": "a picture",
    ".jpg": "a picture",
    ".gif": "a picture",
    ".tif": "a picture",
    ".pdf": "a document",
    ".nii": "a NIfTI scan",
    ".gz": "packed data",
    ".mgz": "a FreeSurfer scan",
    ".dcm": "a DICOM image",
}


def check_ending(name: str, path: str | os.PathLike, written: str, *allowed: str) -> None:
    """Raise a `ValueError` if a path ends as files of another kind do.

    Args:
        name: The argument that the path was.
        path: The path.
        written: What will be in the file, for the message.
        *allowed: Endings of this kind, the usual one first.

    Example:
        >>> from keras_mri_cyclegan._endings import check_ending
        >>> check_ending("path", "preprocessing.json", "JSON", ".json")
        >>> check_ending("path", "model.keras", "JSON", ".json")
        Traceback (most recent call last):
        ...
        ValueError: `path` ends in '.keras', as a Keras model does, and JSON is written. Expected \
'.json'. Received: 'model.keras'.
    """
    given = os.fspath(path)
    ending = os.path.splitext(given)[1].lower()
    if ending in KNOWN and ending not in allowed:
        raise ValueError(
            f"`{name}` ends in {ending!r}, as {KNOWN[ending]} does, and {written} is written. "
            f"Expected {allowed[0]!r}. Received: {given!r}."
        )
