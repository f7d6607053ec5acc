"""What a release needs agrees with itself: workflows, image, recipe, versions, addresses."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from vocalsep._version import __version__

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = Path(__file__).parents[2]
WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))
METADATA = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HOME = METADATA["urls"]["Homepage"]


def workflow(name: str) -> dict:
    return yaml.safe_load((PROJECT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit_and_rights_are_few(path):
    text = path.read_text(encoding="utf-8")
    uses = re.findall(r"uses: (\S+)(.*)", text)
    assert uses
    for action, version in uses:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", version), f"{action} says no version"
    content = yaml.safe_load(text)
    assert content["permissions"] == {"contents": "read"}
    for name, job in content["jobs"].items():
        assert job["timeout-minutes"] <= 180, name


def test_one_commit_an_action():
    found: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for action, commit in re.findall(r"uses: ([^@\s]+)@(\S+)", path.read_text(encoding="utf-8")):
            found.setdefault(action, set()).add(commit)
    assert {action: commits for action, commits in found.items() if len(commits) > 1} == {}


def test_the_matrix_is_what_the_classifiers_promise():
    matrix = workflow("tests")["jobs"]["tests"]["strategy"]["matrix"]
    classified = [line.rpartition(" ")[2] for line in METADATA["classifiers"] if re.search(r":: 3\.\d+$", line)]
    assert matrix["python"] == classified
    assert {system.partition("-")[0] for system in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert METADATA["requires-python"] == f">={classified[0]}"


def test_weights_are_uploaded_before_the_extra_that_needs_them():
    jobs = workflow("release")["jobs"]
    assert jobs["publish"]["needs"] == "publish-weights"
    assert set(jobs["publish-weights"]["needs"]) == {"build", "scnet"}
    assert METADATA["optional-dependencies"]["strong"] == ["vocalsep-scnet>=1"]


def test_a_job_uploads_once():
    """The action refuses a second time: it finds the attestations of the first."""
    for name, job in workflow("release")["jobs"].items():
        uploads = [step for step in job["steps"] if "gh-action-pypi-publish" in step.get("uses", "")]
        assert len(uploads) <= 1, name


def test_what_is_built_for_another_processor_finds_one_emulated():
    for path in WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].items():
            used = [step.get("uses", "").partition("@")[0] for step in job["steps"]]
            if "docker/build-push-action" in used:
                emulator = used.index("docker/setup-qemu-action")
                assert emulator < used.index("docker/build-push-action"), name


def test_jobs_that_publish_run_for_tags_alone():
    jobs = workflow("release")["jobs"]

    def only_for_tags(name: str) -> bool:
        job = jobs[name]
        needs = job.get("needs", [])
        needs = [needs] if isinstance(needs, str) else needs
        return job.get("if") == "github.ref_type == 'tag'" or any(only_for_tags(each) for each in needs)

    for name in ("publish-weights", "publish", "hub", "notes"):
        assert only_for_tags(name), name
    for step in jobs["image"]["steps"]:
        if step.get("with", {}).get("push"):
            assert step["if"] == "github.ref_type == 'tag'"


def test_release_notes_are_those_of_the_version(tmp_path):
    command = [sys.executable, str(PROJECT / "tools" / "release_notes.py")]
    done = subprocess.run([*command, f"v{__version__}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert "\n## " not in done.stdout
    other = subprocess.run([*command, "v0.0.1"], capture_output=True, text=True)
    assert other.returncode == 1
    assert other.stderr.strip() == f"the tag is v0.0.1, and the package is {__version__}"


def test_the_version_is_the_same_everywhere():
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    recipe = yaml.safe_load((PROJECT / "recipe" / "recipe.yaml").read_text(encoding="utf-8"))
    assert citation["version"] == recipe["context"]["version"] == __version__
    assert (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8").count(f"\n## {__version__}") == 1


# names on conda-forge, where they are others than on PyPI
CONDA_NAMES = {
    "torch": "pytorch",
    "soundfile": "pysoundfile",
    "soxr": "soxr-python",
}


def test_the_recipe_has_the_dependencies_of_the_package():
    recipe = yaml.safe_load((PROJECT / "recipe" / "recipe.yaml").read_text(encoding="utf-8"))
    wanted = []
    for requirement in METADATA["dependencies"]:
        name, versions = re.fullmatch(r"([\w-]+)([^;]*)", requirement.partition(";")[0]).groups()
        wanted.append(f"{CONDA_NAMES.get(name, name)} {versions}")
    assert [line for line in recipe["requirements"]["run"] if not line.startswith("python ")] == wanted


def test_addresses_are_those_of_the_project():
    """One owner and one repository, wherever the project names itself."""
    owner, name = HOME.removeprefix("https://github.com/").split("/")
    pattern = re.compile(rf"https://(?:github\.com/([\w-]+)/{name}\b|([\w-]+)\.github\.io/{name}\b)")
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=False
    ).stdout.split("\0")
    pages = [PROJECT / file for file in files if file.endswith((".md", ".toml", ".yml", ".yaml", ".cff", ".py"))]
    if not pages:
        pytest.skip("not a checkout")
    found = {a or b for page in pages for a, b in pattern.findall(page.read_text(encoding="utf-8"))}
    assert found == {owner}


def test_the_image_copies_what_the_build_needs():
    """What .dockerignore lets in is what the Dockerfile copies, and all that the wheel is made of."""
    dockerfile = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    copied = {path for line in re.findall(r"^COPY (?!--)(.*) \S+$", dockerfile, re.M) for path in line.split()}
    ignored = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line[1:] for line in ignored if line.startswith("!")} == copied
    build = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    needed = [*build["targets"]["wheel"]["force-include"], "README.md", *METADATA["license-files"]]
    assert all(any(Path(file).is_relative_to(path) for path in copied) for file in needed)
    assert re.findall(r"^USER (\S+)", dockerfile, re.M) == ["1000"]
