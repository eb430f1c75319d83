"""Reads the requirements of an app as pip does, and adds everything that decides the result to a digest.

The digest treats a package index as constant: a name without a version is not looked up again while nothing else changes.
"""

import hashlib
import os
import re
import shlex
from urllib.parse import unquote, urlsplit

MAX_FILES = 200
MAX_LISTED_FILES = 20000
ARCHIVES = (".whl", ".zip", ".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tbz", ".tar.xz", ".txz")
# Options of a requirements file, with and without a value. pip also accepts unambiguous prefixes of the long options.
WITH_VALUE = {
    "-r": "--requirement", "-c": "--constraint", "-e": "--editable", "-f": "--find-links", "-i": "--index-url",
}
LONG_WITH_VALUE = [
    "--requirement", "--constraint", "--editable", "--find-links", "--index-url", "--pypi-url", "--extra-index-url",
    "--no-binary", "--only-binary", "--trusted-host", "--use-feature", "--hash", "--global-option", "--config-settings",
]
LONG_ALONE = ["--no-index", "--prefer-binary", "--require-hashes", "--pre"]


class Facts:
    def __init__(self, app, builder_env, config, version):
        self.app, self.config, self.version = app, config, version
        self.env = {**builder_env, **config}
        self.digest = hashlib.sha256(version.encode())
        self.lines, self.has_requirement, self.listed = [], False, 0

    def say(self, kind, value):
        line = f"{kind}\t{value}".replace("\n", " ")
        if line not in self.lines:
            self.lines.append(line)

    def cover(self, *parts):
        for part in parts:
            data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogateescape")
            self.digest.update(len(data).to_bytes(8, "big") + data)


def read_text(path):
    with open(path, "rb") as file:
        return file.read()


def decode(data):
    return data.decode("utf-8-sig", "replace") if not data.startswith((b"\xff\xfe", b"\xfe\xff")) else data.decode("utf-16", "replace")


def logical_lines(text):
    """The lines as pip reads them: joined at a backslash, without comments and blank lines."""
    held = ""
    for line in text.splitlines():
        if re.match(r"\s*#", line):
            line, is_open = "", False
        else:
            is_open = line.endswith("\\")
        held += line[:-1] if is_open else line
        if not is_open:
            cleaned = re.sub(r"(^|\s+)#.*$", "", held).strip()
            held = ""
            if cleaned:
                yield cleaned
    cleaned = re.sub(r"(^|\s+)#.*$", "", held).strip()
    if cleaned:
        yield cleaned


def expand(facts, line):
    return re.sub(r"\$\{([A-Z0-9_]+)\}", lambda match: facts.env.get(match[1]) or match[0], line)


def options_of(line):
    """The requirement at the start of a line, and its options as pairs. None if the line is invalid."""
    words = line.split(" ")
    start = next((at for at, word in enumerate(words) if word.startswith("-")), len(words))
    try:
        tokens = shlex.split(" ".join(words[start:]))
    except ValueError:
        return None
    pairs = []
    while tokens:
        token = tokens.pop(0)
        name, has_value, value = token.partition("=")
        if not token.startswith("--"):
            name, value, has_value = WITH_VALUE.get(token[:2]), token[2:], len(token) > 2
            if name is None:
                return None
        else:
            exact = name in LONG_ALONE + LONG_WITH_VALUE
            matches = [name] if exact else [one for one in LONG_ALONE + LONG_WITH_VALUE if one.startswith(name)]
            if len(matches) != 1:
                return None
            name = matches[0]
        if name in LONG_ALONE:
            pairs.append((name, ""))
            continue
        if not has_value:
            if not tokens:
                return None
            value = tokens.pop(0)
        pairs.append((name, value))
    return " ".join(words[:start]).strip(), pairs


def read_requirements(facts, path, base, seen, is_constraint=False):
    """Reads a file and the files that it includes. Paths of includes are relative to the including file."""
    full = os.path.join(base, path)
    key = (os.path.realpath(full), is_constraint)
    if key in seen:
        return
    seen.add(key)
    try:
        data = read_text(full)
    except OSError:
        # pip reports the missing file.
        facts.has_requirement = True
        return facts.say("unkeyed", f"{path} cannot be read")
    if len(seen) > MAX_FILES:
        return facts.say("unkeyed", "it includes too many files")
    facts.cover("file", os.path.relpath(full, facts.app), data)
    for line in logical_lines(decode(data)):
        parsed = options_of(expand(facts, line))
        if parsed is None:
            facts.has_requirement = True
            facts.say("unkeyed", f"a line of {path} cannot be parsed")
            continue
        requirement, pairs = parsed
        if requirement:
            facts.has_requirement |= not is_constraint
            look_at_requirement(facts, requirement, any(name == "--hash" for name, _ in pairs))
        for name, value in pairs:
            look_at_option(facts, name, value, full, seen)


