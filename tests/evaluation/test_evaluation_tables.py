import csv
import io
import json
import os

import numpy as np
import pytest

import keras_mri_cyclegan as kmc

ROWS = ["copy the input", "best intensity curve", "model", "the truth"]


@pytest.fixture(scope="module")
def table():
    t1, t2 = kmc.datasets.load_phantom(slices=4, size=32)
    made = {"ab": t2 + 0.1, "ba": t1 - 0.2}
    names = ("T1", "T|2")
    return kmc.evaluate(made, t1, t2, mask=t2 > -0.9, names=names, groups=["p", "p", "q", "r"])


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_every_number(table):
    lines = read(table.to_csv())
    assert len(lines) == len(table.scores)
    for line in lines:
        key = (line["direction"], line["row"], line["region"], line["metric"])
        score = table.scores[key]
        assert float(line["mean"]) == score.mean
        assert float(line["low"]) == score.low
        assert float(line["high"]) == score.high
        assert int(line["images"]) == 4
        assert (line["from"], line["to"]) == (("T1", "T|2") if key[0] == "ab" else ("T|2", "T1"))


def test_csv_of_each_image(table):
    lines = read(table.to_csv(per_image=True))
    assert len(lines) == 2 * 4 * 4
    for line in lines:
        row, image, direction = line["row"], int(line["image"]), line["direction"]
        assert line["group"] == "ppqr"[image]
        for column, region in (("mae", "whole"), ("mae_mask", "mask")):
            if row == "the truth":
                assert line[column] == ""
            else:
                score = table.score("mae", row, direction, region)
                assert float(line[column]) == score.values[image]
        assert float(line["displacement"]) >= 0
    assert "displacement_mask" not in lines[0]


def test_dictionary_is_json(table):
    found = json.loads(json.dumps(table.to_dict(per_image=True), allow_nan=False))
    assert found["names"] == ["T1", "T|2"]
    assert found["groups"] == ["p", "p", "q", "r"]
    entry = found["scores"]["ba"]["model"]["mask"]["psnr"]
    score = table.score("psnr", "model", "ba", "mask")
    assert (entry["mean"], entry["low"], entry["high"]) == (score.mean, score.low, score.high)
    assert entry["values"] == score.values.tolist()
    assert "values" not in table.to_dict()["scores"]["ab"]["model"]["whole"]["psnr"]


def test_what_does_not_exist_is_none():
    t1, t2 = (images[:1] for images in kmc.datasets.load_phantom(slices=4, size=32))
    table = kmc.evaluate(-t1, t1, t2, metrics=("mae",))
    entry = table.to_dict()["scores"]["ab"]["model"]["whole"]["mae"]
    assert entry["low"] is None
    assert read(table.to_csv())[0]["low"] == ""


def test_an_infinite_score_is_none_in_json_and_inf_in_csv():
    t1, t2 = kmc.datasets.load_phantom(slices=2, size=32)
    table = kmc.evaluate(t2, t1, t2, metrics=("psnr",))  # without any error
    entry = table.to_dict(per_image=True)["scores"]["ab"]["model"]["whole"]["psnr"]
    assert (entry["mean"], entry["values"]) == (None, [None, None])
    json.dumps(table.to_dict(per_image=True), allow_nan=False)
    (line,) = (line for line in read(table.to_csv()) if line["row"] == "model")
    assert line["mean"] == "inf"


def test_markdown(table):
    text = table.to_markdown()
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("| ")]
    assert len(blocks) == 4
    assert text.count("**T1 to T|2, whole image, 4 pairs**") == 1
    assert text.count("**T|2 to T1, inside the mask, 4 pairs**") == 1
    for block in blocks:
        assert {line.count("|") for line in block} == {block[0].count("|")}
    assert [line.split(" | ")[0][2:] for line in blocks[0][2:]] == ROWS
    score = table.score("psnr")
    cell = blocks[0][4].split(" | ")[1]
    assert cell == f"{score.mean:.2f} [{score.low:.2f}, {score.high:.2f}]"
    assert "PSNR (dB) ↑" in blocks[0][0]
    assert "MAE ↓" in blocks[0][0]
    assert text.endswith("\n")


def test_markdown_of_a_name_with_a_bar():
    table = kmc.evaluate({"a|b": -T1}, T1, -T1, metrics=("mae",), baselines=())
    assert "\n| a\\|b | 0.0000" in table.to_markdown()


def test_printed(table):
    text = str(table)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    assert all(line == line.rstrip() for line in lines)
    assert text.isascii()
    start = lines.index("T1 to T|2, whole image, 4 pairs")
    head, copy, interval = lines[start + 2 : start + 5]
    score = table.score("psnr", "copy the input")
    end = head.index("PSNR (dB)") + len("PSNR (dB)")
    assert copy.startswith("copy the input ")
    assert copy[:end].endswith(f" {score.mean:.2f}")
    assert interval[:end].endswith(f" [{score.low:.2f}, {score.high:.2f}]")
    assert "95 % bootstrap interval (1000 draws of groups)" in text.replace("\n", " ")


