import json

import pytest

from tumorboard.cli.json_output import put_json
from tumorboard.errors import InputError


def test_put_json__prints_or_writes_the_same(tmp_path, capsys):
    put_json({"dose_gy": 1.5}, "-")
    put_json({"dose_gy": 1.5}, str(tmp_path / "found.json"))
    assert (tmp_path / "found.json").read_text() == capsys.readouterr().out
    assert json.loads((tmp_path / "found.json").read_text()) == {"dose_gy": 1.5}


def test_put_json__leaves_what_was_there_where_it_cannot_write(tmp_path):
    kept = tmp_path / "found.json"
    kept.write_text("before")
    with pytest.raises(ValueError, match="JSON"):
        put_json({"dose_gy": float("nan")}, str(kept))
    assert kept.read_text() == "before"
    with pytest.raises(InputError, match="folder"):
        put_json({}, str(tmp_path / "none" / "found.json"))
    assert list(tmp_path.iterdir()) == [kept]
