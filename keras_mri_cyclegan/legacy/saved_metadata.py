"""Config in the `keras_metadata.pb` of a SavedModel, read without the classes that wrote it."""

NODES = 1  # SavedMetadata.nodes
NODE_ID, IDENTIFIER, METADATA = 2, 4, 5  # SavedObject, as of Keras 2.5


def root(data: bytes) -> bytes | None:
    """Return the JSON of the model itself, the object 0; `None` if there is none.

    Args:
        data: The file.

    Raises:
        ValueError: It ends too early.
    """
    for number, node in _fields(data):
        if number == NODES and isinstance(node, bytes):
            fields = dict(_fields(node))
            if fields.get(NODE_ID, 0) == 0:
                metadata = fields.get(METADATA)
                return metadata if isinstance(metadata, bytes) else None
    return None


def _fields(data: bytes) -> list[tuple[int, int | bytes]]:
    """Return the fields of a protocol buffer message: numbers and bytes, by field number."""
    found: list[tuple[int, int | bytes]] = []
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(data, at)
            found.append((number, value))
            continue
        if wire == 2:
            size, at = _varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if at + size > len(data):
            raise ValueError("a field ends beyond the file")
        found.append((number, data[at : at + size]))
        at += size
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("a number ends beyond the file")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
    raise ValueError("a number of more than ten bytes")