def look_at_option(facts, name, value, file, seen):
    folder = os.path.dirname(file)
    if name in ("--requirement", "--constraint"):
        if re.match(r"(https?|file):", value, re.I):
            facts.has_requirement |= name == "--requirement"
            return facts.say("unkeyed", "it includes a file from another server")
        return read_requirements(facts, value, folder, seen, name == "--constraint")
    if name == "--editable":
        facts.has_requirement = True
        return facts.say("unkeyed", "it installs the app's own source (editable)")
    if name in ("--find-links", "--index-url", "--pypi-url", "--extra-index-url"):
        look_at_links(facts, value, folder)


def look_at_links(facts, value, folder):
    """A folder or page with packages. If it is a part of the app, the digest covers it."""
    if re.match(r"https?:", value, re.I):
        return
    path = unquote(urlsplit(value).path) if value.lower().startswith("file:") else value
    beside = os.path.join(folder, path)
    # pip uses the folder beside the file if it exists, and else the folder below the root of the app.
    cover_tree(facts, beside if os.path.exists(beside) else os.path.join(facts.app, path))


def cover_tree(facts, path):
    facts.say("local", os.path.relpath(path, facts.app))
    if os.path.isfile(path):
        if path.endswith((".html", ".htm")):
            facts.say("unkeyed", "a page of links can refer to any file")
        return cover_file(facts, path)
    for folder, folders, files in os.walk(path, followlinks=False):
        folders.sort()
        if any(os.path.islink(os.path.join(folder, name)) for name in folders):
            facts.say("unkeyed", "a folder of packages contains a symbolic link to a folder")
        for name in sorted(files):
            facts.listed += 1
            if facts.listed > MAX_LISTED_FILES:
                return facts.say("unkeyed", "a folder of packages contains too many files")
            cover_file(facts, os.path.join(folder, name))


def cover_file(facts, path):
    try:
        digest = hashlib.sha256()
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        facts.cover("file", os.path.relpath(path, facts.app), digest.digest())
    except OSError:
        facts.say("unkeyed", f"{os.path.relpath(path, facts.app)} cannot be read")


def look_at_requirement(facts, requirement, has_hash):
    text = re.split(r"\s*;\s*", requirement, maxsplit=1)[0]
    named = re.match(r"^[A-Za-z0-9._-]+\s*(\[[^\]]*\])?\s*@\s*(.+)$", text)
    target = named[2].strip() if named else text
    scheme = re.match(r"^([a-z][a-z0-9+.-]*):", target, re.I)
    if scheme and scheme[1].lower() != "file":
        if "+" in scheme[1]:
            if not re.search(r"@[0-9a-f]{40}(#|$)", target):
                facts.say("unkeyed", "it installs a branch or tag of a repository")
        elif not (has_hash or re.search(r"#(.*&)?sha(256|384|512)=", target)):
            facts.say("unkeyed", "it installs a package from a URL without a hash")
        return
    path = unquote(urlsplit(target).path) if scheme else re.sub(r"\[[^\]]*\]$", "", target)
    full = os.path.join(facts.app, path)
    looks_like_path = bool(scheme) or os.sep in path or path.startswith(".")
    if path.lower().endswith(ARCHIVES) and (looks_like_path or os.path.isfile(full)):
        return cover_tree(facts, full)
    if looks_like_path:
        facts.say("unkeyed", "it installs the app's own source")


# Variables with settings of pip that name no file of the app.
HARMLESS_SETTINGS = {
    "NO_INDEX", "TRUSTED_HOST", "DEFAULT_TIMEOUT", "TIMEOUT", "RETRIES", "CERT", "CLIENT_CERT", "PROXY", "NO_CACHE_DIR", "PRE",
    "PREFER_BINARY", "NO_BINARY", "ONLY_BINARY", "REQUIRE_HASHES", "DISABLE_PIP_VERSION_CHECK", "PROGRESS_BAR", "VERBOSE", "QUIET",
    "NO_INPUT", "CACHE_DIR",
}


def look_at_settings(facts):
    """PIP_* config variables mean the same as options of a requirements file. Their paths start at the root of the app."""
    for name, value in sorted(facts.config.items()):
        option = name[4:].upper() if name.upper().startswith("PIP_") else None
        if option in ("FIND_LINKS", "INDEX_URL", "EXTRA_INDEX_URL"):
            for link in value.split():
                look_at_links(facts, link, facts.app)
        elif option == "CONSTRAINT":
            for path in value.split():
                read_requirements(facts, path, facts.app, set(), True)
        elif option is not None and option not in HARMLESS_SETTINGS:
            facts.say("unkeyed", f"the setting {name} of pip is not covered")


def exists(facts, *names):
    return next((name for name in names if os.path.isfile(os.path.join(facts.app, name))), None)


def read_project(facts):
    """pyproject.toml as a dictionary. Empty if there is no such file."""
    path = os.path.join(facts.app, "pyproject.toml")
    if not os.path.isfile(path):
        return {}
    try:
        import tomllib
        data = read_text(path)
        facts.cover("file", "pyproject.toml", data)
        return tomllib.loads(decode(data))
    except ImportError:
        facts.say("refuse", "Slipway can read pyproject.toml only on a stack with Python 3.11 or newer.\tAdd a requirements.txt, commit and push again.")
    except ValueError as error:
        facts.say("refuse", f"pyproject.toml is not valid TOML: {str(error)[:100]}.\tCorrect it, commit and push again.")
    return {}
