"""The database backend starts without its search for a library of maps."""

import importlib
import inspect
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatsite import gisless


def test_the_backend_believes_that_there_is_none() -> None:
    assert isinstance(sys.modules[gisless.ASKED], gisless._NotThere)
    with pytest.raises(ImproperlyConfigured, match="does not use GDAL"):
        importlib.import_module("django.contrib.gis.gdal")
    from django_mongodb_backend import features

    assert features.GISFeatures.__module__ == "django_mongodb_backend.features"


def test_those_who_walk_through_all_modules_are_not_disturbed() -> None:
    assert inspect.getmodule(gisless.answer_no) is gisless
    assert not hasattr(sys.modules[gisless.ASKED], "__file__")
