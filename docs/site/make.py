"""Builds the documentation site: ``python docs/site/make.py [--to site] [--work build/docs]``.

The pages are those of ``docs/``, the benchmark results, the notebooks of the guides and
what is generated from the code. They are laid out in a folder of their own first, since links
in the repository lead out of ``docs/``; every link is rewritten to where its target
lies in the site. Spanish pages are a site of their own in ``es/``, with its own search.
``zensical.toml`` says how the site looks and in which order its pages stand. Links that
lead nowhere end the build.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import commands
import notebooks
import reference

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
INSTALL = 'The site needs more packages: pip install --group docs ".[all]"'
APART = ("code/", "site/", "images/")  # folders of docs/ without pages
ELSEWHERE = {"SECURITY.md": "security.md"}  # pages outside docs/: where they go
OPTIONAL = ("CONTRIBUTING.md", "CHANGELOG.md")
LINK = re.compile(r"(?<!\\)(`+).*?\1|(?P<head>!?\[(?:[^\[\]]|\[[^\[\]]*\])*\]\()(?P<to>[^)\s]+)(?P<tail>[^)]*\))")
TITLE = re.compile(r"^# +(.+)$", re.MULTILINE)
FENCE = re.compile(r"^\s*(```+|~~~+)")


@dataclass
class Site:
    """Which file of the repository goes where in the site; keys are relative to the root."""

    pages: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_repository(cls) -> Site:
        """All pages: of docs/, the results of benchmarks, and a few beside them."""
        docs = (path.relative_to(DOCS).as_posix() for path in sorted(DOCS.rglob("*.md")))
        pages = {f"docs/{path}": path for path in docs if not path.startswith(APART)}
        for path in sorted((ROOT / "benchmarks" / "results").glob("*.md")):
            pages[path.relative_to(ROOT).as_posix()] = f"results/{path.name}"
        pages |= {path: to for path, to in ELSEWHERE.items() if (ROOT / path).is_file()}
        pages |= {path: path.lower() for path in OPTIONAL if (ROOT / path).is_file()}
        return cls(pages)

    def to(self, source: str) -> str | None:
        """Where a file or folder of the repository is in the site; None if nowhere."""
        if source in ("README.md", "docs", "."):
            return "index.md"
        if source in ("README.es.md", "docs/es"):
            return "es/index.md"
        if source.startswith("docs/images/"):
            return source.removeprefix("docs/")
        if source == "benchmarks/results":
            return "results/index.md"
        return self.pages.get(source)

    def rewritten(self, source: str, text: str) -> str:
        """The Markdown of a page with links that hold in the site.

        A link to a file that the site does not have becomes its text.
        """
        fenced, lines = "", []
        for line in text.splitlines():
            if fence := FENCE.match(line):
                fenced = "" if fenced and fence[1].startswith(fenced) else fenced or fence[1]
            lines.append(line if fenced or fence else LINK.sub(lambda link: self._link(source, link), line))
        return "\n".join(lines) + "\n"

    def _link(self, source: str, link: re.Match[str]) -> str:
        if not link["to"] or re.match(r"[a-z]+:|#", link["to"]):
            return link[0]
        path, mark, anchor = link["to"].partition("#")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        found, here = self.to(target), self.pages[source]
        if target.startswith("README"):
            mark = anchor = ""  # the start page has other chapters
        if found is None:
            if (ROOT / target).exists() and not link["head"].startswith("!"):
                return link["head"][1:-2]
            return link[0]
        if found.endswith(".md") and found.startswith("es/") != here.startswith("es/"):
            found = f"{found[:-3]}.html"  # a page of the other site
        elif found.startswith("images/") and here.startswith("es/"):
            found = f"es/{found}"  # each site has its own
        return f"{link['head']}{posixpath.relpath(found, posixpath.dirname(here))}{mark}{anchor}{link['tail']}"


def lay_out(site: Site, work: Path) -> None:
    """Writes the sources of both sites into a folder, made anew."""
    shutil.rmtree(work, ignore_errors=True)
    for source, place in site.pages.items():
        language = "es" if place.startswith("es/") else "en"
        text = site.rewritten(source, (ROOT / source).read_text("utf-8"))
        if not TITLE.search(text):
            text = f"# {heading(ROOT / source)}\n\n{text}"
        if source.startswith("docs/") and (notebook := notebooks.of_page(source)):
            text = with_download(text, place, notebook)
        write(work / language / place.removeprefix("es/"), text)
    write(work / "en" / "results" / "index.md", results(site))
    for name, text in reference.pages().items():
        write(work / "en" / "reference" / f"{name}.md", text)
    write(work / "en" / "reference" / "commands.md", commands.page())
    for page in notebooks.pages():
        write(work / "en" / "notebooks" / f"{page}.ipynb", notebooks.written(page))
    for language in ("en", "es"):
        if (DOCS / "images").is_dir():
            shutil.copytree(DOCS / "images", work / language / "images", dirs_exist_ok=True)
        shutil.copytree(DOCS / "site" / "theme" / "assets", work / language / "assets", dirs_exist_ok=True)
    shutil.copytree(DOCS / "site" / "theme", work / "theme")


def write(path: Path, text: str) -> None:
    """Writes a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def with_download(text: str, place: str, notebook: str) -> str:
    """A guide with a link to its notebook below its title."""
    title, _, rest = text.partition("\n")
    words = "Descargar como cuaderno de Jupyter" if place.startswith("es/") else "Download as a Jupyter notebook"
    address = posixpath.relpath(f"notebooks/{notebook}.ipynb", posixpath.dirname(place))
    return f'{title}\n\n<p class="notebook"><a href="{address}" download>{words}</a></p>\n{rest}'


