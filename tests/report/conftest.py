"""All kinds of documents as files."""

import pytest
import report_documents as documents


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """Name → file, one document of every kind. Tests that change one take a copy."""
    folder = tmp_path_factory.mktemp("documents")
    with pytest.MonkeyPatch.context() as patch:
        made = {
            "latency": documents.latency(patch, peers=(30.0,)),
            "video": documents.video(patch, slow_ms=60.0),
            "memory": documents.memory(),
            "accuracy": documents.accuracy(),
            "emulation": documents.emulation(),
            "estimate": documents.estimate(),
            "parity": documents.comparison(),
            "files": documents.files(),
        }
    return {name: documents.write(folder / f"{name}.json", result) for name, result in made.items()}