def test_repr_is_short(table):
    assert repr(table).startswith("<Evaluation of 4 pairs, rows ['copy the input'")
    assert len(repr(table)) < 150
    assert len(repr(table.score("psnr"))) < 100


def test_without_intervals():
    t1, t2 = kmc.datasets.load_phantom(slices=4, size=32)
    table = kmc.evaluate(-t1, t1, t2, metrics=("mae",), resamples=0)
    assert "[" not in str(table)
    assert "bootstrap" not in str(table)
    assert "[" not in table.to_markdown()


@pytest.mark.parametrize(
    ("method", "arguments"),
    [("to_csv", {}), ("to_csv", {"per_image": True}), ("to_markdown", {})],
)
def test_files(table, tmp_path, method, arguments):
    path = tmp_path / "table.txt"
    path.write_text("old")
    text = getattr(table, method)(path, **arguments)
    assert path.read_bytes().decode("utf-8") == text == getattr(table, method)(**arguments)
    assert os.listdir(tmp_path) == ["table.txt"]
    with pytest.raises(ValueError, match="missing"):
        getattr(table, method)(tmp_path / "missing" / "table.txt", **arguments)


def test_no_such_number(table):
    with pytest.raises(ValueError, match=r"no 'psnr' of 'mine'.*'copy the input'"):
        table.score("psnr", "mine")
    with pytest.raises(ValueError, match="`region`"):
        table.score("psnr", region="brain")


T1 = np.linspace(-1, 1, 2 * 32 * 32).reshape(2, 32, 32, 1).astype("float32")
MASK = np.ones((2, 32, 32, 1), bool)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"a": T1[:1]}, "must be pairs"),
        ({"a": T1 * 100}, "`data_range` is 2, and"),
        ({"mask": MASK[..., 0]}, r"`mask` must be boolean.*`mask\[..., None\]`"),
        ({"mask": MASK.astype("float32")}, "`mask` must be boolean"),
        ({"mask": ~MASK}, "`mask` is empty"),
        ({"groups": ["p"]}, "patient of each of the 2 images"),
        ({"groups": [0.5, 1.0]}, "patient of each of the 2 images"),
        ({"names": "T1"}, "`names`"),
        ({"directions": ()}, "`directions`"),
        ({"directions": ("ab", "ab")}, "`directions`"),
        ({"directions": "a"}, "`directions` must be one of"),
        ({"directions": "ba", "model": {"ab": T1}}, "asks for ba"),
        ({"metrics": "psnr"}, "`metrics` must be a list"),
        ({"metrics": ()}, "`metrics` must be a list"),
        ({"metrics": ("dice",)}, "`metrics` must hold"),
        ({"baselines": ("best",)}, "`baselines` must be one of"),
        ({"baselines": (), "model": None}, "nothing to score"),
        ({"baselines": "truth", "model": None, "metrics": ["psnr"]}, "nothing to score"),
        ({"curve_pairs": T1}, "`curve_pairs`"),
        ({"curve_pairs": (T1, T1[:1])}, "`curve_pairs`"),
        ({"confidence": 0}, "`confidence` must be above 0"),
        ({"confidence": 1}, "`confidence` must be at least 0 and below 1"),
        ({"resamples": -1}, "`resamples`"),
        ({"seed": None}, "`seed`"),
        ({"batch_size": 0}, "`batch_size`"),
        ({"data_range": None}, "`data_range`"),
        ({"model": {}}, "`model` as a dictionary"),
        ({"model": {"the truth": T1}}, "reserved names"),
        ({"model": {"mine": {"AB": T1}}}, "translations by direction"),
        ({"model": T1[:1]}, "must have the shape of the truth"),
        ({"model": T1 * np.nan}, "NaN"),
        ({"model": "model.keras"}, "Load it first"),
        ({"model": {"ab": "model.keras"}}, "must hold floating"),
        ({"model": {"ab": lambda x: x[:1]}}, "must have the shape of the truth"),
    ],
)
def test_wrong_arguments(arguments, message):
    given = {"model": -T1, "a": T1, "b": -T1, **arguments}
    with pytest.raises(ValueError, match=message):
        kmc.evaluate(**given)


def test_warns_of_images_in_0_1():
    with pytest.warns(UserWarning, match=r"pass `data_range=1\.0`") as caught:
        kmc.evaluate(0.5 + T1 / 2, 0.5 + T1 / 2, 0.5 - T1 / 2, metrics=("mae",))
    assert __file__ in {warning.filename for warning in caught}