def results(site: Site) -> str:
    """A page that lists the results of benchmarks."""
    rows = [
        f"- [{heading(ROOT / source)}]({posixpath.basename(place)}), {posixpath.basename(place)[:10]}"
        for source, place in site.pages.items()
        if place.startswith("results/")
    ]
    words = "Tables that the scripts in `benchmarks/` wrote, with their settings, versions and machine."
    return "\n".join(["# Benchmarks", "", words, "", *rows, ""])


def heading(path: Path) -> str:
    """The title of a page."""
    found = TITLE.search(path.read_text("utf-8"))
    return found[1].strip() if found else re.sub(r"^[\d-]+", "", path.stem).replace("-", " ").capitalize()


def configurations(site: Site, work: Path) -> dict[str, dict[str, Any]]:
    """What Zensical is told, for each language."""
    given = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))
    project, spanish = given["project"], given["es"]
    toggles = spanish.pop("toggles")
    both = sorted(place[3:-3] for place in site.pages.values() if place.startswith("es/"))
    shim = {"path": "assets/iframe-worker.js", "type": "text/javascript", "async": False, "defer": False}
    translated = [f"{name}.html" for name in both]
    project["extra"] = {"alternate": True, "translated": translated, "polyfills": [shim]}
    project["markdown_extensions"]["pymdownx"]["snippets"]["base_path"] = [str(DOCS / "code")]
    other = json.loads(json.dumps(project)) | spanish | {"docs_dir": "es", "site_dir": "site/es"}
    project["nav"] = [entry for each in project["nav"] for entry in unfolded(each, work / "en")]
    other["nav"] = [entry for each in other["nav"] for entry in unfolded(each, work / "es")]
    other["theme"]["language"] = "es"
    for palette, words in zip(other["theme"]["palette"], toggles, strict=True):
        palette["toggle"]["name"] = words
    return {"en": project, "es": other}


def unfolded(entry: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    """An entry of the navigation as it is for the pages in ``folder``; none without a page.

    ``name/*`` stands for all pages of a folder, its index first, in the order in which that names them.
    """
    ((title, value),) = entry.items()
    if isinstance(value, list):
        inner = [found for each in value for found in unfolded(each, folder)]
        return [{title: inner}] if inner else []
    if not value.endswith("/*"):
        return [entry] if (folder / value).is_file() else []
    index = folder / value[:-2] / "index.md"
    named = re.findall(r"\]\(([\w-]+\.md)", index.read_text("utf-8")) if index.is_file() else []
    places = {name: place for place, name in enumerate(["index.md", *named][::-1])}  # where it is named first
    paths = sorted(index.parent.glob("*.md"), key=lambda path: (-places.get(path.name, -1), heading(path)))
    inner = [{heading(path): path.relative_to(folder).as_posix()} for path in paths]
    return [{title: inner}] if inner else []


def build(to: Path, work: Path) -> int:
    """Lays out and builds both sites into ``to``; gives the exit code."""
    if not importlib.util.find_spec("zensical"):
        print(INSTALL, file=sys.stderr)
        return 1
    site = Site.of_repository()
    lay_out(site, work)
    for language, project in configurations(site, work).items():
        configuration = work / f"{language}.yml"
        configuration.write_text(json.dumps(project, indent=1), "utf-8")  # YAML holds JSON
        command = [sys.executable, "-m", "zensical", "build", "--strict", "-f", str(configuration)]
        if code := subprocess.run(command, cwd=work, env=os.environ | {"NO_COLOR": "1"}, check=False).returncode:
            return code
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(work / "site", to)
    return 0


def main() -> int:
    """The command line; gives the exit code."""
    parser = argparse.ArgumentParser(description="Builds the documentation site.")
    parser.add_argument("--to", type=Path, default=ROOT / "site", help="the folder of the site, made anew")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "docs", help="where its sources are laid out")
    options = parser.parse_args()
    return build(options.to.resolve(), options.work.resolve())


if __name__ == "__main__":
    sys.exit(main())
