"""Machine code of the engines: kept for the sources it was made of, and for no others."""

from pathlib import Path

from models.planning import compiled


def test_a_change_of_any_source_is_another_folder_and_takes_the_old_one_away(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "moves.py").write_text("ONE = 1")
    first = compiled.folder_for(tmp_path)
    first.mkdir(parents=True)
    assert compiled.folder_for(tmp_path) == first and first.exists()
    (tmp_path / "shop" / "moves.py").write_text("ONE = 2")
    assert compiled.folder_for(tmp_path) != first
    assert not first.exists()
