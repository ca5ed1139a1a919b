"""modplural as pip installs it, from a wheel and editable: what is shipped, and whether the harness finds it.

Each installation goes into an environment of its own that borrows the packages of the running one, so nothing
is downloaded. One look of the harness at its task folders takes ten seconds or more, so there are few here.
"""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="hatchling builds the wheel; it comes with the extra `test`")

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("plural_tasks", "community_lms", "model_wrappers", "task_configs")
HOOK_FILES = ("_modplural_autoload.py", "modplural.pth", "modplural.start")


def call(*command: object, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command away from the source tree and from this process' Python settings."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "MODPLURAL"))}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=inherited | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def succeed(*command: object, cwd: Path, **environ: str) -> str:
    done = call(*command, cwd=cwd, **environ)
    assert done.returncode == 0, f"{done.args}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Environment:
    """A virtual environment, with the folder that its commands run in."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        return self.folder / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"

    def call(self, *arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
        return call(self.python, *arguments, cwd=self.folder, **environ)

    def succeed(self, *arguments: object, **environ: str) -> str:
        return succeed(self.python, *arguments, cwd=self.folder, **environ)

    def pip(self, *arguments: object) -> str:
        """Run the borrowed pip, which acts on this environment."""
        return self.succeed("-m", "pip", "--disable-pip-version-check", *arguments)


def borrowing_environment(folder: Path) -> Environment:
    """Make an environment with links to the running one's packages, except modplural and .pth files."""
    venv.create(folder, symlinks=True)
    environment = Environment(folder)
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        ours = "modplural" in entry.name or entry.name in PACKAGES
        if not ours and entry.suffix != ".pth" and entry.name != "__pycache__":
            (environment.site_packages / entry.name).symlink_to(entry)
    return environment


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-cache-dir")
    succeed(*pip, "--wheel-dir", folder, ROOT, cwd=folder)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module", params=["wheel", "editable"])
def installed(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    """modplural installed one way or the other; uninstalled at the end, which must leave nothing behind."""
    environment = borrowing_environment(tmp_path_factory.mktemp(request.param) / "venv")
    before = set(environment.site_packages.iterdir())
    what = [wheel] if request.param == "wheel" else ["--no-build-isolation", "--editable", ROOT]
    environment.pip("install", "--no-deps", *what)
    yield environment
    environment.pip("uninstall", "--yes", "modplural")
    left = {path for path in set(environment.site_packages.iterdir()) - before if path.name != "__pycache__"}
    assert left == set()
    assert environment.call("-c", "pass").stderr == ""


def source_files() -> set[str]:
    """Everything in the four folders that is not made by running them."""
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts}


def test_the_wheel_holds_the_packages_with_their_data_and_the_hook(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == source_files() | set(HOOK_FILES)
    assert any(name.startswith("task_configs/") and name.endswith(".yaml") for name in names)
    assert any(name.endswith(".json") for name in names)


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    [entry_points] = [name for name in archive.namelist() if name.endswith("/entry_points.txt")]
    text = archive.read(entry_points).decode()
    assert "[lm_eval.models]\nmodplural = model_wrappers.lm:ModPluralLM\n" in text
    assert "[console_scripts]\nmodplural = model_wrappers.cli:main\n" in text
    assert any(name.endswith("/licenses/LICENSE") for name in archive.namelist())


def test_the_sdist_can_build_the_wheel_and_run_the_tests(tmp_path: Path) -> None:
    succeed(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path, cwd=ROOT)
    [built] = tmp_path.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "Makefile",
        "constraints.txt",
        "tests/test_autoload.py",
    }
    assert needed | source_files() | {f"hooks/{name}" for name in HOOK_FILES} <= names


def test_the_harness_finds_the_tasks(installed: Environment) -> None:
    output = installed.succeed("-m", "lm_eval", "validate", "--tasks", "plural")
    assert "All tasks found and valid" in output


@pytest.mark.parametrize("installed", ["wheel"], indirect=True)  # the slowest of the commands: once is enough
def test_the_harness_lists_the_tasks(installed: Environment) -> None:
    rows = installed.succeed("-m", "lm_eval", "ls", "tasks").splitlines()
    assert any(row.replace("|", " ").split()[:1] == ["plural"] for row in rows)


SHOW = """
from lm_eval.models import MODEL_MAPPING
from lm_eval.api.registry import model_registry
from lm_eval.tasks import _index
import json, pathlib, sys
folders = []
_index.TaskIndex._iter_yaml_files = staticmethod(lambda root: folders.append(root) or [])
_index.TaskIndex.build([pathlib.Path(_index.__file__).parent])
light = "torch" not in sys.modules and "model_wrappers" not in sys.modules
print(json.dumps({"model": "modplural" in model_registry, "folders": len(folders), "light": light}))
"""


def test_the_model_is_registered_when_the_harness_models_are(installed: Environment) -> None:
    assert json.loads(installed.succeed("-c", SHOW)) == {"model": True, "folders": 2, "light": True}


def test_the_model_class_is_the_one_that_was_announced(installed: Environment) -> None:
    code = "from lm_eval.api.registry import get_model; print(get_model('modplural'))"
    assert "model_wrappers.lm.ModPluralLM" in installed.succeed("-c", code)


def test_the_hook_can_be_switched_off(installed: Environment) -> None:
    shown = json.loads(installed.succeed("-c", SHOW, MODPLURAL_NO_HOOK="1"))
    assert shown == {"model": False, "folders": 1, "light": True}


def test_starting_python_prints_nothing(installed: Environment) -> None:
    done = installed.call("-I", "-c", "import sys; print('_modplural_autoload' in sys.modules)")
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_the_command_is_installed(installed: Environment) -> None:
    assert "modplural" in succeed(installed.folder / "bin" / "modplural", "--help", cwd=installed.folder)
