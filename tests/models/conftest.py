from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def smollm2():
    return Path("/tmp/m/smollm2-135m.gguf")
