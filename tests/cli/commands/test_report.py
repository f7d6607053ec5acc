import json

import pytest


def test_report_prints_its_files(vocalsep, tmp_path):
    pytest.importorskip("matplotlib")
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.json").write_text(json.dumps({"model": {"architecture": "tdt"}, "recipe": "paper"}))
    (run / "metrics.csv").write_text("epoch,step,seconds,train_loss,valid_loss\n1,10,2.5,0.9,0.8\n")
    out = tmp_path / "page"
    done = vocalsep("report", run, "-o", out)
    assert done.code == 0
    assert done.out.splitlines() == [str(out / name) for name in ("report.md", "report.html", "curves.png")]
    assert "| run | tdt | paper |" in (out / "report.md").read_text()
    assert vocalsep("report", run, "-o", out).code == 23
    assert vocalsep("report", run, "-o", out, "--overwrite").code == 0


def test_a_folder_that_is_no_run(vocalsep, tmp_path):
    pytest.importorskip("matplotlib")
    done = vocalsep("report", tmp_path, "-o", tmp_path / "page")
    assert done.code == 62
    assert f"{tmp_path} is no training run" in done.error_line
    assert vocalsep("report").code == 2
