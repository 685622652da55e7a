"""Bytes that several cores pack, and that every gzip unpacks."""

import gzip
import io
import itertools
import zlib

import numpy as np
import pytest

from keras_mri_cyclegan.volumes import packing

PARTS = [np.random.default_rng(k).integers(0, 9, 50_000, "uint8").tobytes() for k in range(40)]


def packed(parts):
    file = io.BytesIO()
    packing.write_packed(file, parts)
    return file.getvalue()


@pytest.mark.parametrize("count", [0, 1, 40])
def test_gzip_unpacks_it(count):
    assert gzip.decompress(packed(PARTS[:count])) == b"".join(PARTS[:count])


def test_it_is_one_member_as_simple_readers_expect():
    reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
    assert reader.decompress(packed(PARTS)) == b"".join(PARTS)
    assert reader.eof
    assert not reader.unused_data


def test_it_is_as_small_as_by_one_core():
    whole = gzip.compress(b"".join(PARTS), packing.LEVEL)
    assert len(packed(PARTS)) < 1.01 * len(whole)


def test_equal_bytes_make_equal_files():
    assert packed(PARTS) == packed(iter(PARTS))


def test_few_parts_are_in_memory_at_once(monkeypatch):
    file, ahead = io.BytesIO(), []
    monkeypatch.setattr(packing, "MOST_THREADS", 2)

    def parts():
        for made in itertools.count(1):
            ahead.append(made * len(PARTS[0]) - len(gzip_so_far(file)))
            if made > len(PARTS):
                return
            yield PARTS[made - 1]

    packing.write_packed(file, parts())
    assert max(ahead) <= 5 * len(PARTS[0])


def gzip_so_far(file):
    return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(file.getvalue())


def test_an_error_of_a_part_is_raised():
    def parts():
        yield PARTS[0]
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        packed(parts())
