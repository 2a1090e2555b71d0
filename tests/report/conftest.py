"""All kinds of documents as files."""

import pytest
import report_documents as documents


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Name → file, one document of every kind."""
    made = {
        "latency": documents.latency(monkeypatch, peers=(30.0,)),
        "video": documents.video(monkeypatch, slow_ms=20.0),
        "memory": documents.memory(),
        "accuracy": documents.accuracy(),
        "emulation": documents.emulation(),
        "estimate": documents.estimate(),
        "parity": documents.comparison(),
        "files": documents.files(),
    }
    return {name: documents.write(tmp_path / f"{name}.json", result) for name, result in made.items()}
