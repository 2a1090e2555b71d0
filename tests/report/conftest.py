"""All kinds of documents as files."""

import other_documents
import pytest
import report_documents as documents

from redmobile.core.results import write_json


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
            "peers": other_documents.peers(),
        }
        plain = {"npu": other_documents.npu(patch, taken=False), "evaluate": other_documents.evaluation()}
    for name, document in plain.items():
        write_json(folder / f"{name}.json", document)
    return {name: documents.write(folder / f"{name}.json", result) for name, result in made.items()} | {
        name: folder / f"{name}.json" for name in plain
    }
