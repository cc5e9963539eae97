"""What chatsite/handler.py follows by hand is what it was read from."""

import hashlib
import inspect
from collections.abc import Callable
from typing import Any, Final

import pytest
from django.core.handlers.asgi import ASGIHandler

READ: Final = {
    "__call__": "f756809e9c9308dcccb78a301fccf09196e80cdc4745690f80384d09b69dd102",
    "handle": "98faeb5bef800331e6a8002fbc96b30e4122a23438ae45a047190a531ea11323",
    "listen_for_disconnect": "c729aa315c734f98cc8a6460d75adcae548e97549b6600388666fbbf6fcba2a9",
    "run_get_response": "0234ea5fe09a577785a5f895752910cbb439f5e28ebb53bdd27247251c00e6ef",
    "read_body": "cf4aa904631d5410206f1a6b12ef0c74e99e4bd7313232c8e61f7a09a66a95e1",
    "create_request": "5eae59c6696013ffad47c3c05da5820dc7e17b2a3c8a09f59e12fd9bede5dc4f",
    "send_response": "77eda2b08689b44ee277c936092bde02e50f84727f7398480a127e7e9e1dad06",
}
"""Method -> the sum of its source, as read when the handler was written or last compared."""


@pytest.mark.parametrize("method", READ)
def test_django_handles_a_request_as_it_did(method: str) -> None:
    found: Callable[..., Any] = getattr(ASGIHandler, method)
    source = hashlib.sha256(inspect.getsource(found).encode()).hexdigest()
    assert source == READ[method], (
        f"Django changed how it handles a request ({method}): compare chatsite/handler.py, "
        "then renew this sum"
    )
