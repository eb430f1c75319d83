"""Chooses what to install, and refuses lists of packages that would be ignored. Usage: plan.py APP_DIR ENV_DIR PYTHON_VERSION

Prints one fact per line: a word, a tab and a value.
  plan        requirements | project | build | nothing   what to install
  hash        digest of everything that decides the result; equal digests promise an equal environment
  env         digest of the variables; wheels that pip built with other variables are not reused
  unkeyed     reason why the digest does not cover the result; then the environment is never reused
  local       path of a package of the app; pip must not take it from its cache
  dependency  one requirement of pyproject.toml
  warn        message
  refuse      message, a tab, hint
"""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from requirements import Facts, exists, look_at_requirement, look_at_settings, read_project, read_requirements, read_text  # noqa: E402

# The tool that wrote each file, and the command that converts it to requirements.txt.
LOCKFILES = {
    "poetry.lock": ("Poetry", "poetry export -f requirements.txt -o requirements.txt"),
    "uv.lock": ("uv", "uv export --no-dev --no-emit-project -o requirements.txt"),
    "pdm.lock": ("PDM", "pdm export --prod -o requirements.txt"),
    "Pipfile.lock": ("Pipenv", "pipenv requirements > requirements.txt"),
    "Pipfile": ("Pipenv", "pipenv lock && pipenv requirements > requirements.txt"),
    "pylock.toml": ("a lockfile tool", "uv export --no-dev --no-emit-project -o requirements.txt"),
    "environment.yml": ("conda", "pip list --format=freeze > requirements.txt"),
    "environment.yaml": ("conda", "pip list --format=freeze > requirements.txt"),
}
# Settings of the builder that pip and compilers read.
READ_BY_PIP = re.compile(r"^(PIP_.*|(https?|no|all)_proxy|SSL_CERT_.*|CC|CXX|CFLAGS|LDFLAGS)$", re.I)


def is_conda(facts, name):
    return re.search(rb"(?m)^dependencies:", read_text(os.path.join(facts.app, name))) is not None


def lockfiles(facts):
    found = [name for name in LOCKFILES if exists(facts, name) and (not name.startswith("environment.") or is_conda(facts, name))]
    return [name for name in found if not (name == "Pipfile" and "Pipfile.lock" in found)]


def refuse_lockfile(facts, name):
    tool, command = LOCKFILES[name]
    facts.say(
        "refuse",
        f"the packages of this app are in {name} ({tool}), and this buildpack cannot install from there.\t"
        f"Write them to requirements.txt with: {command}; commit and push again.",
    )


def choose_plan(facts):
    found = lockfiles(facts)
    if exists(facts, "requirements.txt"):
        for name in found:
            facts.say("warn", f"{name} is not read, because requirements.txt lists the packages.")
        read_requirements(facts, "requirements.txt", facts.app, set())
        return "requirements" if facts.has_requirement else "nothing"
    if found:
        refuse_lockfile(facts, found[0])
        return "nothing"
    return choose_project_plan(facts)


def choose_project_plan(facts):
    document = read_project(facts)
    project = document.get("project")
    tool = document.get("tool") if isinstance(document.get("tool"), dict) else {}
    poetry = tool.get("poetry") if isinstance(tool.get("poetry"), dict) else {}
    dependencies = poetry.get("dependencies")
    if isinstance(dependencies, dict) and any(name.lower() != "python" for name in dependencies):
        facts.say(
            "refuse",
            "the packages of this app are under tool.poetry.dependencies in pyproject.toml, and this buildpack cannot install from there.\t"
            "Write them to requirements.txt with: poetry export -f requirements.txt -o requirements.txt; commit and push again.",
        )
        return "nothing"
    if not isinstance(project, dict) or "dependencies" in (project.get("dynamic") or []):
        if isinstance(project, dict) or exists(facts, "setup.py", "setup.cfg"):
            facts.say("unkeyed", "it installs the app's own source")
            return "build"
        return "nothing"
    warn_about_version(facts, "pyproject.toml", str(project.get("requires-python") or ""))
    listed = [item for item in project.get("dependencies") or [] if isinstance(item, str)]
    for item in listed:
        look_at_requirement(facts, item, False)
        facts.say("dependency", item)
    return "project" if listed else "nothing"


def warn_about_python(facts):
    """On Heroku these files choose the Python. Slipway always uses the Python of the stack."""
    for name, pattern in (("runtime.txt", r"^python-([0-9.]+)"), (".python-version", r"^([0-9.]+)")):
        if not exists(facts, name):
            continue
        lines = [line.strip() for line in read_text(os.path.join(facts.app, name))[:4096].decode("utf-8", "replace").splitlines()]
        wanted = next((line for line in lines if line and not line.startswith("#")), "")
        match = re.match(pattern, wanted)
        version = match[1].strip(".") if match else wanted[:40]
        if not f"{facts.version}.".startswith(f"{version}."):
            facts.say("warn", f"{name} asks for Python {version}, but the stack has only Python {facts.version}. The build uses this one.")


def warn_about_version(facts, name, specifier):
    numbers = lambda text: [int(part) for part in re.findall(r"\d+", text)]
    have = numbers(facts.version)
    for part in specifier.split(","):
        match = re.match(r"^\s*(>=|<=|==|!=|~=|>|<)\s*([0-9.]+?)(\.\*)?\s*$", part)
        if not match:
            continue
        operator, want = match[1], numbers(match[2])
        same = have[: len(want)] == want
        padded = want + [0] * (len(have) - len(want))
        is_met = {
            ">=": have >= padded, "<=": have <= padded or same, ">": have > padded, "<": have < padded,
            "==": same, "!=": not same, "~=": have >= padded and have[: len(want) - 1] == want[:-1],
        }[operator]
        if not is_met:
            facts.say("warn", f"{name} asks for Python {specifier.strip()}, but the stack has only Python {facts.version}. The build uses this one.")
            return


def read_config(folder):
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return {name: read_text(os.path.join(folder, name)).decode("utf-8", "surrogateescape") for name in names}


def main():
    app, env_folder, version = sys.argv[1:4]
    builder_env = {name: value for name, value in os.environ.items() if READ_BY_PIP.match(name)}
    facts = Facts(os.path.realpath(app), builder_env, read_config(env_folder), version)
    # An install script may read any variable.
    for name, value in sorted(facts.env.items()):
        facts.cover("env", name, value)
    env_digest = facts.digest.hexdigest()[:32]
    for name in ("plan.py", "requirements.py", "python.sh"):
        facts.cover(read_text(os.path.join(os.path.dirname(os.path.abspath(__file__)), name)))
    warn_about_python(facts)
    plan = choose_plan(facts)
    if plan != "nothing":
        look_at_settings(facts)
    facts.cover("plan", plan)
    print("\n".join([f"plan\t{plan}", f"env\t{env_digest}", f"hash\t{facts.digest.hexdigest()[:32]}", *facts.lines]))


main()
