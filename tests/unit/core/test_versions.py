import platform
from importlib.metadata import version

from clinnlp.core.versions import package_versions


def test_python_and_installed_packages_are_named_others_left_out():
    found = package_versions(("numpy", "no-such-package"))
    assert found == {"python": platform.python_version(), "numpy": version("numpy")}
